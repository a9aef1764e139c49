import Millrace
import MillraceBackends
import MillraceCore
import MillraceServer
import Testing

extension IntegrationTests {
    /// Answers from a collection of documents, as readers and the chat get them.
    @Suite struct RagTests {
        /// Answers search queries by JSON and questions with one quote that stands in the source and one that does not.
        private struct Writer: LanguageModel {
            let id = "writer"
            func generate(_ request: ModelRequest, receive: (ModelEvent) async throws -> Void) async throws -> ModelResponse {
                if request.outputSchema != nil {
                    try await receive(.text(#"{"keyword_queries": ["warranty"], "semantic_query": "How long is the warranty?"}"#))
                } else {
                    for piece in [
                        "Six months <ci", "te ref=\"1\">warranty of six", " months</cite>, or ten years <cite ref=\"1\">ten years</cite>.",
                    ] {
                        try await receive(.text(piece))
                    }
                }
                return ModelResponse(stopReason: .endTurn, usage: Usage(promptTokens: 5, completionTokens: 2), modelID: id)
            }
        }

        /// A database with a collection, as `millrace ingest` leaves it.
        private static func database(in folder: TemporaryFolder) async throws -> String {
            let path = "\(folder.path)/search.db"
            let engine = try SQLiteSearchEngine(path: path)
            let index = try await engine.index(PassageCollection.definition(name: "rag_oss"))
            let texts = ["The warranty of the X100 is two years.", "Its battery has a warranty of six months."]
            let documents = texts.enumerated().map { place, text in
                PassageCollection.document(
                    CollectionPassage(
                        documentID: "doc_1", place: place, text: text, title: "X100 manual",
                        position: DocumentPosition(page: 7 + place, section: ["Service"]), source: "x100.pdf", mimeType: "application/pdf"),
                    version: "1")
            }
            #expect(try await index.write(documents).isEmpty)
            try await index.refresh()
            await engine.close()
            return path
        }

        @Test func questions_areAnsweredWithCitations_whichTheChatKeeps() async throws {
            let folder = try TemporaryFolder()
            let path = try await Self.database(in: folder)
            try await withServer(configure: { $0.search.path = path }) { server in
                let first = try server.run("rag_oss", "What is the warranty of the X100?")
                #expect(first.last?.json["status"] == "completed")
                #expect(first.map(\.event).contains("tool_call") && first.map(\.event).contains("document"))
                let chat = try #require(first.last?.json["chat_id"])
                let next = try server.run("rag_oss", "And how long does it last for the battery?", ["chat_id": chat])
                let citation = try #require(next.first { $0.event == "citation" }?.json)
                #expect(citation["text"] == "Its battery has a warranty of six months." && citation["page"] == 8)
                #expect(citation["document_id"] == "doc_1" && citation["section"] == "Service" && citation["reference_number"] == 1)
                #expect(citation["document_title"] == "X100 manual" && citation["document_pointer"] == "x100.pdf")
                #expect(citation["citation_id"] == "cit_1")
                let call = next.first { $0.event == "tool_call" }?.json
                #expect(call?["tool_args"]?["queries"]?[0] == "warranty X100 battery")
                let parts = try #require(try server.storedAnswer(next)["parts"]?.array)
                #expect(parts.contains { $0["part_kind"] == "citation" && $0["page"] == 8 })
                // The next task of the chat gets along with what this one has left in it.
                #expect(try server.run("chat", "Thanks!", ["chat_id": chat]).last?.json["status"] == "completed")
            }
        }

        @Test func inventedQuote_reachesNobody_andTheGuardrailSeesAllTexts() async throws {
            let folder = try TemporaryFolder()
            let path = try await Self.database(in: folder)
            try await withServer(models: [Writer()], configure: { $0.search.path = path }) { server in
                let log = try server.run("rag_oss", "How long?", ["model_id": "writer"])
                let text = log.filter { $0.event == "content" }.map(\.content).joined()
                #expect(text == "Six months [1], or ten years.")
                #expect(log.filter { $0.event == "citation" }.map { $0.json["text"] } == ["warranty of six months"])
                let facts = log.last { $0.event == "metadata" }?.json["metadata"]
                #expect(facts?["citations"] == 1 && facts?["dropped_citations"] == 1)
                #expect(log.last?.json["usage"]?["prompt_tokens"] == 10)

                let rules = #"{"guardrail": {"rules": [{"words": ["six months", "X100 manual"], "action": "mask"}]}}"#
                #expect(try server.ask("PUT", "/api/v1/admin/task/rag_oss", body: rules).status == 200)
                let guarded = try server.run("rag_oss", "How long?", ["model_id": "writer"])
                #expect(guarded.contains { $0.event == "citation" && $0.json["text"] == "warranty of [removed]" })
                for message in guarded {
                    #expect(!message.data.contains("ix months") && !message.data.contains("X100 manual"), "\(message.data)")
                }
            }
        }
    }
}
