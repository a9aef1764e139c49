import Glibc
import MillraceCore
import Testing

@testable import MillraceCLI

@Suite struct ChatRequestTests {
    @Test func body_isTheContractsRequest() throws {
        var request = ChatRequest(text: "Hi", attachments: [Attachment(title: "a.txt", mimeType: "text/plain", bytes: Array("abc".utf8))])
        request.chatID = "c_1"
        request.model = "local"
        #expect(
            try JSONValue(parsing: request.body) == [
                "chat_id": "c_1", "model_id": "local",
                "parts": [
                    ["part_kind": "document", "data": "YWJj", "mime_type": "text/plain", "title": "a.txt"],
                    ["part_kind": "text", "content": "Hi"],
                ],
            ])
    }

    @Test(arguments: [
        ("/x/a.TXT", "text/plain"), ("b.md", "text/markdown"), ("c.pdf", "application/pdf"), (".txt", "application/octet-stream"),
        ("noext", "application/octet-stream"), ("a.tar.json", "application/json"),
    ])
    func mimeType_isByExtension(path: String, type: String) { #expect(Attachment.mimeType(path) == type) }

    @Test func files_haveALimitTogether() throws {
        let (limit, path) = (1000, #filePath)
        let error = #expect(throws: MillraceError.self) { try Attachment.read([path], limit: limit) }
        #expect(error?.message == "\(path) is too large: the files of one message may have 1000 bytes together")
        #expect(throws: MillraceError.self) { try Attachment.read([path + ".absent"]) }
        let read = try Attachment.read([path])
        #expect(read.first?.title == "ChatRequestTests.swift")
    }
}
