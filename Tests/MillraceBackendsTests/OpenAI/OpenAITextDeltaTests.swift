import Millrace
import MillraceCore
import Testing

@testable import MillraceBackends

extension TextDeltaScanner {
    /// The text of a stream's first chunk.
    fileprivate static func text(in data: String, modelID: String) -> String? {
        var frame = TextDeltaFrame()
        return text(in: data, modelID: modelID, frame: &frame)
    }
}

extension TextDeltaFrame {
    fileprivate func text(in data: String) -> String? {
        var data = data
        return data.withUTF8 { text(in: UnsafeRawBufferPointer($0)) }
    }
}

/// The scanner of text chunks says what the full reading says, or nothing.
@Suite struct OpenAITextDeltaTests {
    private static let chunk =
        #"{"id":"c-1","object":"chat.completion.chunk","created":1741569952,"model":"m-1","system_fingerprint":null,"choices":[{"index":0,"delta":{"role":"assistant","content":"Grüße\n"},"logprobs":null,"finish_reason":null}],"usage":null}"#

    private func data(_ stream: OpenAIRecordedStream) throws -> [String] {
        var parser = SSEParser()
        return try parser.receive(Array(stream.text.utf8)).map(\.data).filter { $0 != "[DONE]" }
    }

    /// Whether the full reading of the chunk gives that text and nothing else. A member that the scanner does not know makes it give up.
    private func isText(_ text: String, _ chunk: String) -> Bool {
        guard case .object(var members)? = try? JSONValue(parsing: chunk) else { return false }
        members["not_known"] = 1
        let full = JSONValue.object(members).text
        guard TextDeltaScanner.text(in: full, modelID: "m-1") == nil else { return false }
        var decoder = ChatCompletionDecoder(modelID: "m-1", provider: "p")
        guard let events = try? decoder.receive(full), events == (text.isEmpty ? [] : [.text(text)]) else { return false }
        // Neither an end nor a tool call nor another model is overlooked.
        let isOpen = (try? decoder.finish()) == nil
        _ = try? decoder.receive("[DONE]")
        return isOpen && (try? decoder.finish())?.response == ModelResponse(stopReason: .endTurn, usage: .unknown, modelID: "m-1")
    }

    @Test(arguments: [
        (chunk, "Grüße\n"), (#"{ "model" : "m-1" , "choices" : [ { "delta" : { "content" : "\"\\\/\t\r" } } ] }"#, "\"\\/\t\r"),
        (#"{"choices":[{"delta":{}}]}"#, ""), (#"{"choices":[{"index":0,"delta":{"content":""}}],"provider":"X"}"#, ""),
        (#"{"choices":[{"delta":{"content":null,"tool_calls":null}}]}"#, ""), (#"{"choices":[{}]}"#, ""),
    ])
    func textChunk_isScanned(chunk: String, text: String) {
        #expect(TextDeltaScanner.text(in: chunk, modelID: "m-1") == text)
        #expect(isText(text, chunk))
    }

    @Test(arguments: [
        "", "{", "{}", "[]", #"{"choices":[]}"#, #"{"choices":null}"#, #"{"choices":[null]}"#,
        #"{"choices":[{"index":1,"delta":{"content":"x"}}]}"#,
        #"{"choices":[{"delta":{"content":"x"},"finish_reason":"stop"}]}"#, #"{"choices":[{"delta":{"content":"x"}}],"usage":{}}"#,
        #"{"choices":[{"delta":{"content":"x"}},{"delta":{"content":"y"}}]}"#, #"{"choices":[{"delta":{"content":"\u00e9"}}]}"#,
        #"{"choices":[{"delta":{"content":"x","refusal":"no"}}]}"#, #"{"choices":[{"delta":{"content":"x"}}],"model":"m-2"}"#,
        #"{"choices":[{"delta":{"content":"x"}}],"choices":[{"delta":{}}]}"#, #"{"choices":[{"delta":{"content":"x","content":"y"}}]}"#,
        #"{"choices":[{"delta":{"content":"x"}}],"error":{"message":"m"}}"#, #"{"choices":[{"delta":{"content":"x"}}]}}"#,
        #"{"choices":[{"delta":{"content":"x"}}],"created":01}"#, #"{"choices":[{"delta":{"content":"x"}}],"created":1.5}"#,
        #"{"choices":[{"delta":{"content":"x"}},]}"#, #"{"choices":[{"delta":{"content":"x"},}]}"#,
        #"{"choices":[{"delta":{"content":"x\"}}]}"#,
        "{\"choices\":[{\"delta\":{\"content\":\"x\u{1}\"}}]}", #"{"choices":[{"delta":{"reasoning":"x"}}]}"#,
        #"{"choices":[{"delta":{"content":"x","content":null}}]}"#, #"{"choices":[{"delta":{"content":"x"},"delta":{}}]}"#,
        #"{"choices":[{"delta":{"content":"x"},"delta":null}]}"#,
    ])
    func anythingElse_isReadInFull(chunk: String) {
        #expect(TextDeltaScanner.text(in: chunk, modelID: "m-1") == nil)
    }

    /// Chunks of known and unknown members in any order and number, some of them damaged.
    @Test func randomChunks_areReadTheSame() {
        var state: UInt64 = 42
        func random(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        func object(_ members: [() -> String]) -> String {
            let chosen = (0..<random(4)).map { _ in members[random(members.count)]() }
            return "{" + chosen.joined(separator: random(9) == 0 ? " ,\t" : ",") + "}"
        }
        let values = [
            "null", "0", "1", "-0", "0.0", "{}", "[]", "true", #""m-1""#, #""m-2""#, #""x\n\"""#, #""\u0078""#, #""""#, "00",
            "\"é\u{1F600}\"",
        ]
        func value() -> String { values[random(values.count)] }
        func delta() -> String {
            object([
                { #""content":"# + value() }, { #""content":"y""# }, { #""role":"# + value() }, { #""refusal":"# + value() },
                { #""tool_calls":null"# },
            ])
        }
        func choice() -> String {
            object([
                { #""delta":"# + delta() }, { #""delta":"# + delta() }, { #""delta":"# + value() }, { #""index":"# + value() },
                { #""finish_reason":"# + value() }, { #""usage":"# + value() },
            ])
        }
        var scanned = 0
        for _ in 0..<30_000 {
            var chunk = object([
                { #""choices":["# + choice() + "]" }, { #""choices":["# + choice() + "]" }, { #""choices":"# + value() },
                { #""model":"# + value() }, { #""id":"# + value() }, { #""created":"# + value() }, { #""error":"# + value() },
                { #""usage":"# + value() },
            ])
            if random(10) == 0 {
                var bytes = Array(chunk.utf8)
                bytes[random(bytes.count)] = UInt8(random(128))
                chunk = String(decoding: bytes, as: UTF8.self)
            }
            guard let text = TextDeltaScanner.text(in: chunk, modelID: "m-1") else { continue }
            scanned += 1
            #expect(isText(text, chunk), "\(chunk)")
        }
        #expect(scanned > 300)
    }

    @Test(arguments: OpenAIRecordedStream.all)
    func recordedChunks_areReadTheSame(stream: OpenAIRecordedStream) throws {
        for chunk in try data(stream) {
            var members = try #require(try JSONValue(parsing: chunk).object)
            members["model"] = "m-1"
            let chunk = JSONValue.object(members).text
            if let text = TextDeltaScanner.text(in: chunk, modelID: "m-1") { #expect(isText(text, chunk), "\(chunk)") }
        }
    }

    /// What each server's stream consists of: were one of them read in full, every token would cost twenty times as much.
    @Test(arguments: [
        #"{"id":"chatcmpl-B9M","object":"chat.completion.chunk","created":1741569952,"model":"m-1","service_tier":"default","system_fingerprint":"fp_50","choices":[{"index":0,"delta":{"content":"x"},"logprobs":null,"finish_reason":null}],"usage":null,"obfuscation":"aB3"}"#,
        #"{"choices":[{"finish_reason":null,"index":0,"delta":{"content":"x"}}],"created":1762345678,"id":"chatcmpl-L","model":"m-1","system_fingerprint":"b6900-abc","object":"chat.completion.chunk"}"#,
        #"{"id":"chatcmpl-7f","object":"chat.completion.chunk","created":1730000000,"model":"m-1","choices":[{"index":0,"delta":{"content":"x","reasoning_content":null},"logprobs":null,"finish_reason":null,"token_ids":null}]}"#,
        #"{"id":"chatcmpl-543","object":"chat.completion.chunk","created":1763000000,"model":"m-1","system_fingerprint":"fp_ollama","choices":[{"index":0,"delta":{"role":"assistant","content":"x"},"finish_reason":null}]}"#,
        #"{"id":"gen-1","provider":"Anthropic","model":"m-1","object":"chat.completion.chunk","created":1,"choices":[{"index":0,"delta":{"role":"assistant","content":"x","reasoning":null,"reasoning_details":null},"finish_reason":null,"native_finish_reason":null,"logprobs":null}]}"#,
        #"{"id":"1f63","object":"chat.completion.chunk","created":1718345013,"model":"m-1","system_fingerprint":"fp_a4","choices":[{"index":0,"delta":{"content":"x","reasoning_content":null},"logprobs":null,"finish_reason":null}],"usage":null}"#,
    ])
    func textChunkOfEachServer_isScanned(chunk: String) {
        #expect(TextDeltaScanner.text(in: chunk, modelID: "m-1") == "x")
    }

    /// A chunk whose text alone is new is not scanned, and says the same.
    @Test(arguments: [
        "", "y", "a longer text than the one before, with größer 😀", "\\n", "\\u0078", "\"", "\"}},{\"delta\":{\"content\":\"z",
    ])
    func chunkLikeTheLastButForItsText_saysItsOwn(text: String) {
        let first = Self.chunk.replacing("Grüße\\n", with: "x")
        var frame = TextDeltaFrame()
        #expect(TextDeltaScanner.text(in: first, modelID: "m-1", frame: &frame) == "x")
        let next = Self.chunk.replacing("Grüße\\n", with: text)
        let alike = frame.text(in: next)
        #expect((alike != nil) == !text.contains { $0 == "\"" || $0 == "\\" })
        #expect(alike == nil || alike == text)
        #expect(TextDeltaScanner.text(in: next, modelID: "m-1", frame: &frame) == TextDeltaScanner.text(in: next, modelID: "m-1"))
    }

    @Test func anotherModelsName_isNotOverlookedInAChunkLikeTheLast() throws {
        var decoder = ChatCompletionDecoder(modelID: "m-1", provider: "p")
        let plain = Self.chunk.replacing("Grüße\\n", with: "x")
        _ = try decoder.receive(plain)
        #expect(try decoder.receive(plain.replacing("m-1", with: "m-2")) == [.text("x")])
        #expect(try decoder.receive(plain) == [.text("x")])
        _ = try decoder.receive("[DONE]")
        #expect(try decoder.finish().response.modelID == "m-1")
    }

    /// Every byte of a chunk replaced, taken out, or behind which the chunk ends, read alone and behind the whole one.
    @Test(arguments: ["Grüße\\n", "Grüße", "x", ""])
    func brokenChunk_isNeverTakenForText(content: String) {
        let whole = Self.chunk.replacing("Grüße\\n", with: content)
        var learned = TextDeltaFrame()
        _ = TextDeltaScanner.text(in: whole, modelID: "m-1", frame: &learned)
        let bytes = Array(whole.utf8)
        let others = Array("\"\\{}[]:,x0n 1\u{1}\u{fe}".utf8)
        for position in bytes.indices {
            var variants = others.map { other in
                var changed = bytes
                changed[position] = other
                return changed
            }
            variants.append(Array(bytes[..<position]))
            variants.append(Array(bytes[..<position] + bytes[(position + 1)...]))
            for variant in variants {
                // What is no UTF-8 has become U+FFFD when it comes here.
                let chunk = String(decoding: variant, as: UTF8.self)
                var frame = learned
                let behind = TextDeltaScanner.text(in: chunk, modelID: "m-1", frame: &frame)
                #expect(behind == TextDeltaScanner.text(in: chunk, modelID: "m-1"), "\(chunk)")
                if let behind { #expect(isText(behind, chunk), "\(chunk)") }
            }
        }
    }
}
