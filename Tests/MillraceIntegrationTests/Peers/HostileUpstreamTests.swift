import Glibc
import Millrace
import MillraceBackends
import MillraceCore
import MillraceCounterparts
import MillraceServer
import Testing

extension IntegrationTests {
    /// Model servers, object stores and search engines that misbehave: the run or request ends in its error in time, memory stays bounded, and
    /// others are served. (``ModelFailureTests`` has failures in the middle of a sound answer, `HTTPClientBrokenPeerTests` the transport.)
    @Suite struct HostileUpstreamTests {
        /// What an upstream does once it has a request's head.
        enum Behaviour: String, CaseIterable, Sendable {
            case neverAnswers, stallsInTheHead, stallsInTheBody, closes, resets, garbage, page, wrongJSON, redirect
            case endlessHead, endlessLine, endlessBody, compressed, wrongLength, commentsForEver, tricklesForEver

            private static let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"

            func play(_ socket: Int32) {
                func send(_ text: String) { RawUpstream.send(socket, text) }
                switch self {
                case .neverAnswers: RawUpstream.waitForEnd(socket)
                case .stallsInTheHead:
                    send(Self.head + "A: ")
                    RawUpstream.waitForEnd(socket)
                case .stallsInTheBody:
                    send(Self.head + "\r\ndata: {")
                    RawUpstream.waitForEnd(socket)
                case .closes: break
                case .resets:
                    var now = linger(l_onoff: 1, l_linger: 0)
                    setsockopt(socket, SOL_SOCKET, SO_LINGER, &now, socklen_t(MemoryLayout<linger>.size))
                case .garbage: send("\u{16}\u{3}\u{1}\u{0}\u{5}garbage\r\n\r\n")
                case .page: send("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 27\r\n\r\n<html>please log in</html>\n")
                case .wrongJSON: send(Self.head + "Connection: close\r\n\r\ndata: {\"choices\": 17, \"type\": []}\n\ndata: [[[[\n\n")
                case .redirect: send("HTTP/1.1 307 Temporary Redirect\r\nLocation: /v1/chat/completions\r\nContent-Length: 0\r\n\r\n")
                case .endlessHead:
                    send(Self.head)
                    RawUpstream.repeatWithoutEnd(socket, "A: \(String(repeating: "x", count: 10_000))\r\n")
                case .endlessLine:
                    send(Self.head + "\r\ndata: ")
                    RawUpstream.repeatWithoutEnd(socket, String(repeating: "x", count: 100_000))
                case .endlessBody:
                    send(Self.head + "\r\n")
                    RawUpstream.repeatWithoutEnd(socket, String(repeating: ": \(String(repeating: "x", count: 1000))\n\n", count: 100))
                case .compressed: send(Self.head + "Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\u{1F}\u{7}\u{8}\u{0}")
                case .wrongLength: send(Self.head + "Content-Length: 100000\r\n\r\ndata: {}\n\n")
                case .commentsForEver:
                    send(Self.head + "\r\n")
                    RawUpstream.repeatWithoutEnd(socket, ": still here\n\n", milliseconds: 20)
                case .tricklesForEver:
                    send(Self.head + "\r\ndata: ")
                    RawUpstream.repeatWithoutEnd(socket, "x", milliseconds: 20)
                }
            }

            /// What an object store's own deadlines end, which are minutes.
            var isSilent: Bool {
                [.neverAnswers, .stallsInTheHead, .stallsInTheBody, .commentsForEver, .tricklesForEver].contains(self)
            }

            /// What only the run's own deadline ends, since bytes keep coming.
            /// An answer of 64 MiB, too, which a debug build takes longer to read.
            var lastsForEver: Bool { self == .commentsForEver || self == .tricklesForEver || self == .endlessBody }
        }

        @Test(arguments: ModelProvider.allCases, Behaviour.allCases)
        func modelServerMisbehaves_runEndsInAnErrorInTime(provider: ModelProvider, behaviour: Behaviour) async throws {
            let upstream = try RawUpstream { behaviour.play($0) }
            defer { upstream.stop() }
            let yaml = provider.configuration(at: upstream.url, "firstByteTimeoutSeconds: 0.3", "idleTimeoutSeconds: 0.3")
                .replacing("attempts: 2", with: "attempts: 1")
            try await withServer(
                base: try ServerSettings(yaml: yaml), configure: { if behaviour.lastsForEver { $0.runs.longestRunSeconds = 1 } }
            ) { server in
                let before = OwnProcess.residentBytes
                let began = MonotonicClock.milliseconds()
                let events = try server.run("chat", "Anybody there?")
                #expect(MonotonicClock.milliseconds() - began < 10_000)
                #expect(events.suffix(2).map(\.event) == ["error", "response_end"], "\(events)")
                #expect(events.last?.json["status"] == "error")
                let kind = events.dropLast().last?.json["error_type"]?.string ?? ""
                #expect(kind == "model_error" && behaviour != .commentsForEver || behaviour.lastsForEver && kind == "timeout", "\(kind)")
                #expect(OwnProcess.residentBytes - before < 100 << 20, "64 MiB is the most that an answer may have")
                #expect(upstream.connections == 1, "there is one attempt, and no redirect is followed")
                #expect(try server.ask("GET", "/healthz").status == 200)
            }
        }

        /// The same for what keeps files: an upload or a download is an error, and nothing is listed that is not there.
        @Test(arguments: Behaviour.allCases.filter { !$0.isSilent }) func objectStoreMisbehaves_requestsEndInAnError(behaviour: Behaviour)
            async throws
        {
            let upstream = try RawUpstream { behaviour.play($0) }
            defer { upstream.stop() }
            let store = InMemoryStore()
            let record = ContentRecord(
                id: Identifier.make(prefix: "f"), title: "x", mimeType: "text/plain", length: 1_000_000, entityTag: "t", createdAt: .now())
            try await store.createContent(record, principal: .local)
            let yaml = """
                http: {attempts: 1}
                aws: {region: us-east-1}
                objects: {type: s3, bucket: files, endpoint: '\(upstream.url)'}
                """
            let settings = try ServerSettings(yaml: yaml, environment: BedrockServer.variables)
            try await withServer(base: settings, store: store) { server in
                let before = OwnProcess.residentBytes
                let client = try server.connect()
                try client.send(TCPClient.request("GET", "/api/v1/generate/content/\(record.id)"))
                let head = try HTTPAnswer(head: try client.read(until: "\r\n\r\n"))
                // An error, or a body that is cut: never one that looks whole.
                if head.status == 200 { #expect(try client.readToEnd().count < record.length, "\(behaviour)") }
                // Nothing of it is the client's fault.
                #expect([200, 404, 503].contains(head.status), "\(head.status)")
                if behaviour == .endlessHead { #expect(head.status == 503) }
                #expect(OwnProcess.residentBytes - before < 50 << 20)
                #expect(try server.ask("GET", "/healthz").status == 200)
            }
        }
    }
}
