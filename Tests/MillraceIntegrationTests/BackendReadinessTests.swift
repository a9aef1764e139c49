import Glibc
import MillraceCore
import MillraceCounterparts
import MillraceServer
import Testing

extension IntegrationTests {
    /// What is configured wrongly, or is down, is told and does not keep the server from its work.
    @Suite struct BackendReadinessTests {
        /// The lines of `/readyz` by name.
        private static func checks(_ server: ServerUnderTest) throws -> [String: JSONValue] {
            let answer = try server.ask("GET", "/readyz")
            #expect(answer.status == 200, "optional parts do not make it unready: \(answer.text)")
            let checks = answer.json["checks"]?.array ?? []
            return Dictionary(checks.map { ($0["name"]?.string ?? "", $0) }, uniquingKeysWith: { first, _ in first })
        }

        private static func completes(_ server: ServerUnderTest) throws -> Bool {
            try server.run("chat", "What turns the wheel?").last?.json["status"] == "completed"
        }

        private static let aws = "aws: {region: us-east-1}\n"

        /// A file in place of a directory: root, whom modes do not stop, cannot write there either.
        @Test(arguments: [
            ("objects", "objects: {type: s3}", "set objects.bucket"),
            ("objects", "objects: {type: s3, bucket: files, region: not_one}", "no AWS region"),
            ("objects", "objects: {type: s3, bucket: files, profile: nobody}", "the profile 'nobody'"),
            ("objects", "objects: {path: FILE}", "FILE"), ("search", "search: {type: opensearch}", "set search.url"),
            ("search", "search: {type: opensearch, url: 'http://127.0.0.1:9', auth: basic}", "search.user and search.password"),
            (
                "search", "search: {type: opensearch, url: 'http://127.0.0.1:9', auth: basic, user: me, password: 'env:NONE'}",
                "search.password: the environment variable NONE is not set"
            ), ("search", "search: {path: FILE}", "FILE"), ("cache", "cache: {type: redis}", "set cache.url"),
            ("cache", "cache: {type: redis, url: 'redis://127.0.0.1:9', password: 'file:/nonexistent'}", "cache.password: "),
            ("cache", "cache: {type: directory, path: FILE}", "FILE"),
            ("secrets", "secrets: {type: secretsmanager}\naws: {profile: nobody}", "the profile 'nobody'"),
        ])
        func seamCannotBeUsed_serverStartsAndSaysWhy(name: String, yaml: String, says: String) async throws {
            let folder = try TemporaryFolder()
            let file = try folder.write("file", "text")
            let own = yaml.replacing("FILE", with: file)
            let settings = try ServerSettings(
                yaml: own.contains("aws:") ? own : Self.aws + own,
                environment: ["HOME": "/nonexistent", "AWS_EC2_METADATA_DISABLED": "true"])
            try await withServer(base: settings) { server in
                let check = try #require(try Self.checks(server)[name])
                #expect(check["status"] == "unavailable")
                let message = check["message"]?.string ?? ""
                #expect(message.contains(says.replacing("FILE", with: file)), "\(message)")
                let upload = try server.ask("POST", "/api/v1/content", headers: ["Content-Type: text/plain"], body: "text")
                #expect(upload.status == (name == "objects" ? 503 : 201), "\(upload.text)")
                if name == "objects" {
                    #expect(upload.text.contains("files cannot be stored"), "\(upload.text)")
                    #expect(try server.ask("GET", "/api/v1/content").status == 503)
                    #expect(try server.ask("GET", "/api/v1/generate/content/f_1").status == 503)
                }
                #expect(try Self.completes(server))
                #expect(server.log.waitForLine("a backend is not available", "backend=\(name)") != nil)
            }
        }

        /// The others are there although a model has no region, and one no profile.
        @Test func modelsOnBedrock_withoutRegionOrProfile_areNotAvailable() async throws {
            let yaml = """
                models:
                  nowhere: {type: bedrock, model: m.a}
                  wrong: {type: bedrock, model: m.b, region: not_one}
                  nobody: {type: bedrock, model: m.c, region: us-east-1, profile: nobody}
                embedders:
                  far: {type: bedrock, model: 'amazon.titan-embed-text-v2:0'}
                search: {embedder: far}
                """
            let settings = try ServerSettings(yaml: yaml, environment: ["HOME": "/nonexistent", "AWS_EC2_METADATA_DISABLED": "true"])
            try await withServer(base: settings) { server in
                let checks = try Self.checks(server)
                for name in ["model:nowhere", "model:wrong", "model:nobody", "embedder:far"] {
                    #expect(checks[name]?["status"] == "unavailable", "\(name)")
                }
                #expect(checks["model:nowhere"]?["message"]?.string?.contains("set AWS_REGION") == true)
                #expect(try Self.completes(server))
            }
        }

        @Test func serviceFails_itsLineSaysSoOnceItsCircuitIsOpen_andOthersGoOn() async throws {
            let port = try MillraceCounterparts.Counterpart.freePort()
            let yaml = """
                aws: {region: us-east-1}
                http: {attempts: 1, circuitOpenSeconds: 60}
                models:
                  far: {type: bedrock, model: anthropic.claude-x, url: 'http://127.0.0.1:\(port)'}
                objects: {type: s3, bucket: files, endpoint: 'http://127.0.0.1:\(port)'}
                """
            try await withServer(base: try ServerSettings(yaml: yaml, environment: BedrockServer.variables)) { server in
                #expect(try Self.checks(server)["objects"]?["status"] == "ok", "nobody was asked yet")
                var statuses: Set<Int> = []
                for _ in 0..<30 {
                    let upload = try server.ask("POST", "/api/v1/content", headers: ["Content-Type: text/plain"], body: "text")
                    statuses.insert(upload.status)
                    let text = upload.text
                    #expect(!text.contains("AKIATEST") && !text.contains("sekrit"), "\(text)")
                }
                #expect(statuses == [503], "\(statuses)")
                let check = try Self.checks(server)["objects"]
                #expect(check?["status"] == "failing")
                #expect(check?["message"]?.string?.contains("left alone for") == true, "\(check ?? .null)")
                #expect(try server.ask("GET", "/api/v1/content").json["items"] == [])
                #expect(try Self.completes(server))
            }
        }
    }
}
