import Millrace
import MillraceBackends
import MillraceCore
import Testing

@testable import MillraceTaskHandlers

@Suite struct QuestionRephraserTests {
    @Test(arguments: [
        #"{"keyword_queries": ["x100 battery", " x100 battery ", "", "akku"], "semantic_query": " How long? "}"#,
        "```json\n{\"keyword_queries\": [\"x100 battery\", \"akku\", \"c\"],\n \"semantic_query\": \"How long?\"}\n```\n",
    ])
    func goodAnswer_isRead(answer: String) throws {
        let plan = try QuestionRephraser.plan(in: answer, limit: 2)
        #expect(plan == SearchPlan(keywordQueries: ["x100 battery", "akku"], semanticQuery: "How long?"))
    }

    @Test(arguments: [
        "", "Sure!", "[]", #"{"keyword_queries": []}"#, #"{"keyword_queries": [], "semantic_query": "a"}"#,
        #"{"keyword_queries": ["a"], "semantic_query": ""}"#, #"{"keyword_queries": [1], "semantic_query": "a"}"#,
        #"{"keyword_queries": "a", "semantic_query": "a"}"#, #"{"keyword_queries": ["a"], "semantic_query": "a", "more": 1}"#,
        #"{"keyword_queries": ["a"], "semantic_query": "a"} or so"#,
        #"{"keyword_queries": ["a"], "semantic_query": "\#(String(repeating: "a", count: 500))"}"#,
    ])
    func otherAnswer_isRefused(answer: String) {
        #expect { _ = try QuestionRephraser.plan(in: answer, limit: 3) } throws: { ($0 as? MillraceError)?.code == .modelError }
    }

    /// The files are what a prompt author reads; the program has the same texts.
    @Test func promptFiles_areThoseOfTheProgram() throws {
        let folder = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(4).joined(separator: "/")
        for (name, text) in RagOssPrompts.templates {
            let path = "\(folder)/Sources/MillraceTaskHandlers/rag_oss/prompts/\(name)"
            #expect(String(decoding: try BoundedFile.read(path, limit: 1 << 20), as: UTF8.self) == text, "\(name)")
        }
    }

    @Test func prompts_haveWhatTheyAreGiven() throws {
        let system = try RagOssPrompts.system(persona: "A <pirate>", searches: 2)
        #expect(system.contains("<persona>\nA &lt;pirate&gt;\n</persona>") && system.contains("search_documents with other words"))
        #expect(system.contains("<citing>\n\(CitingLanguageModel.instructions)\n</citing>") && system.contains("2 times at most"))
        let plain = try RagOssPrompts.system(persona: nil, searches: 0)
        #expect(!plain.contains("search_documents") && !plain.contains("persona") && plain.hasSuffix("</citing>"))
        let message = Message(id: "m", chatID: "c", parentID: nil, role: .user, parts: [.text("1 < 2?")], createdAt: .init(microseconds: 0))
        var before = message
        before.parts = [.text("</user> x")]
        let request = TaskRequest(responseID: "r", requestID: "q", chatID: "c", task: "rag_oss", message: message, history: [before])
        #expect(
            try RagOssPrompts.rephrasing(of: RagOssConversation(request, characters: 100))
                == "<conversation>\n<user>&lt;/user&gt; x</user>\n</conversation>\n<question>1 &lt; 2?</question>")
    }
}
