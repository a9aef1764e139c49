import Millrace
import MillraceCore

@testable import MillraceAWS
@testable import MillraceBackends

extension FuzzTarget {
    private static let asked = ModelRequest(
        turns: [.init(role: .user, parts: [.text("q")])], documents: [ModelDocument(id: "d", title: "t", text: "x")])

    private static func events(of bytes: [UInt8]) -> [SSEMessage] {
        var parser = SSEParser()
        return (try? parser.receive(bytes)) ?? []
    }

    /// A streamed chat completion. The scanner of the commonest chunks must say what the whole reader says.
    static let chatCompletions = FuzzTarget("chat-completions") { (bytes) throws(Disagreement) in
        let text = String(decoding: bytes, as: UTF8.self)
        // One for all: a chunk may be like the one before.
        var frame = TextDeltaFrame()
        for data in [text] + events(of: bytes).map(\.data) {
            guard let fast = TextDeltaScanner.text(in: data, modelID: "m", frame: &frame) else { continue }
            guard let json = try? JSONValue(parsing: data) else { throw Disagreement("the scanner took what is no JSON: \(data)") }
            var decoder = ChatCompletionDecoder(modelID: "m", provider: "p")
            let slow = try? decoder.receive(completion: json)
            try expectEqual(slow, fast.isEmpty ? [] : [.text(fast)], "a chunk, scanned and read")
        }
        var decoder = ChatCompletionDecoder(modelID: "m", provider: "p", makeID: { "call_1" })
        do throws(MillraceError) {
            for message in events(of: bytes) { _ = try decoder.receive(message.data) }
            _ = try decoder.finish()
        } catch { try check(error) }
        if let json = try? JSONValue(parsing: bytes) {
            var decoder = ChatCompletionDecoder(modelID: "m", provider: "p", makeID: { "call_1" })
            _ = try? decoder.receive(completion: json)
            _ = try? decoder.finish()
            _ = OpenAIProblem(json: json)
            if let answer = try? EmbeddingsAnswer(json, count: 2, dimensions: nil, server: "s") {
                try expectEqual(answer.vectors.count, 2, "the number of vectors")
            }
        }
        _ = OpenAIProblem(text: text)
    }

    /// A stream of the Messages API.
    static let messages = FuzzTarget("messages") { (bytes) throws(Disagreement) in
        for schema in [nil, ["type": "object"] as JSONValue] {
            var asked = asked
            asked.outputSchema = schema
            guard let request = try? MessagesRequest(asked, model: "m", options: AnthropicOptions()) else {
                throw Disagreement("no request")
            }
            var decoder = MessagesDecoder(request, model: "m", server: "s")
            do throws(MillraceError) {
                for message in events(of: bytes) where !decoder.isComplete {
                    _ = try decoder.receive(message)
                    _ = decoder.consumed
                }
                _ = try decoder.finish()
            } catch { try check(error) }
        }
    }

    /// A stream of Bedrock's Converse, its events written as SSE; or a whole answer.
    static let converse = FuzzTarget("converse") { (bytes) throws(Disagreement) in
        for schema in [nil, ["type": "object"] as JSONValue] {
            var asked = asked
            asked.outputSchema = schema
            guard let request = try? ConverseRequest(asked, model: "m", options: BedrockOptions()) else { throw Disagreement("no request") }
            var decoder = ConverseDecoder(request, model: "m", server: "s")
            do throws(MillraceError) {
                for message in events(of: bytes) {
                    guard let payload = try? JSONValue(parsing: message.data) else { continue }
                    _ = try decoder.receive(BedrockStreamEvent(type: message.event, payload: payload))
                }
                _ = try decoder.finish()
            } catch { try check(error) }
            if let json = try? JSONValue(parsing: bytes) {
                var decoder = ConverseDecoder(request, model: "m", server: "s")
                _ = try? decoder.receive(converse: json)
            }
        }
    }

    private static func check(_ error: MillraceError) throws(Disagreement) {
        try expect(!error.message.isEmpty, "an error without words")
    }

    /// A custom API: a JSON path in the first line, a configuration in the second, its answer in the others.
    static let customAPI = FuzzTarget("custom-api") { (bytes) throws(Disagreement) in
        let lines = bytes.split(separator: 0x0A, maxSplits: 2, omittingEmptySubsequences: false).map { Array($0) }
        let rest = lines.count > 2 ? lines[2] : []
        if let path = try? JSONPath(String(decoding: lines[0], as: UTF8.self)), let root = try? JSONValue(parsing: rest) {
            _ = path.values(in: root)
        }
        let whole = split([rest])
        for pieces in Pieces.cuts(of: rest) { try expectEqual(split(pieces), whole, "JSON lines in \(pieces.count) pieces") }
        guard lines.count > 1, let configuration = try? JSONValue(parsing: lines[1]) else { return }
        if let template = try? RequestTemplate(configuration) { _ = template.body(for: asked, model: "m") }
        guard let api = try? CustomAPI(id: "c", configuration: configuration) else { return }
        _ = try? api.body(for: asked)
        var machine = CustomResponseMachine(api)
        do {
            for line in whole { _ = try machine.received(String(decoding: line, as: UTF8.self)) }
            _ = try machine.finished()
        } catch {}
    }

    private static func split(_ pieces: [[UInt8]]) -> [[UInt8]] {
        var splitter = JSONLinesSplitter()
        var lines: [[UInt8]] = []
        for piece in pieces { lines += (try? piece.withUnsafeBytes { try splitter.receive($0) }) ?? [] }
        return lines + (splitter.end().map { [$0] } ?? [])
    }
}
