import Glibc
import MillraceCore
import Testing

extension IntegrationTests {
    /// The servers that stand for model services are as the services' own clients expect them.
    @Suite struct ModelServerProofTests {
        @Test(arguments: [("openai", "openai"), ("anthropic", "anthropic"), ("custom", "httpx, httpx_sse")])
        func clientOfOthersDrivesEveryFeature_nothingDeviates(driver: String, modules: String) throws {
            guard Counterpart.hasPython(modules: modules), let server = try ModelServer.start() else { return }
            let command = try Command([Counterpart.python, Counterpart.provider("\(driver)_client.py"), server.url, ModelServer.key])
            #expect(command.status == 0, "\(command.output)")
            #expect(command.output.contains("checks passed"))
        }

        @Test func curlAndOthersDriveItOverHTTP2_nothingDeviates() throws {
            guard Counterpart.hasPython(modules: "h2, httpx"), let server = try ModelServer.start(script: "h2_server.py") else { return }
            guard Command.exists(["curl", "--version"]) else { return Counterpart.leftOut("curl") }
            let authority = try #require(server.authorityFile)
            let command = try Command([Counterpart.python, Counterpart.provider("h2_client.py"), server.url, authority, ModelServer.key])
            #expect(command.status == 0, "\(command.output)")
            server.stop()
            #expect(access(authority, F_OK) != 0, "the certificates go with the server")
        }

        @Test(arguments: [("head", 0), ("first", 0), ("mid", 2), ("end", 4)])
        func clientClosesWhileTheServerHangs_itIsSeenWithItsTimeAndTokens(place: String, tokens: Int) throws {
            guard let server = try ModelServer.start() else { return }
            let client = try TCPClient(port: server.port)
            try client.send(Self.request("a b c d #hang=\(place) #tag=left"))
            _ = try server.waitFor("hanging", tag: "left")
            let before = ModelServer.now
            client.close()
            let seen = try server.waitFor("client_closed", tag: "left")
            #expect(seen.nanoseconds >= before && seen.nanoseconds <= ModelServer.now)
            #expect(seen.tokens == tokens)
            #expect(throws: ClientFailure.self) { try server.waitFor("client_closed", tag: "another", seconds: 0) }
            #expect(seen.fields["how"] == "eof" || seen.fields["how"] == "reset")
            #expect(server.observations().prefix(2).map(\.event) == ["connection_opened", "request_accepted"])
        }

        @Test func serverStops_itsConnectionsEndAndWaitingForMoreFails() throws {
            guard let server = try ModelServer.start(["--bodies"]) else { return }
            let client = try TCPClient(port: server.port)
            try client.send(Self.request("a b #hang=mid #tag=stopped"))
            _ = try server.waitFor("hanging", tag: "stopped")
            let accepted = try server.waitFor("request_accepted", tag: "stopped")
            #expect(accepted.fields["body"]?["format"] == "sse")
            server.stop()
            server.stop()
            _ = try client.readToEnd()
            #expect(throws: ClientFailure.self) { try server.waitFor("client_closed", tag: "stopped", seconds: 0) }
        }

        /// A streaming request to the custom API.
        private static func request(_ prompt: String) -> String {
            let body = JSONValue.object(["format": "sse", "prompt": .string(prompt)]).text
            return "POST /custom/generate HTTP/1.1\r\nhost: model\r\nx-service-token: \(ModelServer.key)\r\n"
                + "content-type: application/json\r\ncontent-length: \(body.utf8.count)\r\n\r\n\(body)"
        }
    }
}
