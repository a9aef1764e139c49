public import Millrace
public import MillraceCore
import MillraceHTTPClient

/// A cache in Redis, which several servers share (Redis 4 or later; one server, not a cluster).
///
/// A Redis that is down or does not answer is a miss: a call takes the timeouts at most, then nobody asks for 0.1 s and later for up to 5 s, after
/// which one call tries again. One line in 10 s says so in the log. Values are Redis strings under `keyPrefix`, with `PX` for their expiry;
/// how much is kept, and what goes when it is too much, is the server's own setting (`maxmemory`, `maxmemory-policy`).
public final class RedisCache: Cache {
    private let server: RedisServer
    private let executor: BlockingExecutor
    private let endpoint: RedisEndpoint
    private let prefix: [UInt8]
    private let valueByteLimit: Int
    private let logger: Logger
    private let throttle = Locked(LogThrottle())

    /// How many calls may wait for a connection.
    private static let queueLimit = 1000

    /// Creates a cache. It connects when it is first used.
    /// - Parameters:
    ///   - keyPrefix: what stands before every key, 1 to 256 bytes. ``removeAll()`` drops all keys that begin so: end it with a character that no
    ///     other name goes on with (default: `millrace:`).
    ///   - connections: how many commands are under way at once, each with a connection and a thread (default: 4).
    ///   - connectTimeout: for the host's name, the connection and its greeting (default: 1 s).
    ///   - commandTimeout: for each command, and for waiting for a connection (default: 1 s).
    ///   - valueByteLimit: the longest value that is kept (default: 1 MiB).
    ///   - logger: where failures are logged, by the server's address.
    /// - Throws: ``ErrorCode/configuration`` for a prefix of another length.
    public init(
        _ endpoint: RedisEndpoint, keyPrefix: String = "millrace:", connections: Int = 4, connectTimeout: Duration = .seconds(1),
        commandTimeout: Duration = .seconds(1), valueByteLimit: Int = 1 << 20, logger: Logger = .silent
    ) throws {
        guard (1...256).contains(keyPrefix.utf8.count) else {
            throw MillraceError(.configuration, "the prefix of Redis's keys has \(keyPrefix.utf8.count) bytes: expected 1 to 256")
        }
        prefix = Array(keyPrefix.utf8)
        self.endpoint = endpoint
        self.valueByteLimit = valueByteLimit
        self.logger = logger
        server = RedisServer(
            endpoint, answerByteLimit: valueByteLimit, connectNanoseconds: connectTimeout.wholeNanoseconds,
            commandNanoseconds: commandTimeout.wholeNanoseconds)
        executor = try BlockingExecutor(name: "redis", threads: connections, queueLimit: Self.queueLimit)
    }

    /// As ``Cache/value(for:)``.
    public func value(for key: String) async throws -> [UInt8]? {
        try CacheRules.check(key: key)
        guard case .bytes(let value)? = try await tolerated(["GET"], key) else { return nil }
        return value
    }

    /// As ``Cache/set(_:for:expiresIn:)``.
    public func set(_ value: [UInt8], for key: String, expiresIn: Duration?) async throws {
        try CacheRules.check(key: key)
        // Rounded down: what has expired is never given.
        let milliseconds = expiresIn.map { $0.wholeNanoseconds / 1_000_000 }
        guard value.count <= valueByteLimit, milliseconds ?? 1 > 0 else {
            _ = try await tolerated(["DEL"], key)
            return
        }
        _ = try await tolerated(["SET"], key, [value] + (milliseconds.map { [Array("PX".utf8), Array("\($0)".utf8)] } ?? []))
    }

    /// As ``Cache/remove(_:)``.
    public func remove(_ key: String) async throws {
        try CacheRules.check(key: key)
        try await told { _ = try await ask([Array("DEL".utf8), prefix + Array(key.utf8)]) }
    }

    /// As ``Cache/removeAll()``: all keys with the prefix, in batches. What others keep meanwhile may stay.
    public func removeAll() async throws {
        try await told {
            var cursor = Array("0".utf8)
            repeat {
                let command = [
                    Array("SCAN".utf8), cursor, Array("MATCH".utf8), Self.pattern(prefix), Array("COUNT".utf8), Array("500".utf8),
                ]
                guard case .array(let parts) = try await ask(command), parts.count == 2, case .bytes(let next) = parts[0],
                    case .array(let found) = parts[1]
                else { throw RedisFailure.refused("something else than a page of keys") }
                let keys = found.compactMap { key -> [UInt8]? in if case .bytes(let key) = key { key } else { nil } }
                if !keys.isEmpty { _ = try await ask([Array("UNLINK".utf8)] + keys) }
                cursor = next
            } while cursor != Array("0".utf8)
        }
    }

    /// Whether the server has failed and is left alone for a moment.
    package var isResting: Bool { server.isResting }

    /// Asks whether the server answers, and takes user and password.
    /// - Throws: ``ErrorCode/storageUnavailable`` that says why not; `CancellationError`.
    package func check() async throws {
        do { _ = try await ask([Array("PING".utf8)]) } catch let error as RedisFailure {
            throw MillraceError(
                .storageUnavailable, "Redis at \(endpoint.place) cannot be used: \(error.text)", cause: error, isRetryable: true)
        }
    }

    /// The pattern of all keys that begin with some bytes, whatever they mean in a pattern.
    static func pattern(_ prefix: [UInt8]) -> [UInt8] {
        prefix.flatMap { byte in #"\*?[]^-"#.utf8.contains(byte) ? [UInt8(ascii: "\\"), byte] : [byte] } + [UInt8(ascii: "*")]
    }

    /// A failure is a miss, with a line in the log.
    private func tolerated(_ words: [String], _ key: String, _ rest: [[UInt8]] = []) async throws -> RedisReply? {
        do { return try await ask(words.map { Array($0.utf8) } + [prefix + Array(key.utf8)] + rest) } catch let error as RedisFailure {
            log(error.text)
        } catch let error as MillraceError { log(error.message) }
        return nil
    }

    private func told(_ body: () async throws -> Void) async throws {
        func failure(_ text: String, _ error: any Error) -> MillraceError {
            MillraceError(
                .storageUnavailable, "Redis at \(endpoint.place) cannot drop what it keeps: \(text)", cause: error, isRetryable: true)
        }
        do { try await body() } catch let error as RedisFailure {
            throw failure(error.text, error)
        } catch let error as MillraceError { throw failure(error.message, error) }
    }

    private func log(_ problem: String) {
        guard let suppressed = throttle.withLock({ $0.line(at: TimeSource.system.monotonic()) }) else { return }
        logger.warning(
            "cache cannot be used",
            ["redis": .string("\(endpoint.place)"), "error": .string(problem), "not_logged": .integer(suppressed)])
    }

    /// - Throws: ``RedisFailure``, also for an answer that is an error; ``MillraceError``; `CancellationError`.
    private func ask(_ command: [[UInt8]]) async throws -> RedisReply {
        try Task.checkCancellation()
        // No thread is troubled with what would be refused there.
        guard !server.isResting else { throw RedisFailure.resting }
        let password = try await endpoint.password?.value()
        let server = server
        let latestStart = server.latestStart()
        return try await executor.runUnlessCancelled {
            let reply = try server.ask(command, password: password, latestStart: latestStart)
            if case .error(let text) = reply { throw RedisFailure.refused(text) }
            return reply
        }
    }
}
