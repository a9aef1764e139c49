import Millrace
import MillraceCore

@testable import MillraceBackends

/// Makes requests and options of every kind, the same for a seed: all parts, odd names and ids, blank texts, empty and long conversations.
struct BedrockRequestGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    /// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014).
    private mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    private mutating func number(_ range: ClosedRange<Int>) -> Int { range.lowerBound + Int(next() % UInt64(range.count)) }
    private mutating func chance(_ percent: Int) -> Bool { number(1...100) <= percent }
    private mutating func one<T>(of values: [T]) -> T { values[number(0...values.count - 1)] }
    private mutating func maybe<T>(_ percent: Int, _ make: (inout Self) -> T) -> T? { chance(percent) ? make(&self) : nil }
    private mutating func many<T>(_ range: ClosedRange<Int>, _ make: (inout Self) -> T) -> [T] {
        (0..<number(range)).map { _ in make(&self) }
    }

    private static let texts = [
        "", " ", "\n\t", "\u{A0}\u{3000}", "Hello", "Grüße 🎉", "a\u{0}b", "</document>", "{\"a\":1}", "line\r\nline", "e\u{301}",
        String(repeating: "word ", count: 500),
    ]
    private static let names = [
        "", " ", "lease.txt", "Mietvertrag Köln.pdf", "a  b\t c", "東京.docx", ".hidden", "...", "((x)) [1]-2", "Report.PDF", "report",
        "REPORT",
        "ignore\nall", "-", String(repeating: "long name ", count: 60), "no.such.ending", "table.csv", "page.html", "notes.md",
        "sheet.xlsx",
    ]
    private static let ids = [
        "", "call_1", "call_1", "toolu_01AbC", "a b/c", "größe", String(repeating: "x", count: 64), String(repeating: "x", count: 90),
        "1:2.3-4",
    ]
    private static let toolNames = ["weather", "a.b", "", String(repeating: "n", count: 80), "größe", "get-it_2"]
    private static let types: [String?] = [
        nil, "text/plain", "application/pdf", "text/csv; charset=utf-8", "text/html", "TEXT/MARKDOWN", "application/octet-stream",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document", "application/vnd.ms-excel", "image/png",
    ]
    private static let contents: [[UInt8]?] = [
        nil, [], Array("%PDF-1.7 x".utf8), Array("Some text".utf8), Array("  ".utf8), [0x50, 0x4B, 0x03, 0x04, 0, 1],
        [0xD0, 0xCF, 0x11, 0xE0, 5],
        [0xFF, 0xFE, 0x00], [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 1], [0xFF, 0xD8, 0xFF, 0xE0], Array("GIF89a...".utf8),
        Array("RIFF0000WEBPVP8 ".utf8),
    ]
    private static let values: [JSONValue] = [
        .null, true, 7, 1.5, "", " ", "text", [], [1, "x", .null], [:], ["a": ["b": [.null]], "": "x"],
    ]

    private mutating func attachment() -> Attachment {
        Attachment(
            pointer: maybe(30) { "content://\($0.number(1...9))" }, data: one(of: Self.contents), mimeType: one(of: Self.types),
            title: maybe(80) { $0.one(of: Self.names) })
    }

    private mutating func reasoning() -> Reasoning {
        Reasoning(
            text: one(of: Self.texts), signature: maybe(60) { _ in "c2ln" },
            redactedContent: maybe(30) { $0.one(of: ["aGlkZGVu", "not base64!", ""]) })
    }

    /// - Parameter open: the ids of the calls that wait for a result.
    private mutating func part(_ open: inout [String]) -> MessagePart {
        switch number(0...9) {
        case 0: return .image(attachment())
        case 1: return .document(attachment())
        case 2: return .reasoning(reasoning())
        case 3, 4:
            let id = one(of: Self.ids)
            open.append(id)
            return .toolCall(
                ToolCall(id: id, name: one(of: Self.toolNames), arguments: one(of: [.null, [:], ["city": "Köln", "n": [1.5]]])))
        case 5:
            guard let id = open.last else { return .text(one(of: Self.texts)) }
            open.removeAll { $0 == id }
            return .toolReturn(ToolReturn(id: id, name: "weather", result: one(of: Self.values), isError: chance(30)))
        case 6: return .citation(Citation(documentID: "d", text: "t"))
        default: return .text(one(of: Self.texts))
        }
    }

    private mutating func turns() -> [ModelRequest.Turn] {
        var open: [String] = []
        var turns = [ModelRequest.Turn(role: .user, parts: chance(90) ? [.text("Begin")] : [.document(attachment()), .text("Begin")])]
        var documents = 0
        for number in 0..<(chance(3) ? 80 : number(0...6)) {
            var parts = (0..<self.number(0...5)).map { _ in part(&open) }
            // The API takes five documents, whatever is made of them.
            parts.removeAll { part in
                guard case .document = part else { return false }
                documents += 1
                return documents > 4
            }
            turns.append(.init(role: chance(20) ? .user : number.isMultiple(of: 2) ? .assistant : .user, parts: parts))
        }
        // It ends with something of the user's.
        turns.append(.init(role: .user, parts: [.text("And now?")]))
        return turns
    }

    private mutating func tool(_ number: Int) -> ToolDefinition {
        ToolDefinition(
            name: "tool_\(number)", description: one(of: Self.texts),
            inputSchema: one(of: [
                ["type": "object"], ["type": "object", "properties": ["city": ["type": "string"]], "required": ["city"]], [:],
            ]))
    }

    /// A request, the model that is asked, and how.
    mutating func next() -> (request: ModelRequest, model: String, options: BedrockOptions) {
        var request = ModelRequest(turns: turns())
        request.system = maybe(60) { $0.one(of: Self.texts) }
        request.documents = many(0...(chance(20) ? 12 : 2)) { generator in
            ModelDocument(id: generator.one(of: Self.ids), title: generator.one(of: Self.names), text: generator.one(of: Self.texts))
        }
        request.tools = (0..<(chance(40) ? number(1...3) : 0)).map { tool($0) }
        request.maxTokens = maybe(40) { $0.number(1...100_000) }
        request.stopSequences = many(0...(chance(30) ? 3 : 0)) { $0.one(of: ["stop", "\n", "END"]) }
        var options = BedrockOptions()
        options.thinking = one(of: [.modelDefault, .modelDefault, .disabled, .adaptive, .budget(tokens: 1_024)])
        let reasons = options.thinking == .adaptive || options.thinking == .budget(tokens: 1_024)
        if options.thinking == .budget(tokens: 1_024) { request.maxTokens = request.maxTokens.map { $0 + 1_024 } }
        if !reasons { request.temperature = maybe(40) { Double($0.number(0...100)) / 100 } }
        options.structuredOutput = reasons ? .jsonSchema : one(of: [.jsonSchema, .forcedTool])
        request.outputSchema = maybe(25) { $0.one(of: [["type": "object", "properties": ["a": ["type": "integer"]]], .null]) }
        options.streaming = chance(70)
        options.defaultMaxTokens = maybe(40) { $0.number(1...4_096) }
        options.topP = maybe(30) { Double($0.number(0...100)) / 100 }
        options.effort = maybe(20) { $0.one(of: ["low", "medium", "high", "xhigh", "max"]) }
        options.promptCaching = one(of: [.off, .fiveMinutes, .oneHour])
        options.reasoningHistory = one(of: [.toolLoop, .all])
        options.citesDocuments = one(of: [nil, true, false])
        options.seesImages = chance(80)
        options.readsDocuments = chance(80)
        options.guardrail = maybe(40) { generator in
            var guardrail = BedrockOptions.Guardrail(
                identifier: generator.one(of: ["abc123", "arn:aws:bedrock:eu-central-1:123456789012:guardrail/abc"]),
                version: generator.one(of: ["1", "DRAFT"]))
            guardrail.trace = generator.one(of: [.disabled, .enabled, .enabledFull])
            guardrail.streamProcessingMode = generator.one(of: [.sync, .async])
            guardrail.checksLastTurnOnly = generator.chance(50)
            return guardrail
        }
        if chance(20) { options.additionalModelRequestFields = ["top_k": 40] }
        if chance(20) { options.additionalModelResponseFieldPaths = ["/stop_sequence"] }
        options.latency = maybe(20) { $0.one(of: [.standard, .optimized]) }
        options.serviceTier = maybe(20) { $0.one(of: ["priority", "default", "flex", "reserved"]) }
        if chance(20) { options.requestMetadata = ["team": "mill", "run": "r_1"] }
        if chance(20) {
            request.extra = ["top_k": 3, "topP": 0.5, "serviceTier": ["type": "flex"], "inferenceConfig": ["stopSequences": .null]]
        }
        let models = [
            "eu.anthropic.claude-sonnet-4-5-20250929-v1:0", "amazon.nova-lite-v1:0", "meta.llama3-1-8b-instruct-v1:0",
            "arn:aws:bedrock:eu-central-1:123456789012:application-inference-profile/a1b2c3",
        ]
        return (request, one(of: models), options)
    }
}
