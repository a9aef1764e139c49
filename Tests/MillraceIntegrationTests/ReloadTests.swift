import Glibc
import MillraceCore
import MillraceCounterparts
import Testing

extension IntegrationTests {
    /// Settings that change while a server runs.
    @Suite struct ReloadTests {
        /// What the handler `tell` says, which is what its settings say.
        private static func told(_ server: ServerProcess) throws -> String {
            try EventStreamClient.start(port: server.port, task: "tell", text: "?").rest()
                .compactMap { $0.event == "content" ? $0.json["content"]?.string : nil }.joined()
        }

        private static func start(_ directory: TemporaryDirectory, watchSeconds: String) throws -> ServerProcess {
            try ServerProcess([
                "port=0", "data-dir=:memory:", "log-level=info", "config=\(directory.path)/config.yaml",
                "MILLRACE_WATCH_SECONDS=\(watchSeconds)", "MILLRACE_DRAIN_SECONDS=0",
            ])
        }

        @Test func hangup_bringsNewSettings_aWrongFileKeepsTheOld_andNoStreamEnds() async throws {
            try await onThreads {
                let directory = try TemporaryDirectory()
                try directory.write("config.yaml", "tellConfig: {text: one}\n")
                let server = try Self.start(directory, watchSeconds: "0")
                let stream = try server.client.start("drip", "100000 5")
                _ = try stream.next()
                #expect(try Self.told(server) == "one")

                try directory.write("config.yaml", "tellConfig: {text: two}\nruns: {keepAliveSeconds: 14}\n")
                server.signal(SIGHUP)
                try RestartTests.wait(server, for: "configuration reloaded", times: 1)
                #expect(try Self.told(server) == "two")
                #expect(server.log.contains("tellConfig.text"))
                try RestartTests.wait(server, for: "changed settings that take a restart", times: 1)
                #expect(server.log.contains("runs.keepAliveSeconds"))

                try directory.write("config.yaml", "tellConfig: {text: [three]}\nserver: {port: x}\n")
                server.signal(SIGHUP)
                try RestartTests.wait(server, for: "the configuration is wrong", times: 1)
                #expect(server.log.contains("config.yaml, line 1: tellConfig.text: expected text, found a list"))
                #expect(server.log.contains("config.yaml, line 2: server.port: expected a whole number"))
                #expect(try Self.told(server) == "two")

                try directory.write("config.yaml", "tellConfig: {text: four}\n")
                server.signal(SIGHUP)
                try RestartTests.wait(server, for: "configuration reloaded", times: 2)
                #expect(try Self.told(server) == "four")
                #expect(try stream.next() != nil)
                stream.close()
                #expect(server.end(SIGTERM) == 0)
            }
        }

        @Test func prompts_areReadAnew_aWrongOneKeepsAll_andNoStreamEnds() async throws {
            try await onThreads {
                let directory = try TemporaryDirectory()
                func write(_ name: String, _ text: String) throws {
                    try Directories.make("\(directory.path)/prompts/chat")
                    try directory.write("prompts/chat/\(name)", text)
                }
                defer {
                    for name in ["chat/system.xml.j2", "chat/other.j2", "chat", ""] { remove("\(directory.path)/prompts/\(name)") }
                }
                func text(_ server: ServerProcess) throws -> String? {
                    let client = try TCPClient(port: server.port)
                    defer { client.close() }
                    return try client.ask("GET", "/api/v1/prompts/chat:system.xml.j2").json["text"]?.string
                }
                try directory.write("config.yaml", "tellConfig: {text: one}\n")
                try write("system.xml.j2", "one")
                let server = try Self.start(directory, watchSeconds: "0.05")
                let stream = try server.client.start("drip", "100000 5")
                _ = try stream.next()
                #expect(try text(server) == "one")

                try write("system.xml.j2", "two")
                try RestartTests.wait(server, for: "configuration reloaded", times: 1)
                #expect(try text(server) == "two")
                #expect(server.log.contains("prompt chat/system.xml.j2"))

                try write("other.j2", "{% if %}")
                try RestartTests.wait(server, for: "the configuration is wrong", times: 1)
                #expect(server.log.contains("prompts/chat/other.j2, line 1: column 7: "))
                #expect(try text(server) == "two")

                try write("other.j2", "mended in place")
                try RestartTests.wait(server, for: "configuration reloaded", times: 2)
                #expect(try stream.next() != nil)
                stream.close()
                #expect(server.end(SIGTERM) == 0)
            }
        }

        @Test func fileThatChanges_isRead() async throws {
            try await onThreads {
                let directory = try TemporaryDirectory()
                let server = try {
                    try directory.write("config.yaml", "tellConfig: {text: one}\n")
                    return try Self.start(directory, watchSeconds: "0.05")
                }()
                #expect(try Self.told(server) == "one")
                try directory.write("config.yaml", "tellConfig: {text: another}\n")
                try RestartTests.wait(server, for: "configuration reloaded", times: 1)
                #expect(try Self.told(server) == "another")
                #expect(unlink("\(directory.path)/config.yaml") == 0)
                try RestartTests.wait(server, for: "the configuration is wrong", times: 1)
                #expect(try Self.told(server) == "another")
                #expect(server.end(SIGTERM) == 0)
            }
        }
    }
}
