import Millrace
import MillraceCore
import Testing

@testable import MillraceServer

@Suite struct ServerCloseTests {
    /// More of them than Swift's pool has threads.
    @Test func serversThatNeverStarted_goAtTheSameTime() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<16 {
                group.addTask {
                    var settings = ServerSettings()
                    settings.dataDirectory = ":memory:"
                    let server = try Server(settings: settings, logger: .silent)
                    server.stop()
                }
            }
            try await group.waitForAll()
        }
    }
}
