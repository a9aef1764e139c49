import MillraceCore
import Testing

@testable import Millrace

@Suite struct EventEncoderTests {
    private let stamp = EventStamp(Timestamp(microseconds: 1_795_147_200_000_123))

    private func message(_ event: Event, sequence: Int = 7, block: EventEncoder.BlockPosition? = .init(index: 3, sequence: 12)) -> String {
        var buffer = ByteBuffer()
        EventEncoder(responseID: "resp_1").append(event, sequence: sequence, at: stamp, block: block, to: &buffer)
        return buffer.string
    }

    @Test(arguments: ["", "a", "token7 ", "größer 😀", String(repeating: "x", count: 300)])
    func plainText_isWrittenAsItIs(_ text: String) {
        let data = """
            {"response_id":"resp_1","sequence":7,"timestamp":"\(stamp.time)","content_block_index":3,"block_sequence":12,"content":"\(text)"}
            """
        #expect(message(.content(text)) == "event: content\nid: resp_1:7\ndata: \(data)\n\n")
    }

    /// What must be escaped may stand anywhere in a piece, also where eight bytes are looked at together.
    @Test(arguments: ["\"", "\\", "\n", "\u{1}", "\u{1F}"])
    func textToEscape_isReadBackAsItWas(_ mark: String) throws {
        for count in 0..<40 {
            for place in 0...count {
                let text = String(repeating: "ä", count: place) + mark + String(repeating: "b", count: count - place)
                let lines = message(.content(text)).split(separator: "\n")
                let data = try JSONValue(parsing: String(lines[2].dropFirst("data: ".count)))
                #expect(data["content"]?.string == text)
            }
        }
    }

    @Test(arguments: [1, 9, 10, 99, 100, 1_234_567_890, Int.max])
    func numbers_areDecimal(_ number: Int) {
        let text = message(.content("x"), sequence: number, block: .init(index: number, sequence: number))
        #expect(text.contains("id: resp_1:\(number)\n"))
        #expect(text.contains("\"sequence\":\(number),"))
        #expect(text.contains("\"content_block_index\":\(number),\"block_sequence\":\(number),"))
    }

    @Test(arguments: [
        Usage.unknown, Usage(promptTokens: 5, completionTokens: 7, estimatedCost: 0.25, cachedPromptTokens: 3, isEstimated: true),
        Usage(completionTokens: 0),
    ])
    func usageOfAnEnd_isWrittenAsItsJSON(_ usage: Usage) {
        let text = message(Event(.responseEnd, .responseEnd(ResponseEnd(status: .completed, usage: usage, chatID: "c"))), block: nil)
        var json = ByteBuffer()
        json.append(json: usage.json)
        #expect(text.contains(",\"usage\":\(json.string),\"chat_id\":"))
    }

    @Test(arguments: [
        (0, 1), (1_999_999, 2_000_000), (1_000_000, 1_999_999), (1_795_147_200_000_123, 1_795_147_200_999_999), (5, -5), (-5, -4),
        (1_795_147_259_999_999, 1_795_147_260_000_000),
    ])
    func stampThatAdvances_equalsANewOne(_ from: Int, _ to: Int) {
        var advanced = EventStamp(Timestamp(microseconds: Int64(from)))
        advanced.advance(to: Timestamp(microseconds: Int64(to)))
        var text = ByteBuffer()
        EventEncoder(responseID: "r").append(.status("s", message: "m"), sequence: 1, at: advanced, block: nil, to: &text)
        #expect(text.string.contains(",\"timestamp\":\"\(Timestamp(microseconds: Int64(to)))\","))
    }
}
