import Millrace
import MillraceCore
import Testing

@Suite struct MessagePartTests {
    static let parts: [MessagePart] = [
        .text("Grüße \"quoted\"\n"),
        .image(Attachment(data: [0, 255, 16, 7], mimeType: "image/png")),
        .document(Attachment(pointer: "content://1", mimeType: "text/plain", title: "a.txt")),
        .document(Attachment(data: [])),
        .reasoning(Reasoning(text: "because", signature: "s", redactedContent: "e")),
        .reasoning(Reasoning()),
        .toolCall(ToolCall(id: "t", name: "add", arguments: ["a": 1, "b": [2.5]])),
        .toolReturn(ToolReturn(id: "t", name: "add", result: ["sum": 3.5], isError: true)),
        .toolReturn(ToolReturn(id: "t", name: "add", result: .null)),
        .citation(
            Citation(
                documentID: "d", text: "words", page: 3, section: "s", citationID: "c", referenceNumber: 1, documentTitle: "T",
                documentPointer: "content://d")),
        .citation(Citation(documentID: "d", text: "words")),
    ]

    @Test(arguments: parts)
    func json_readBack_isTheSame(part: MessagePart) throws {
        #expect(try MessagePart(json: JSONValue(parsing: part.json.text)) == part)
    }

    @Test(arguments: [
        (#"{"content":"hi"}"#, MessagePart.text("hi")),
        (#"{"part_kind":null,"content":"hi","more":1}"#, .text("hi")),
        (#"{"part_kind":"document","data":"aGk=","pointer":null}"#, .document(Attachment(data: [104, 105]))),
        (#"{"part_kind":"tool_call","tool_name":"n","tool_id":"i"}"#, .toolCall(ToolCall(id: "i", name: "n", arguments: [:]))),
    ])
    func init_lenientInput_isRead(text: String, part: MessagePart) throws {
        #expect(try MessagePart(json: JSONValue(parsing: text)) == part)
    }

    @Test(arguments: [
        (#"[{"content":1}]"#, "parts[0].content"),
        (#"[{"content":"a"},{}]"#, "parts[1].content"),
        (#"[{"part_kind":"video"}]"#, "parts[0].part_kind"),
        (#"[{"part_kind":7}]"#, "parts[0].part_kind"),
        (#"["text"]"#, "parts[0]"),
        (#"{"content":"a"}"#, "parts"),
        (#"[{"part_kind":"image","title":"x"}]"#, "parts[0].data"),
        (#"[{"part_kind":"image","data":"not base64!"}]"#, "parts[0].data"),
        (#"[{"part_kind":"citation","document_id":"d","text":"t","page":"3"}]"#, "parts[0].page"),
        (#"[{"part_kind":"tool_return","tool_id":"i"}]"#, "parts[0].tool_name"),
        (#"[{"part_kind":"tool_return","tool_id":"i","tool_name":"n","is_error":1}]"#, "parts[0].is_error"),
    ])
    func list_wrongInput_namesTheField(text: String, field: String) async throws {
        let json = try JSONValue(parsing: text)
        let error = await expectError(.invalidInput) { _ = try MessagePart.list(json: json) }
        #expect(error?.details["field"] == .string(field))
        #expect(error?.message.hasPrefix("\(field) ") == true)
    }
}
