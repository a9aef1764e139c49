import Millrace
import MillraceCore
import Testing

@testable import MillraceBackends

@Suite struct AnthropicConversationTests {
    private static let png: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0]

    private func messages(
        _ turns: [ModelRequest.Turn], documents: [ModelDocument] = [], _ options: (inout AnthropicOptions) -> Void = { _ in }
    ) throws -> JSONValue {
        var chosen = AnthropicOptions()
        options(&chosen)
        return try #require(
            try AnthropicStreams.request(ModelRequest(turns: turns, documents: documents), chosen).body["messages"])
    }

    private func user(_ parts: MessagePart...) -> ModelRequest.Turn { .init(role: .user, parts: parts) }
    private func assistant(_ parts: MessagePart...) -> ModelRequest.Turn { .init(role: .assistant, parts: parts) }
    private func call(_ id: String, _ arguments: JSONValue = [:]) -> MessagePart {
        .toolCall(ToolCall(id: id, name: "clock", arguments: arguments))
    }
    private func result(_ id: String, _ value: JSONValue = "12:00", isError: Bool = false) -> MessagePart {
        .toolReturn(ToolReturn(id: id, name: "clock", result: value, isError: isError))
    }
    private func block(_ text: String) -> JSONValue { ["type": "text", "text": .string(text)] }
    private func useBlock(_ id: String, _ input: JSONValue = [:]) -> JSONValue {
        ["type": "tool_use", "id": .string(id), "name": "clock", "input": input]
    }
    private func resultBlock(_ id: String, _ content: JSONValue? = "12:00", isError: Bool = false) -> JSONValue {
        var members: [String: JSONValue] = ["type": "tool_result", "tool_use_id": .string(id)]
        members["content"] = content
        if isError { members["is_error"] = true }
        return .object(members)
    }
    private func message(_ role: String, _ blocks: JSONValue...) -> JSONValue { ["role": .string(role), "content": .array(blocks)] }

    @Test func consecutiveTurnsOfOneRole_becomeOneMessage() throws {
        let turns = [user(.text("a")), user(.text("b"), .text(" \n")), assistant(.text("c")), assistant(.text("")), user(.text("d"))]
        #expect(
            try messages(turns) == [
                message("user", block("a"), block("b")), message("assistant", block("c")), message("user", block("d")),
            ])
    }

    @Test(arguments: [[], [""], ["\n"]]) func nothingToSay_isRefused(texts: [String]) {
        #expect(throws: MillraceError.self) { try messages([.init(role: .user, parts: texts.map { .text($0) })]) }
    }

    // MARK: Tools

    @Test func storedRun_isCutIntoCallsAndResults() throws {
        let run = assistant(
            .text("Let me look."), call("a", ["zone": "CET"]), result("a"), call("b"), call("c"), result("c", ["h": 1], isError: true),
            result("b", .null), .text("Noon."), .citation(Citation(documentID: "doc_1", text: "x")))
        #expect(
            try messages([user(.text("Time?")), run, user(.text("Thanks"))]) == [
                message("user", block("Time?")),
                message("assistant", block("Let me look."), useBlock("a", ["zone": "CET"])),
                message("user", resultBlock("a")),
                message("assistant", useBlock("b"), useBlock("c")),
                // In the order of the calls, whichever came first.
                message("user", resultBlock("b", nil), resultBlock("c", #"{"h":1}"#, isError: true)),
                message("assistant", block("Noon.")),
                message("user", block("Thanks")),
            ])
    }

    @Test func results_standBeforeTheUsersWords() throws {
        let turns = [user(.text("Time?")), assistant(call("a")), user(.text("Hurry"), result("a"))]
        #expect(try messages(turns)[2] == message("user", resultBlock("a"), block("Hurry")))
    }

    @Test func unansweredCall_isAnsweredAsInterrupted() throws {
        let interrupted = resultBlock("a", "The call was interrupted and has no result.", isError: true)
        #expect(
            try messages([user(.text("Time?")), assistant(call("a")), user(.text("Well?"))])[2]
                == message("user", interrupted, block("Well?")))
        #expect(try messages([user(.text("Time?")), assistant(call("a"))])[2] == message("user", interrupted))
    }

    @Test func repeatedID_takesTheResultAfterIt() throws {
        let turns = [
            user(.text("1")), assistant(call("call_0")), user(.text("2")), assistant(call("call_0"), result("call_0", "later")),
            user(.text("3")),
        ]
        let sent = try messages(turns)
        #expect(sent[2]?["content"]?[0]?["is_error"] == true)
        #expect(sent[4]?["content"]?[0] == resultBlock("call_0", "later"))
    }

    @Test func resultWithoutItsCall_isRefused() {
        for turns in [[user(result("a"))], [assistant(call("a"), result("a"), result("a"))], [assistant(result("a"), call("a"))]] {
            #expect { try messages(turns) } throws: { ($0 as? MillraceError)?.message.contains("'a'") == true }
        }
    }

    @Test func argumentsThatAreNoObject_areRefused() throws {
        #expect(throws: MillraceError.self) { try messages([assistant(call("a", "x"))]) }
        #expect(try messages([user(.text("q")), assistant(call("a", .null))])[1]?["content"]?[0] == useBlock("a"))
    }

    @Test func foreignIDs_getTheAPIsCharacters() throws {
        let sent = try messages([user(.text("q")), assistant(call("functions.clock:0"), result("functions.clock:0"))])
        #expect(sent[1]?["content"]?[0]?["id"] == "functions_clock_0")
        #expect(sent[2]?["content"]?[0]?["tool_use_id"] == "functions_clock_0")
    }

    // MARK: Reasoning

    @Test func reasoning_isHandedBackWithinItsToolLoop() throws {
        let signed = MessagePart.reasoning(Reasoning(text: "Hm", signature: "c2ln"))
        let redacted = MessagePart.reasoning(Reasoning(redactedContent: "ZGF0YQ"))
        let unsigned = MessagePart.reasoning(Reasoning(text: "from elsewhere"))
        let turns = [
            user(.text("1")), assistant(signed, .text("old")), user(.text("2")), assistant(signed, redacted, unsigned, call("a")),
            user(result("a")), assistant(.reasoning(Reasoning(signature: "b25seQ")), call("b")), user(result("b")),
        ]
        let thinking: JSONValue = ["type": "thinking", "thinking": "Hm", "signature": "c2ln"]
        let sent = try messages(turns)
        #expect(sent[1] == message("assistant", block("old")))
        #expect(sent[3] == message("assistant", thinking, ["type": "redacted_thinking", "data": "ZGF0YQ"], useBlock("a")))
        #expect(sent[5] == message("assistant", ["type": "thinking", "thinking": "", "signature": "b25seQ"], useBlock("b")))
        #expect(try messages(turns) { $0.reasoningHistory = .all }[1] == message("assistant", thinking, block("old")))
    }

    // MARK: Documents and attachments

    @Test func documents_standFirstAndAreCited() throws {
        var documents = AnthropicStreams.documents
        documents.insert(ModelDocument(id: "blank", title: "b", text: " \n"), at: 1)
        let request = try AnthropicStreams.request(
            ModelRequest(turns: [assistant(.text("Hi")), user(.text("Paint?"))], documents: documents))
        #expect(request.documents.map(\.id) == ["doc_1", "doc_2"])
        let sent = try #require(request.body["messages"])
        #expect(
            sent[1]?["content"]?[0] == [
                "type": "document", "title": "lease.txt", "context": "document_id: doc_1", "citations": ["enabled": true],
                "source": ["type": "text", "media_type": "text/plain", "data": "Lease. The tenant paints the walls."],
            ])
        #expect(sent[1]?["content"]?[2] == block("Paint?"))
        let uncited = try messages([user(.text("?"))], documents: documents) { $0.citesDocuments = false }
        #expect(uncited[0]?["content"]?[0]?["citations"] == nil)
    }

    @Test func documentsWithoutAUsersMessage_makeOne() throws {
        let sent = try messages([assistant(.text("Once"))], documents: AnthropicStreams.documents)
        #expect(sent[0]?["role"] == "user" && sent[0]?["content"]?.array?.count == 2)
        #expect(sent[1] == message("assistant", block("Once")))
    }

    @Test func attachments_areDocumentsAndImages_numberedWithTheOthers() throws {
        let pdf = Attachment(data: Array("%PDF-1.7 x".utf8), mimeType: "application/pdf", title: "rules.pdf")
        let text = Attachment(pointer: "content://c1", data: Array("Words.".utf8), mimeType: "text/plain")
        let request = try AnthropicStreams.request(
            ModelRequest(
                turns: [user(.document(pdf), .document(text), .image(Attachment(data: Self.png, mimeType: "image/jpeg")))],
                documents: AnthropicStreams.documents))
        #expect(
            request.documents == [
                .init(id: "doc_1", title: "lease.txt"), .init(id: "doc_2", title: "rules.pdf"), .init(id: "rules.pdf", title: "rules.pdf"),
                .init(id: "content://c1", pointer: "content://c1"),
            ])
        let blocks = try #require(request.body["messages"]?[0]?["content"]?.array)
        #expect(blocks[2]["source"] == ["type": "base64", "media_type": "application/pdf", "data": "JVBERi0xLjcgeA=="])
        #expect(blocks[3]["source"] == ["type": "text", "media_type": "text/plain", "data": "Words."])
        // All documents or none, as the API wants.
        #expect(blocks[0..<4].allSatisfy { $0["citations"] == ["enabled": true] })
        // The bytes say what an image is.
        #expect(blocks[4] == ["type": "image", "source": ["type": "base64", "media_type": "image/png", "data": "iVBORw0KGgoA"]])
    }

    @Test(
        arguments: [
            (Array("GIF89a".utf8), "image/gif"), (Array("RIFF....WEBPVP8 ".utf8), "image/webp"), ([0xFF, 0xD8, 0xFF, 0xE0], "image/jpeg"),
        ] as [([UInt8], String)])
    func imageFormats_areKnownByTheirBytes(data: [UInt8], type: String) throws {
        let sent = try messages([user(.image(Attachment(data: data)))])
        #expect(sent[0]?["content"]?[0]?["source"]?["media_type"] == .string(type))
    }

    @Test func whatCannotBeShown_isNamed() throws {
        let parts: [MessagePart] = [
            .image(Attachment(mimeType: "image/png", title: "cat.png")), .image(Attachment(data: [1, 2], title: "x.tiff")),
            .document(Attachment(data: [0, 255], mimeType: "application/zip", title: "a.zip")),
            .document(Attachment(pointer: "content://9")),
        ]
        #expect(
            try messages([.init(role: .user, parts: parts)])[0]
                == message(
                    "user", block("[Attachment cat.png (image/png): its content is not included.]"),
                    block("[Attachment x.tiff: its content is not included.]"),
                    block("[Attachment a.zip (application/zip): its content is not included.]"),
                    block("[Attachment content://9: its content is not included.]")))
        // In an answer they are a record of what it drew on.
        #expect(throws: MillraceError.self) { try messages([.init(role: .assistant, parts: parts)]) }
    }
}
