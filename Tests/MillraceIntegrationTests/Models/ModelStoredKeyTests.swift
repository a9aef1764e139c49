import Millrace
import MillraceCore
import MillraceServer
import Testing

extension IntegrationTests {
    /// Keys of models' servers that are kept in the encrypted file of secrets.
    @Suite struct ModelStoredKeyTests {
        private static let key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

        /// Stores a secret as `millrace secrets set` does, in a process of its own.
        private static func set(_ name: String, _ value: String, in folder: TemporaryFolder) throws {
            let launcher = AWSCounterparts.launcher(["MILLRACE_SECRETS_KEY": key], in: folder.path)
            let file = try folder.write("value", value)
            let command = try Command(
                launcher + [
                    "\(ServerProcess.buildFolder)/millrace", "secrets", "set", name, "--value-file", file, "--data-dir", folder.path,
                ])
            #expect(command.status == 0, "\(command.output)")
        }

        private static func settings(_ provider: ModelProvider, _ url: String, _ folder: TemporaryFolder) throws -> ServerSettings {
            let yaml = provider.configuration(at: url).replacing("env:MODEL_KEY", with: "secret:models/mill#key")
            return try ServerSettings(
                yaml: yaml + "secrets: {path: \(folder.path)/secrets.enc}\n", environment: ["MILLRACE_SECRETS_KEY": key])
        }

        @Test(arguments: ModelProvider.allCases)
        func keyIsReplacedInTheStore_runsUseTheNewOneWithoutARestart(provider: ModelProvider) async throws {
            let folder = try TemporaryFolder()
            guard let upstream = try ModelServer.start() else { return }
            try Self.set("models/mill", #"{"key": "an-old-key", "other": 1}"#, in: folder)
            try await withServer(base: try Self.settings(provider, upstream.url, folder)) { server in
                let refused = try ModelFailureTests.expectFailure(server, try server.run("chat", "hello"), said: [], "old")
                #expect(refused["details"]?["provider_status"] == 401)
                try Self.set("models/mill", #"{"key": "\#(ModelServer.key)"}"#, in: folder)
                try Self.expect("completed", of: server)
                try Self.set("models/mill", #"{"key": "an-old-key"}"#, in: folder)
                try Self.expect("error", of: server)
                #expect(!server.log.all.contains("an-old-key") && !server.log.all.contains(ModelServer.key))
            }
        }

        /// The store looks at its file once a second.
        private static func expect(_ status: String, of server: ServerUnderTest) throws {
            var found: String?
            for _ in 0..<50 where found != status {
                found = try server.run("chat", "hello").last?.json["status"]?.string
                if found != status { TestFiles.pause(milliseconds: 100) }
            }
            #expect(found == status)
        }

        @Test(arguments: [("absent", "{}", "models/mill#key"), ("member", #"{"other": 1}"#, "key"), ("text", "plain-words", "JSON")])
        func keyIsNotThere_runSaysWhichOne_andNoRequestIsSent(what: String, value: String, says: String) async throws {
            let folder = try TemporaryFolder()
            guard let upstream = try ModelServer.start() else { return }
            try Self.set(what == "absent" ? "another" : "models/mill", value, in: folder)
            try await withServer(base: try Self.settings(.openAI, upstream.url, folder)) { server in
                let events = try server.run("chat", "hello #tag=\(what)")
                #expect(events.suffix(2).map(\.event) == ["error", "response_end"] && events.last?.json["status"] == "error")
                let message = events.dropLast().last?.json["message"]?.string ?? ""
                #expect(message.contains(says) && !message.contains(value), "\(message)")
                #expect(try upstream.requestCount(tag: what) == 0)
                #expect(try server.run("chat", "hello", ["model_id": "local"]).last?.json["status"] == "completed")
            }
        }
    }
}
