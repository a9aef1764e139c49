import FoundationEssentials
import Millrace
import MillraceCore
import MillraceCounterparts
import Testing

@testable import MillraceBackends

/// Whatever a request holds, what is sent is what the API takes: checked by botocore's service model, and by what the documentation says
/// beside it.
@Suite(.ownThreads) struct BedrockRequestPropertyTests {
    @Test func everyRequest_isOneThatTheAPITakes() throws {
        guard try BedrockServer.isAvailable() else { return }
        var generator = BedrockRequestGenerator(seed: 20_261_121)
        var lines = ""
        var kinds: Set<String> = []
        for _ in 0..<2_500 {
            let (request, model, options) = generator.next()
            // Nothing that is generated is a request that has to be refused.
            let encoded = try ConverseRequest(request, model: model, options: options)
            let operation = options.streaming ? "ConverseStream" : "Converse"
            lines +=
                JSONValue.object(["operation": .string(operation), "modelId": .string(model), "body": .object(encoded.body)]).text + "\n"
            if case .object(let members) = encoded.tokenCountBody {
                lines +=
                    JSONValue.object(["operation": "CountTokens", "modelId": "anthropic.claude-sonnet-4-5", "body": .object(members)]).text
                    + "\n"
            }
            for message in encoded.body["messages"]?.array ?? [] {
                for block in message["content"]?.array ?? [] { kinds.formUnion((block.object ?? [:]).keys) }
            }
        }
        #expect(
            kinds == [
                "text", "image", "document", "searchResult", "toolUse", "toolResult", "guardContent", "cachePoint", "reasoningContent",
            ])
        let directory = try TemporaryDirectory()
        let file = directory.path + "/requests.jsonl"
        try Data(lines.utf8).write(to: URL(filePath: file))
        let process = try CounterpartProcess([Counterpart.python, Counterpart.script("bedrock_requests.py"), file])
        defer { process.stop() }
        let verdict = try process.waitForLine { $0.hasPrefix("checked ") }
        #expect(verdict == "checked 5000 requests, 0 wrong", "\(process.lines.prefix(5).joined(separator: "\n"))")
    }
}
