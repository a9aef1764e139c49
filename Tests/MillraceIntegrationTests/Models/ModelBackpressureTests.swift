import Glibc
import Millrace
import MillraceBackends
import MillraceCore
import MillraceDatabase
import MillraceServer
import Testing

extension IntegrationTests {
    /// A model that is faster than the store is made to wait.
    @Suite struct ModelBackpressureTests {
        /// Holds a store's commits once the test says so.
        private final class Commits: Sendable {
            private let isHeld = Monitor(false)
            func hold() { isHeld.updateAndWakeAll { $0 = true } }
            func release() { isHeld.updateAndWakeAll { $0 = false } }
            func pass() { isHeld.wait { $0 ? nil : () } }
        }

        /// The memory that the process uses, in bytes (proc(5), `statm`).
        private static var residentBytes: Int {
            let words = TestFiles.read("/proc/self/statm").split(separator: " ")
            return (words.count > 1 ? Int(words[1]) ?? 0 : 0) * Int(getpagesize())
        }

        @Test(arguments: ModelProvider.allCases)
        func storeIsSlow_upstreamIsPausedAndMemoryIsBounded(provider: ModelProvider) async throws {
            guard let upstream = try ModelServer.start() else { return }
            let (directory, commits) = (try TemporaryDirectory(), Commits())
            var configuration = SQLiteStore.Configuration()
            configuration.durability = .off
            configuration.patience = 60_000_000_000
            let store = try SQLiteStore(
                path: directory.path + "/millrace.db", configuration: configuration,
                faultHook: { operation in
                    if operation == .commit { commits.pass() }
                    return nil
                })
            let base = try ServerSettings(yaml: provider.configuration(at: upstream.url))
            // 12 MB in 400 pieces: more than the sockets between the two hold.
            let (tokens, word) = (400, String(repeating: "w", count: 30_000))
            try await withServer(base: base, store: store, configure: { $0.loops = 1 }) { server in
                let reader = try server.start("chat", text: "\(word) #tokens=\(tokens) #mark=\(tokens * 3 / 4) #tag=fast", [:])
                _ = try reader.read(until: "content")
                commits.hold()
                let before = Self.residentBytes
                // The upstream says nothing when it waits: that it does not get to the mark is seen by giving it far more time than it needs.
                #expect(throws: ClientFailure.self) { try upstream.waitFor("tokens_sent", tag: "fast", seconds: 1) }
                let grown = Self.residentBytes - before
                #expect(grown < 8 << 20, "\(grown >> 20) MB more")
                // Other runs' readers and the rest of the server are served.
                #expect(try server.ask("GET", "/healthz").status == 200)
                let released = ModelServer.now
                commits.release()
                let rest = try reader.rest()
                #expect(rest.last?.json["status"] == "completed")
                #expect(rest.count { $0.event == "content" } == tokens - 1)
                #expect(try upstream.waitFor("tokens_sent", tag: "fast").nanoseconds > released)
            }
        }
    }
}
