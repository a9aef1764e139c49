import Glibc
import MillraceCore
import Testing

extension IntegrationTests {
    /// `examples/rag_oss`'s documents on AWS, by `examples/aws/config.yaml` and variables alone: uploads in S3 and files of a folder become
    /// passages in OpenSearch, embedded by Titan, and a model on Bedrock answers from them.
    @Suite struct AWSRagTests {
        private static let documents = TestFiles.packageRoot + "/examples/rag_oss/data"

        @Test(.timeLimit(.minutes(2))) func documentsInS3AndAFolder_areAnsweredFromOpenSearch_withVerifiedCitations() async throws {
            guard let counterparts = try AWSCounterparts.shared() else { return }
            let folder = try TemporaryFolder()
            let collection = "kestrel-\(getpid())"
            let environment = counterparts.environment.merging(["RAG_OSS_COLLECTION": collection, "INGEST_COLLECTIONS": collection]) { $1 }
            let configuration = ["--config", TestFiles.packageRoot + "/examples/aws/config.yaml"]
            let launcher = AWSCounterparts.launcher(environment, in: folder.path)
            let server = try ServerProcess(program: "millrace", launcher: launcher, ["serve"] + configuration + ["--port", "0"])
            func run(_ body: JSONValue) throws -> [SSEMessage] {
                let request = TCPClient.request("POST", "/api/v1/generate/stream", body: body.text)
                let reader = try EventStreamClient(port: server.port, request)
                defer { reader.close() }
                return try reader.rest()
            }

            // Two files are uploaded: they lie in the bucket, and the task `ingest` reads them there.
            var pointers: [JSONValue] = []
            for name in ["warranty.md", "returns.md"] {
                let text = TestFiles.read("\(Self.documents)/shop/\(name)")
                let answer = try TCPClient(port: server.port).ask(
                    "POST", "/api/v1/content?title=\(name)", headers: ["Content-Type: text/markdown"], body: text)
                let id = try #require(answer.json["content_id"]?.string, "\(answer.text)")
                #expect(try counterparts.keys("dev/content/\(id)").count == 1)
                pointers.append(["part_kind": "document", "pointer": .string("content://\(id)")])
            }
            let ingested = try run([
                "task": "ingest", "parts": .array(pointers), "context": [["type": "collection", "name": .string(collection)]],
            ])
            #expect(ingested.last?.json["status"] == "completed", "\(ingested)")
            #expect(ingested.last { $0.event == "metadata" }?.json["metadata"]?["indexed"] == 2)

            // The others come from a folder, beside the running server: OpenSearch is shared.
            let program = ServerProcess.buildFolder + "/millrace"
            let ingest = launcher + [program, "ingest", "\(Self.documents)/manual", "--index", collection] + configuration
            let first = try Command(ingest)
            #expect(first.status == 0 && first.output.contains("4 indexed"), "\(first.output)")
            let again = try Command(ingest)
            #expect(again.status == 0 && again.output.contains("4 unchanged"), "\(again.output)")

            // Every source is claimed to hold the first quote and none holds the second: one citation can be true.
            let claims = (1...8).map { "<cite ref=\"\($0)\">two years or 500 full charges</cite>" }.joined(separator: " ")
            let question = "How long does the warranty last on the battery? [[tag:rag]]"
            let answer = "[[answer:It lasts \(claims), or <cite ref=\"1\">for twenty years</cite>.]]"
            let events = try run(["task": "rag_oss", "parts": [["content": .string("\(question) \(answer)")]]])
            #expect(events.last?.json["status"] == "completed", "\(events)")
            #expect(!events.contains { $0.event == "error" || $0.json["status"] == "rephrasing_failed" }, "\(events)")
            let call = try #require(events.first { $0.event == "tool_call" }?.json)
            #expect(call["tool_args"]?["mode"] == "hybrid", "\(call)")
            #expect(events.contains { $0.event == "document" && $0.json["pointer"] == pointers[0]["pointer"] })
            let all = events.filter { $0.event == "citation" }.map(\.json)
            let citations = all.filter { $0["text"] == "two years or 500 full charges" }
            #expect(citations.count == 1 && !all.contains { $0["text"]?.string?.contains("twenty") == true })
            #expect(citations.first?["section"] == "Warranty › How long")
            #expect(citations.first?["document_pointer"] == pointers[0]["pointer"], "\(citations)")
            let facts = events.last { $0.event == "metadata" }?.json["metadata"]
            // The provider's own citations, the first words of each source, were looked up as well.
            #expect(facts?["citations"]?.integer == (facts?["sources"]?.integer ?? 0) + 1, "\(facts ?? .null)")
            #expect(all.count == facts?["citations"]?.integer && facts?["dropped_citations"] == 8, "\(facts ?? .null)")
            let requests = try counterparts.bedrockRequests(tag: "rag", count: 2)
            #expect(requests.contains { $0["operation"] == "ConverseStream" }, "\(requests.map { $0["operation"] ?? .null })")
            #expect(server.end(SIGTERM) == 0, "\(server.log)")
        }
    }
}
