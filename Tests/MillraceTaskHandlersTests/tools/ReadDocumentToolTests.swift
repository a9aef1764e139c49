import Millrace
import MillraceBackends
import MillraceCore
import Testing

@testable import MillraceTaskHandlers

@Suite struct ReadDocumentToolTests {
    private static let pages = "One, the first page.\u{C}Two, the second.\u{C}Three, the last page."

    private static func message(_ parts: MessagePart..., role: MessageRole = .user) -> Message {
        Message(id: "m", chatID: "c", parentID: nil, role: role, parts: parts, createdAt: Timestamp(microseconds: 0))
    }

    private static func read(
        _ arguments: JSONValue, in message: Message, history: [Message] = [], content: ContentStore? = nil, principal: Principal = .local,
        characters: Int = 20_000
    ) async throws -> JSONValue {
        let request = TaskRequest(responseID: "r", requestID: "q", chatID: "c", task: "chat", message: message, history: history)
        let tool = try ReadDocumentTool(content: content, extractor: PagedExtractor()).make()
        let call = ToolInvocation(
            call: ToolCall(id: "1", name: tool.name, arguments: arguments), request: request,
            run: RunRecorder(principal: principal).context, resultCharacters: characters)
        #expect(try ToolSchema(tool.definition.inputSchema).problem(with: arguments) == nil)
        return try await tool.call(arguments, call)
    }

    private static func file(_ text: String, _ title: String) -> MessagePart {
        .document(Attachment(data: Array(text.utf8), mimeType: "application/pdf", title: title))
    }

    @Test(
        arguments: [
            (["document": "a.pdf"], "[page 1]\nOne, the first page.\n[page 2]\nTwo, the second.\n[page 3]\nThree, the last page.", nil),
            (["document": "a.pdf", "first_page": 2, "last_page": 2], "[page 2]\nTwo, the second.", nil),
            (["document": "a.pdf", "first_page": 3], "[page 3]\nThree, the last page.", nil),
            (["document": "a.pdf", "last_page": 1], "[page 1]\nOne, the first page.", nil),
            (["document": "a.pdf", "first_page": 2, "offset": 5], "[page 2]\nthe second.\n[page 3]\nThree, the last page.", nil),
            (["document": "a.pdf", "offset": 1000], "", nil),
        ] as [(JSONValue, String, Int?)])
    func stretch_isWhatWasAskedFor(arguments: JSONValue, text: String, next: Int?) async throws {
        let found = try await Self.read(arguments, in: Self.message(Self.file(Self.pages, "a.pdf")))
        #expect(found["text"]?.string == text && found["title"] == "a.pdf" && found["next_offset"]?.integer == next)
    }

    @Test func longText_comesInStretchesThatMakeTheWhole() async throws {
        let text = (0..<700).map { "word\($0) ä" }.joined(separator: " ")
        var read = ""
        var offset = 0
        var rounds = 0
        while true {
            let found = try await Self.read(
                ["document": "a.pdf", "offset": .integer(offset)], in: Self.message(Self.file(text, "a.pdf")), characters: 1500)
            read += found["text"]?.string?.replacing("[page 1]\n", with: "") ?? ""
            rounds += 1
            guard let next = found["next_offset"]?.integer else { break }
            offset = next
        }
        #expect(read == text && rounds == text.unicodeScalars.count / 990 + 1)
    }

    /// A result that were longer than a call's may be would be cut, and what comes next would begin behind what nobody has seen.
    @Test func charactersThatJSONEscapes_takeTheirRoom() async throws {
        let text = (0..<900).map { "\($0)\t\"a\"\n\u{1}" }.joined()
        var read = ""
        var offset = 0
        while true {
            let found = try await Self.read(
                ["document": "a.pdf", "offset": .integer(offset)], in: Self.message(Self.file(text, "a.pdf")), characters: 1500)
            #expect(found.text.unicodeScalars.count <= 1500)
            read += found["text"]?.string?.replacing("[page 1]\n", with: "") ?? ""
            guard let next = found["next_offset"]?.integer else { break }
            offset = next
        }
        #expect(read == text)
    }

    @Test(
        arguments: [
            (["document": "b.pdf"], "there is no document 'b.pdf': there are a.pdf"), (["document": "/etc/passwd"], "there is no document"),
            (["document": "a.pdf", "first_page": 4], "'a.pdf' has only 3 pages with text"),
            (["document": "a.pdf", "first_page": 3, "last_page": 2], "last_page is before first_page"),
        ] as [(JSONValue, String)])
    func whatThereIsNot_isSaid(arguments: JSONValue, problem: String) async throws {
        await #expect { _ = try await Self.read(arguments, in: Self.message(Self.file(Self.pages, "a.pdf"))) } throws: {
            ($0 as? MillraceError)?.message.hasPrefix(problem) == true
        }
    }

    @Test func uploads_areTheOwnersOnly() async throws {
        let content = ContentStore(store: InMemoryStore(), objects: InMemoryObjectStore())
        let (anna, bert) = (try Principal(id: "anna"), try Principal(id: "bert"))
        let record = try await content.add(.bytes(Array(Self.pages.utf8)), title: "a.pdf", mimeType: "application/pdf", principal: anna)
        let older = Self.message(.document(Attachment(pointer: record.pointer)))
        for name in [record.pointer, "a.pdf"] {
            let found = try await Self.read(
                ["document": .string(name), "first_page": 2, "last_page": 2], in: Self.message(.text("?")), history: [older],
                content: content,
                principal: anna)
            #expect(found["text"] == "[page 2]\nTwo, the second." && found["title"] == "a.pdf")
        }
        // One that the conversation does not name, by its pointer.
        let plain = Self.message(.text("?"))
        #expect(
            try await Self.read(["document": .string(record.pointer)], in: plain, content: content, principal: anna)["title"] == "a.pdf")
        for history in [[], [older]] {
            let error = await #expect(throws: MillraceError.self) {
                _ = try await Self.read(
                    ["document": .string(record.pointer)], in: plain, history: history, content: content, principal: bert)
            }
            #expect(error?.code == .notFound)
        }
        // What answers drew on are no attachments.
        let drawn = Self.message(.document(Attachment(pointer: "manual/a.pdf", title: "a.pdf")), role: .assistant)
        let error = await #expect(throws: MillraceError.self) {
            _ = try await Self.read(["document": "a.pdf"], in: plain, history: [drawn], content: content, principal: anna)
        }
        #expect(error?.message.contains("there is none in this conversation") == true)
    }
}
