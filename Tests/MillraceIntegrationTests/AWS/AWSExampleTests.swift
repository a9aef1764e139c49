import FoundationEssentials
import Glibc
import MillraceCore
import Testing

extension IntegrationTests {
    /// `examples/aws/config.yaml`, as it stands, run by the executable against counterparts of AWS's services: chat on Bedrock over
    /// files in S3, whose passages are in OpenSearch, with a password out of Secrets Manager.
    @Suite struct AWSExampleTests {
        /// `millrace serve` in a directory of its own.
        private final class Example {
            let directory: TemporaryFolder
            private(set) var server: ServerProcess
            private let environment: [String: String]

            init(_ counterparts: AWSCounterparts, _ changes: [String: String] = [:]) throws {
                directory = try TemporaryFolder()
                environment = counterparts.environment.merging(changes) { $1 }
                server = try Self.start(environment, directory.path)
            }

            private static func start(_ environment: [String: String], _ directory: String) throws -> ServerProcess {
                try ServerProcess(
                    program: "millrace", launcher: AWSCounterparts.launcher(environment, in: directory),
                    ["serve", "--config", TestFiles.packageRoot + "/examples/aws/config.yaml", "--port", "0"])
            }

            /// Stops the server and starts it again over its data.
            func restart() throws {
                #expect(server.end(SIGTERM) == 0, "\(server.log)")
                server = try Self.start(environment, directory.path)
            }

            func ask(_ method: String, _ path: String, headers: [String] = [], body: String? = nil) throws -> HTTPAnswer {
                try TCPClient(port: server.port).ask(method, path, headers: headers, body: body)
            }

            /// Uploads a text and returns its id.
            func upload(_ text: String, title: String) throws -> String {
                let answer = try ask("POST", "/api/v1/content?title=\(title)", headers: ["Content-Type: text/plain"], body: text)
                #expect(answer.status == 201, "\(answer.text)")
                return try #require(answer.json["content_id"]?.string)
            }

            /// Asks about files, in context items.
            func chat(_ text: String, over files: [String]) throws -> [SSEMessage] { try Self.chat(server.port, text, over: files) }

            static func chat(_ port: Int, _ text: String, over files: [String]) throws -> [SSEMessage] {
                let body: [String: JSONValue] = [
                    "parts": [["content": .string(text)]],
                    "context": .array(files.map { ["type": "document", "pointer": .string("content://\($0)")] }),
                ]
                let request = TCPClient.request("POST", "/api/v1/generate/stream", body: JSONValue.object(body).text)
                let reader = try EventStreamClient(port: port, request)
                defer { reader.close() }
                return try reader.rest()
            }
        }

        private static let answer = "The keeper of the third sluice is paid forty copper marks at midsummer."
        private static let lease = "The lease ends in June. Before moving out, the tenant paints the walls white."

        /// About 300 KB, of which one sentence answers.
        private static let chronicle: String = {
            let crops = ["barley", "rye", "oats", "flax", "hops", "wheat", "millet"]
            var text = ""
            for year in 0..<800 {
                if year == 371 { text += answer + "\n\n" }
                for month in 1...4 {
                    text +=
                        "In the year \(1200 + year), quarter \(month), the millers of the valley brought \(year * month % 97 + 3) sacks of "
                        + "\(crops[(year + month) % crops.count]) to the market. "
                }
                text += "\n\n"
            }
            return text
        }()

        @Test(.timeLimit(.minutes(2))) func theWholeExample_worksByItsConfiguration() async throws {
            guard let counterparts = try AWSCounterparts.shared() else { return }
            let example = try Example(counterparts)
            let ready = try example.ask("GET", "/readyz")
            #expect(ready.status == 200 && ready.json["checks"]?.array?.allSatisfy { $0["status"] == "ok" } == true, "\(ready.text)")
            #expect(Self.chronicle.utf8.count > 256 << 10)

            // In: the objects are in the bucket, below the prefix.
            let short = try example.upload(Self.lease, title: "lease.txt")
            let long = try example.upload(Self.chronicle, title: "chronicle.txt")
            #expect(try counterparts.keys("dev/content/") == ["dev/content/\(short)", "dev/content/\(long)"].sorted())
            let stored = try counterparts.boto3(
                "o = s3.get_object(Bucket=bucket, Key='dev/content/\(short)'); print(o['ContentType'], o['Body'].read().decode(), end='')")
            #expect(stored == "text/plain " + Self.lease)

            // The first question: the long file is indexed, the short one is given whole.
            let first = try example.chat("[[tag:first]] What is the keeper of the third sluice paid at midsummer?", over: [short, long])
            try Self.expectCompleted(first)
            let asked = try counterparts.bedrockRequests(tag: "first", count: 2)
            let conversation = try #require(asked.first { $0["operation"] == "ConverseStream" })
            #expect(conversation["modelId"] == "us.anthropic.claude-sonnet-4-20250514-v1:0")
            #expect(conversation["authentication"]?["kind"] != "bearer", "\(conversation["authentication"] ?? .null)")
            let documents = Self.documents(of: conversation)
            try #require(documents.count == 2)
            #expect(documents[0] == Self.lease, "the short file is in the request")
            let isAnswered = documents[1].contains(Self.answer)
            #expect(isAnswered, "the passage that answers is in the request")
            #expect(documents[1].utf8.count < 32 << 10, "and not the whole long file: \(documents[1].utf8.count) bytes")
            let count = try counterparts.passageCount(of: long)
            #expect(count > 100 && count < 1000)
            #expect(try counterparts.passageCount(of: short) == 0)
            let one = try counterparts.search(
                "POST", "/millrace-content-titan-256/_search", ["size": 1, "query": ["match": ["fields.text": .string(Self.answer)]]])
            #expect(
                one["hits"]?["hits"]?[0]?["_source"]?["fields"]?["text"]?.string?.contains(Self.answer) == true, "\(one.text.prefix(500))")

            // The second question indexes nothing: one question is embedded.
            let embedded = try counterparts.embeddingCount()
            #expect(embedded > count, "each passage, and the question")
            let second = try example.chat("[[tag:second]] What is the keeper of the third sluice paid?", over: [long])
            try Self.expectCompleted(second)
            let again = try counterparts.bedrockRequests(tag: "second", count: 2)
            #expect(again.map { $0["operation"]?.string } == ["InvokeModel", "ConverseStream"])
            #expect(Self.documents(of: again.last ?? .null).first?.contains(Self.answer) ?? false)
            #expect(try counterparts.passageCount(of: long) == count)
            #expect(try counterparts.embeddingCount() == embedded + 1)

            // Indexing is paid for, and counted.
            let (firstTokens, secondTokens) = (Self.promptTokens(first), Self.promptTokens(second))
            // The fake counts a token for four characters of what is embedded.
            #expect(firstTokens - secondTokens > Self.chronicle.utf8.count / 4 * 9 / 10, "\(firstTokens), \(secondTokens)")
            #expect(secondTokens > 0 && secondTokens < 20_000)

            // A restart keeps everything: the password comes out of Secrets Manager anew, the file is read from S3.
            try example.restart()
            let file = try example.ask("GET", "/api/v1/generate/content/\(long)")
            #expect(file.status == 200 && file.body == Array(Self.chronicle.utf8))
            let part = try example.ask("GET", "/api/v1/generate/content/\(short)", headers: ["Range: bytes=4-8"])
            #expect(part.status == 206 && part.text == "lease")
            let third = try example.chat("[[tag:third]] Who keeps the third sluice?", over: [long])
            try Self.expectCompleted(third)
            #expect(try counterparts.bedrockRequests(tag: "third", count: 2).count == 2)
            #expect(try counterparts.embeddingCount() == embedded + 2, "nothing is indexed again")

            // Out: the object and the passages go with the file.
            #expect(try example.ask("DELETE", "/api/v1/generate/content/\(long)").status == 204)
            #expect(try example.ask("GET", "/api/v1/generate/content/\(long)").status == 404)
            #expect(try counterparts.keys("dev/content/\(long)").isEmpty)
            _ = try counterparts.search("POST", "/_fake/refresh")
            #expect(try counterparts.passageCount(of: long) == 0)
            #expect(try counterparts.keys("dev/content/\(short)").count == 1, "the other file stays")
            #expect(example.server.end(SIGTERM) == 0)
            // What the server wrote shows no secret.
            let log = example.server.log
            #expect(!log.contains("mill-stream") && !log.contains(AWSCounterparts.secretKey) && !log.isEmpty)
        }

        /// The texts of the documents in a conversation's last message.
        private static func documents(of request: JSONValue) -> [String] {
            (request["body"]?["messages"]?.array?.last?["content"]?.array ?? []).compactMap { block in
                let bytes = block["document"]?["source"]?["bytes"]?.string
                return bytes.flatMap { Data(base64Encoded: $0) }.map { String(decoding: $0, as: UTF8.self) }
            }
        }

        private static func expectCompleted(_ events: [SSEMessage]) throws {
            #expect(events.first?.event == "response_start")
            #expect(events.last?.event == "response_end" && events.last?.json["status"] == "completed", "\(events)")
            #expect(!events.contains { $0.event == "error" })
        }

        private static func promptTokens(_ events: [SSEMessage]) -> Int { events.last?.json["usage"]?["prompt_tokens"]?.integer ?? -1 }

        /// The secret is not a copy that the test knows of: it is changed at Secrets Manager, and the search fails and works with it.
        @Test(.timeLimit(.minutes(2))) func password_isSecretsManagers() async throws {
            guard let counterparts = try AWSCounterparts.shared() else { return }
            func set(_ password: String) throws {
                _ = try counterparts.boto3(
                    "secrets.put_secret_value(SecretId='millrace/opensearch', SecretString='{\"password\": \"\(password)\"}')")
            }
            // Not kept, so that the change is seen at once.
            let example = try Example(
                counterparts, ["MILLRACE_SECRETS_CACHE_SECONDS": "0", "MILLRACE_SECRETS_STALE_SECONDS": "0"])
            let id = try example.upload(Self.chronicle, title: "chronicle.txt")
            try set("another")
            let refused = try example.chat("[[tag:refused]] Who keeps the third sluice?", over: [id])
            try set("mill-stream")
            #expect(refused.suffix(2).map(\.event) == ["error", "response_end"], "\(refused)")
            let message = refused.dropLast().last?.json["message"]?.string ?? ""
            #expect(message.contains("OpenSearch") && !message.contains("another"), "\(message)")
            try Self.expectCompleted(try example.chat("Who keeps the third sluice?", over: [id]))
            #expect(try example.ask("DELETE", "/api/v1/generate/content/\(id)").status == 204)
        }

        @Test(.timeLimit(.minutes(2))) func questionsAtOnce_andObjectsThatVanish() async throws {
            guard let counterparts = try AWSCounterparts.shared() else { return }
            let example = try Example(counterparts)
            let (long, short) = (
                try example.upload(Self.chronicle, title: "chronicle.txt"), try example.upload(Self.lease, title: "lease.txt")
            )
            // Both find the file not indexed yet.
            let port = example.server.port
            let answers = try await concurrently(2) { number in
                try Example.chat(port, "[[tag:once-\(number)]] What is the keeper of the third sluice paid?", over: [long])
            }
            for (number, events) in answers.enumerated() {
                try Self.expectCompleted(events)
                let asked = try counterparts.bedrockRequests(tag: "once-\(number)", count: 2)
                let conversation = try #require(asked.first { $0["operation"] == "ConverseStream" })
                #expect(Self.documents(of: conversation).first?.contains(Self.answer) ?? false)
            }
            _ = try counterparts.search("POST", "/_fake/refresh")
            let places = try counterparts.search(
                "POST", "/millrace-content-titan-256/_search",
                ["size": 1000, "query": ["term": ["fields.content": .string(long)]]])
            let found = (places["hits"]?["hits"]?.array ?? []).compactMap { $0["_source"]?["fields"]?["place"]?.integer }
            #expect(found.sorted() == Array(0..<found.count) && found.count > 100, "each passage is there once")

            // Somebody empties the bucket. What is indexed can be asked about, what is not is told.
            _ = try counterparts.boto3("for id in ['\(long)', '\(short)']: s3.delete_object(Bucket=bucket, Key='dev/content/' + id)")
            #expect(try example.ask("GET", "/api/v1/content").json["items"]?.array?.count == 2)
            for id in [long, short] {
                let gone = try example.ask("GET", "/api/v1/generate/content/\(id)")
                #expect(gone.status == 404 && gone["content-type"] == "application/problem+json", "\(gone.text)")
            }
            try Self.expectCompleted(try example.chat("What is the keeper of the third sluice paid?", over: [long]))
            let events = try example.chat("When does the lease end?", over: [short])
            try Self.expectCompleted(events)
            #expect(events.contains { $0.data.contains("is left out: it was deleted") })
            for id in [long, short] { #expect(try example.ask("DELETE", "/api/v1/generate/content/\(id)").status == 204) }
            _ = try counterparts.search("POST", "/_fake/refresh")
            #expect(try counterparts.passageCount(of: long) == 0)
        }
    }
}
