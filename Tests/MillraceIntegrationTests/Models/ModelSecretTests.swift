import Glibc
import Millrace
import MillraceCore
import MillraceServer
import Testing

extension IntegrationTests {
    /// Keys that a configuration refers to are sent to the model's server, and appear nowhere else.
    @Suite struct ModelSecretTests {
        private static let key = "sk-mill-3f9ac1e07b52d864"
        private static let headerSecret = "hdr-mill-a7710c55e92f4be3"

        /// Every text that a server gives away while its models fail in every way.
        private static func texts(of server: ServerUnderTest, _ faults: [String]) throws -> [(name: String, text: String)] {
            var texts: [(String, String)] = []
            for fault in faults {
                let reader = try server.start("chat", text: "one two \(fault)", [:])
                let events = try reader.rest()
                texts.append(("the events of \(fault)", String(decoding: reader.bytes, as: UTF8.self)))
                let chat = events.last?.json["chat_id"]?.string ?? ""
                texts.append(("the chat of \(fault)", try server.ask("GET", "/api/v1/chats/\(chat)/messages").text))
            }
            for path in ["/readyz", "/api/v1/runs", "/api/v1/task-handlers", "/api/v1/nothing"] {
                texts.append((path, try server.ask("GET", path).text))
            }
            let body: JSONValue = ["model_id": "nobody", "parts": [["content": "x"]]]
            texts.append(("a 422", try server.ask("POST", "/api/v1/generate/stream", body: body.text).text))
            texts.append(
                (
                    "invoke",
                    try server.ask("POST", "/api/v1/generate/invoke", body: EventStreamClient.generateBody(task: "chat", text: "x")).text
                ))
            return texts
        }

        private static func expectNoSecret(_ texts: [(name: String, text: String)]) {
            for (name, text) in texts {
                #expect(!text.isEmpty, "\(name) is empty")
                // As it is, and as Base64 or JSON would carry it.
                #expect(!text.contains(key) && !text.contains(headerSecret), "a secret in \(name)")
            }
        }

        @Test(arguments: ModelProvider.allCases, ["right", "wrong"])
        func everythingFails_noSecretIsSeenAnywhere(provider: ModelProvider, whose: String) async throws {
            // With a wrong key, the provider refuses everything.
            let serverKey = whose == "right" ? Self.key : "another-key"
            guard let upstream = try ModelServer.start(key: serverKey) else { return }
            let recordings = TestFiles.temporaryPath("secret-recordings")
            defer { TestFiles.remove(recordings) }
            let yaml = provider.configuration(
                at: upstream.url, "firstByteTimeoutSeconds: 0.1", "record: \(recordings)",
                "headers: {X-Team: env:TEAM_SECRET, X-Plain: file:\(recordings).txt}")
            let file = recordings + ".txt"
            let directory = try TemporaryDirectory()
            try directory.write("secret", Self.headerSecret + "\n")
            let settings = yaml.replacing(file, with: directory.path + "/secret").replacing("attempts: 2", with: "attempts: 1")
            let base = try ServerSettings(yaml: settings, environment: ["MODEL_KEY": Self.key, "TEAM_SECRET": Self.headerSecret])
            #expect(!"\(base)".contains(Self.key))
            var faults = ["", "#error=401", "#error=429", "#error=500", "#error=mid", "#cut=head", "#cut=mid", "#cut=end", "#hang=head"]
            if whose == "wrong" { faults = [""] }
            let list = faults
            let log = try await withServer(base: base, configure: { $0.logLevel = .debug }) { server in
                Self.expectNoSecret(try Self.texts(of: server, list))
                upstream.kill()
                Self.expectNoSecret(try Self.texts(of: server, [""]))
                return server.log
            }
            Self.expectNoSecret([("the log", log.all)])
            let files = try Command(["ls", recordings]).output.split(separator: "\n").map(String.init)
            #expect(files.count >= list.count)
            Self.expectNoSecret(files.map { ("the recording \($0)", TestFiles.read("\(recordings)/\($0)")) })
            if whose == "right" {
                _ = try upstream.waitFor("first_token")  // The key was sent and taken.
            }
        }

        @Test func doctorShowsTheConfiguration_withoutItsSecrets() async throws {
            let directory = try TemporaryDirectory()
            try directory.write("key", Self.key)
            let entry = ModelProvider.openAI.entry(at: "http://127.0.0.1:9", "headers: {X-Team: file:key}")
            try directory.write("config.yaml", "models:\n" + entry.replacing("env:MODEL_KEY", with: "file:key"))
            try await onThreads {
                let program = ServerProcess.buildFolder + "/millrace"
                let command = try Command(["env", "-C", directory.path, program, "doctor", "--data-dir", ":memory:", "--port", "0"])
                #expect(command.output.contains("config.yaml"))
                Self.expectNoSecret([("doctor", command.output)])
            }
        }
    }
}
