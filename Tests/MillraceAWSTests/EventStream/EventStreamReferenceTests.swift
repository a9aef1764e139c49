import FoundationEssentials
import Glibc
import MillraceAWS
import MillraceCore
import MillraceCounterparts
import Testing

/// Streams that Python has written, and what botocore makes of them.
@Suite(.ownThreads) struct EventStreamReferenceTests {
    @Test func streams_ofAnEncoderOfOthers_areReadAsBotocoreReadsThem() throws {
        guard access(Counterpart.python, X_OK) == 0 else { return try Counterpart.leftOut("botocore") }
        let script = Counterpart.packageRoot + "/Tests/MillraceAWSTests/Reference/event_stream.py"
        let process = try CounterpartProcess([Counterpart.python, script])
        defer { process.stop() }
        _ = try process.waitForLine { $0 == "done" }
        var counts = (read: 0, refused: 0)
        for line in process.lines where line != "done" {
            let example = try JSONValue(parsing: line)
            let bytes = try #require(example["bytes"]?.string.flatMap { Data(base64Encoded: $0) })
            let found = Self.decode([UInt8](bytes))
            if example["isWellFormed"]?.bool == true {
                let expected = try #require(example["messages"]?.array)
                #expect(found == expected, "\(line.prefix(200))")
                counts.read += 1
            } else if example["messages"]?.isNull == true {
                #expect(found == nil, "\(line.prefix(200))")
                counts.refused += 1
            }
        }
        #expect(counts.read == 60)
        #expect(counts.refused > 200)
    }

    /// In the script's form; `nil`: refused.
    private static func decode(_ bytes: [UInt8]) -> [JSONValue]? {
        var decoder = EventStreamDecoder()
        var messages: [JSONValue] = []
        do {
            bytes.withUnsafeBytes { decoder.receive($0) }
            while let message = try decoder.next() {
                messages.append([
                    "headers": .array(message.headers.map { [.string($0.name), .integer(told($0.value).type), told($0.value).text] }),
                    "payload": .string(Data(message.payload).base64EncodedString()),
                ])
            }
            try decoder.end()
        } catch { return nil }
        return messages
    }

    private static func told(_ value: EventStreamMessage.HeaderValue) -> (type: Int, text: JSONValue) {
        switch value {
        case .bool(let value): (value ? 0 : 1, .bool(value))
        case .int8(let value): (2, .string("\(value)"))
        case .int16(let value): (3, .string("\(value)"))
        case .int32(let value): (4, .string("\(value)"))
        case .int64(let value): (5, .string("\(value)"))
        case .bytes(let value): (6, .string(Data(value).base64EncodedString()))
        case .string(let value): (7, .string(Data(value.utf8).base64EncodedString()))
        case .timestamp(let milliseconds): (8, .string("\(milliseconds)"))
        case .uuid(let value): (9, .string(Data(value).base64EncodedString()))
        }
    }
}
