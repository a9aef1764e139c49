import Millrace
import MillraceBackends
import MillraceCore
import MillraceCounterparts

/// The caches that the conformance suite holds to the seam's promises.
enum CacheKind: String, CaseIterable, Sendable {
    case memory
    case directory
    case redis
    case redisSocket

    /// Runs `body` with an empty cache of its own; not at all where its counterpart is missing.
    func withCache(_ body: (any Cache) async throws -> Void) async throws {
        switch self {
        case .memory: try await body(MemoryCache())
        case .directory:
            let directory = try TemporaryDirectory()
            try await body(DirectoryCache(directory: directory.path + "/cache"))
        case .redis, .redisSocket:
            guard try RedisProcess.isInstalled() else { return }
            let server = try RedisProcess()
            defer { server.kill() }
            let place: RedisEndpoint.Place =
                self == .redis ? .tcp(host: "127.0.0.1", port: server.port) : .unix(path: server.socketPath)
            // A machine that is busy with other tests is slow, not broken.
            try await body(
                RedisCache(
                    RedisEndpoint(place), keyPrefix: Identifier.make(prefix: "test") + ":", connectTimeout: .seconds(60),
                    commandTimeout: .seconds(60)))
        }
    }
}
