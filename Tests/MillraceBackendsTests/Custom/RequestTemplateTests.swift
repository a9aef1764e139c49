import Millrace
import MillraceBackends
import MillraceCore
import Testing

@Suite struct RequestTemplateTests {
    private typealias Turn = ModelRequest.Turn

    private let full = ModelRequest(
        system: "Be brief.",
        turns: [
            Turn(role: .user, parts: [.text("Hi")]), Turn(role: .assistant, parts: [.text("Hello")]),
            Turn(role: .user, parts: [.text("Say \"x\"\n{{system}}\\")]),
        ], maxTokens: 50, temperature: 0.5, stopSequences: ["END"])
    private let bare = ModelRequest(turns: [Turn(role: .user, parts: [.text("Hi")])])

    private func body(_ template: JSONValue, _ request: ModelRequest, model: String? = "m-1") throws -> JSONValue {
        try RequestTemplate(template).body(for: request, model: model)
    }

    @Test func lonePlaceholders_becomeValues() throws {
        let template: JSONValue = [
            "model": "{{model}}", "sys": "{{ system }}", "msgs": "{{messages}}", "n": "{{max_tokens}}", "t": "{{temperature}}",
            "stop": "{{stop}}", "fixed": [1, true, nil, "text"],
        ]
        #expect(
            try body(template, full) == [
                "model": "m-1", "sys": "Be brief.", "n": 50, "t": 0.5, "stop": ["END"], "fixed": [1, true, nil, "text"],
                "msgs": [
                    ["role": "user", "content": "Hi"], ["role": "assistant", "content": "Hello"],
                    ["role": "user", "content": "Say \"x\"\n{{system}}\\"],
                ],
            ])
    }

    @Test func membersAndElementsWithoutValue_areLeftOut() throws {
        let template: JSONValue = [
            "messages": "{{messages}}", "sys": "{{system}}", "options": ["n": "{{max_tokens}}", "k": 1, "list": ["{{temperature}}", 2]],
            "stop": "{{stop}}", "model": "{{model}}",
        ]
        #expect(
            try body(template, bare, model: nil)
                == ["messages": [["role": "user", "content": "Hi"]], "options": ["k": 1, "list": [2]]])
    }

    @Test func placeholdersInATextAreFilledIn_andNothingTwice() throws {
        let template: JSONValue = ["q": "[{{system}}] <{{message}}> {{max_tokens}}/{{temperature}} {{model}}"]
        #expect(try body(template, full) == ["q": "[Be brief.] <Say \"x\"\n{{system}}\\> 50/0.5 m-1"])
        #expect(try body(template, bare, model: nil) == ["q": "[] <Hi> / "])
    }

    @Test func prompt_isTheConversation() throws {
        let template: JSONValue = ["p": "{{prompt}}", "s": "{{system}}"]
        #expect(try body(template, full)["p"] == "User: Hi\n\nAssistant: Hello\n\nUser: Say \"x\"\n{{system}}\\\n\nAssistant:")
        #expect(try body(template, bare)["p"] == "Hi")
    }

    /// Instructions are not lost where the template has no place of their own for them.
    @Test func systemWithoutPlaceholder_standsAbove() throws {
        #expect(try body(["m": "{{messages}}"], full)["m"]?[0] == ["role": "system", "content": "Be brief."])
        #expect(try body(["m": "{{message}}"], full)["m"] == "Be brief.\n\nSay \"x\"\n{{system}}\\")
        #expect(try body(["p": "{{prompt}}"], full)["p"]?.string?.hasPrefix("Be brief.\n\nUser: Hi") == true)
        #expect(try body(["m": "{{messages}}"], bare)["m"]?.array?.count == 1)
    }

    @Test func documentsAndAttachments_areText() throws {
        var request = bare
        request.documents = [
            ModelDocument(id: "doc_1", title: "Lease", text: "Rent is due."), ModelDocument(id: "doc_2", title: "B", text: "b"),
        ]
        request.turns[0].parts.append(.image(Attachment(mimeType: "image/png", title: "cat.png")))
        request.turns.append(Turn(role: .assistant, parts: []))
        let expected = "Documents to answer from:\n\n[doc_1] Lease\nRent is due.\n\n[doc_2] B\nb\n\nHi\n\n[not shown: cat.png]"
        #expect(try body(["m": "{{message}}"], request) == ["m": .string(expected)])
        #expect(try body(["m": "{{prompt}}"], request) == ["m": .string(expected)])
        request.turns = []
        #expect(try body(["m": "{{messages}}"], request)["m"]?.array?.count == 1)
    }

    @Test(
        arguments: [
            (["p": "{{promt}}"], "at $.p has the unknown placeholder {{promt}}: did you mean {{prompt}}? known are {{max_tokens}},"),
            (["p": "{{nothing_like_it}}"], "{{nothing_like_it}}: known are"), (["p": "{{prompt"], "not closed by }}"),
            (["p": ["a": ["x {{messages}}", 1]]], "at $.p.a[0] puts {{messages}} into a longer text"),
            (["p": "{{stop}}{{prompt}}"], "puts {{stop}} into a longer text"), (["{{model}}": "{{prompt}}"], "in the name '{{model}}'"),
            (["p": "fixed"], "no place for what is asked"), ("{{prompt}}", "it must be an object or an array"), ([:], "no place"),
        ] as [(JSONValue, String)])
    func wrongTemplate_isRefused(template: JSONValue, reason: String) {
        let error = #expect(throws: MillraceError.self) { try RequestTemplate(template) }
        #expect(error?.code == .configuration)
        #expect(error?.message.contains(reason) == true, "\(error?.message ?? "")")
    }
}
