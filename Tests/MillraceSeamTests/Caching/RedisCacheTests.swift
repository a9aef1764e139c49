import Glibc
import Millrace
import MillraceCore
import MillraceCounterparts
import Testing

@testable import MillraceBackends

@Suite(.timeLimit(.minutes(2)), .ownThreads) struct RedisCacheTests {
    private func cache(
        _ server: RedisProcess, prefix: String = "t:", password: String? = nil, user: String? = nil, database: Int = 0,
        logger: Logger = .silent
    ) throws -> RedisCache {
        try RedisCache(
            RedisEndpoint(
                .tcp(host: "localhost", port: server.port), user: user, password: password.map { Credential($0) }, database: database),
            keyPrefix: prefix, connectTimeout: .seconds(60), commandTimeout: .seconds(60), logger: logger)
    }

    /// The commands that the cache relies on, by Redis's own client.
    @Test func server_isRedis_byItsOwnClient() throws {
        guard try RedisProcess.isInstalled() else { return }
        let server = try RedisProcess()
        #expect(try server.cli("PING") == ["PONG"])
        #expect(try server.cli("SET", "p:a", "1", "PX", "60000") == ["OK"])
        #expect(try server.cli("SET", "p:*", "2") == ["OK"])
        let left = try server.cli("PTTL", "p:a").first.flatMap { Int($0) } ?? 0
        #expect((1...60_000).contains(left))
        #expect(try server.cli("SCAN", "0", "MATCH", #"p:\**"#, "COUNT", "500") == ["0", "p:*"])
        #expect(try server.cli("UNLINK", "p:*", "p:a") == ["2"])
        #expect(try server.cli("GET", "p:a") == [""])
    }

    @Test func entry_isAStringWithItsTimeToLive() async throws {
        guard try RedisProcess.isInstalled() else { return }
        let server = try RedisProcess()
        let cache = try cache(server)
        try await cache.set(Array("hello".utf8), for: "k", expiresIn: .seconds(50))
        #expect(try server.cli("GET", "t:k") == ["hello"])
        let left = try server.cli("PTTL", "t:k").first.flatMap { Int($0) } ?? 0
        #expect((1...50_000).contains(left))
        try await cache.set([1], for: "k", expiresIn: nil)
        #expect(try server.cli("PTTL", "t:k") == ["-1"])
        // Less than Redis counts is nothing.
        try await cache.set([1], for: "k", expiresIn: .microseconds(999))
        #expect(try server.cli("EXISTS", "t:k") == ["0"])
    }

    @Test(arguments: [("a*b:", "aXb:"), ("[ab]:", "a:"), ("a?", "ab"), (#"a\*"#, "a*"), ("^-", "^+")])
    func removeAll_ofAPrefixWithSpecialCharacters_leavesOthers(_ prefixes: (own: String, other: String)) async throws {
        guard try RedisProcess.isInstalled() else { return }
        let server = try RedisProcess()
        let (own, other) = (try cache(server, prefix: prefixes.own), try cache(server, prefix: prefixes.other))
        for index in 0..<5 {
            try await own.set([1], for: "\(index)", expiresIn: nil)
            try await other.set([2], for: "\(index)", expiresIn: nil)
        }
        try await own.removeAll()
        #expect(try await own.value(for: "1") == nil)
        #expect(try await other.value(for: "1") == [2])
        #expect(try server.cli("DBSIZE") == ["5"])
    }

    @Test func serverStartedAnew_isUsedWithoutAMiss() async throws {
        guard try RedisProcess.isInstalled() else { return }
        let server = try RedisProcess()
        let cache = try cache(server)
        try await cache.set([1], for: "k", expiresIn: nil)
        server.kill()
        try server.start()
        // The connection that is left over is broken; the call makes a new one.
        try await cache.set([2], for: "k", expiresIn: nil)
        #expect(try await cache.value(for: "k") == [2])
    }

    @Test func serverThatIsDown_isAMissUntilItIsBack() async throws {
        guard try RedisProcess.isInstalled() else { return }
        let server = try RedisProcess()
        let log = try LogLines()
        let cache = try cache(server, logger: log.logger)
        try await cache.set([1], for: "k", expiresIn: nil)
        server.kill()
        for _ in 0..<50 {
            #expect(try await cache.value(for: "k") == nil)
            try await cache.set([2], for: "k", expiresIn: nil)
        }
        for attempt in [{ try await cache.remove("k") }, { try await cache.removeAll() }] {
            await #expect { try await attempt() } throws: { error in
                let error = error as? MillraceError
                return error?.code == .storageUnavailable && error?.isRetryable == true
            }
        }
        #expect(log.lines.count == 1)
        #expect(
            log.lines.first?.contains("127.0.0.1:\(server.port)") == true || log.lines.first?.contains("localhost:\(server.port)") == true)
        try server.start()
        let start = ContinuousClock.now
        while try await cache.value(for: "k") != [3], start.duration(to: .now) < .seconds(30) {
            try await cache.set([3], for: "k", expiresIn: nil)
            await Task.yield()
        }
        #expect(start.duration(to: .now) < .seconds(30))
        try await cache.removeAll()
    }

    @Test func password_userAndDatabase_areUsed() async throws {
        guard try RedisProcess.isInstalled() else { return }
        let server = try RedisProcess("--requirepass", "hunter2", "--user", "app", "on", ">pass:word", "~*", "+@all")
        let byPassword = try cache(server, password: "hunter2", database: 3)
        try await byPassword.set([0x31], for: "k", expiresIn: nil)
        #expect(try server.cli("GET", "t:k", options: ["-a", "hunter2", "--no-auth-warning", "-n", "3"]) == ["1"])
        #expect(try await cache(server, password: "hunter2").value(for: "k") == nil)
        let byUser = try cache(server, password: "pass:word", user: "app", database: 3)
        #expect(try await byUser.value(for: "k") == [0x31])
        for (password, user) in [("hunter3", nil), (nil, nil), ("hunter2", "app")] as [(String?, String?)] {
            let log = try LogLines()
            let refused = try cache(server, password: password, user: user, database: 3, logger: log.logger)
            #expect(try await refused.value(for: "k") == nil)
            #expect(log.lines.count == 1)
            #expect(log.lines.first.map { $0.contains("WRONGPASS") || $0.contains("NOAUTH") } == true)
            #expect(log.lines.first?.contains("hunter") == false)
        }
        #expect(try await cache(server, password: "hunter2", database: 99).value(for: "k") == nil)
    }

    /// Redis quotes the arguments of a command that it does not know.
    @Test(arguments: [nil, "writer"]) func password_isToldToNobody_whereAuthIsNotKnown(_ user: String?) async throws {
        guard try RedisProcess.isInstalled() else { return }
        let redis = try RedisProcess("--rename-command", "AUTH", "")
        defer { redis.kill() }
        let quoted = try redis.cli("AUTH", "hunter22").joined()
        #expect(quoted.contains("hunter22"))
        let endpoint = RedisEndpoint(.tcp(host: "127.0.0.1", port: redis.port), user: user, password: Credential("hunter22"))
        let error = try await #require(throws: MillraceError.self) { try await RedisCache(endpoint).check() }
        #expect(error.message.contains("unknown command"))
        #expect(!"\(error)".contains("hunter"))
    }

    @Test func valueOfSomebodyElse_tooLongOrOfAnotherKind_isAMissAndNoOutage() async throws {
        guard try RedisProcess.isInstalled() else { return }
        let server = try RedisProcess()
        let cache = try cache(server)
        try await cache.set([7], for: "k", expiresIn: nil)
        _ = try server.cli("SETRANGE", "t:long", "8000000", "x")
        _ = try server.cli("LPUSH", "t:list", "x")
        for _ in 0..<3 {
            #expect(try await cache.value(for: "long") == nil)
            #expect(try await cache.value(for: "list") == nil)
            #expect(try await cache.value(for: "k") == [7])
        }
    }

    @Test func serverThatNeverAnswers_costsItsTimeoutOnce() async throws {
        let peer = try SilentPeer()
        let cache = try RedisCache(
            RedisEndpoint(.tcp(host: "127.0.0.1", port: peer.port)), connectTimeout: .milliseconds(200), commandTimeout: .milliseconds(200))
        let start = ContinuousClock.now
        let hits = try await withThrowingTaskGroup(of: Bool.self) { group in
            for index in 0..<40 { group.addTask { try await cache.value(for: "\(index)") != nil } }
            return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(hits == 0)
        let duration = start.duration(to: .now)
        #expect(duration > .milliseconds(150))
        #expect(duration < .seconds(30))
    }

    @Test func callerOfAServerThatNeverAnswers_leavesWhenCancelled() async throws {
        let peer = try SilentPeer()
        let cache = try RedisCache(
            RedisEndpoint(.tcp(host: "127.0.0.1", port: peer.port)), connectTimeout: .seconds(60), commandTimeout: .seconds(60))
        let (beginnings, beginning) = AsyncStream<Void>.makeStream()
        let task = Task {
            beginning.yield()
            return try await cache.value(for: "k")
        }
        for await _ in beginnings { break }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        // Only now does the peer let go of whoever still waits for it.
        peer.stop()
    }

    @Test func backoff_doublesUpToItsCap_andLetsOneCallerTry() {
        var backoff = RedisBackoff()
        let second: Int64 = 1_000_000_000
        #expect(backoff.begin(at: 0) == 0)
        #expect(backoff.begin(at: 0) == 0)
        backoff.failed(0, at: 0)
        // The second caller's failure is the same outage.
        backoff.failed(0, at: 0)
        #expect(backoff.begin(at: second / 10 - 1) == nil)
        var now = second / 10
        var waits: [Int64] = []
        for _ in 0..<8 {
            let attempt = backoff.begin(at: now)
            #expect(attempt != nil)
            #expect(backoff.begin(at: now) == nil)
            backoff.failed(attempt ?? -1, at: now)
            var wait: Int64 = 0
            while backoff.isResting(at: now + wait) { wait += second / 100 }
            waits.append(wait * 100 / second)
            now += wait
        }
        #expect(waits == [20, 40, 80, 160, 320, 500, 500, 500])
        let attempt = backoff.begin(at: now) ?? -1
        backoff.succeeded(attempt)
        #expect(backoff.begin(at: now) != nil)
        #expect(backoff.begin(at: now) != nil)
        backoff.failed(attempt, at: now)
        #expect(!backoff.isResting(at: now))
    }

    @Test(
        arguments: [
            ("redis://localhost", "localhost:6379", nil, nil, 0), ("redis://h:1/", "h:1", nil, nil, 0),
            ("redis://h/15", "h:6379", nil, nil, 15),
            ("redis://:p%40%3a%2F@h:7/2", "h:7", nil, "p@:/", 2), ("redis://u:p:q@[::1]:7", "[::1]:7", "u", "p:q", 0),
            ("redis://[fe80::1]", "[fe80::1]:6379", nil, nil, 0), ("unix:///run/redis%20x.sock", "/run/redis x.sock", nil, nil, 0),
            ("unix:///r.sock?db=4", "/r.sock", nil, nil, 4),
        ] as [(String, String, String?, String?, Int)])
    func url_ofAServer_isRead(_ row: (url: String, place: String, user: String?, password: String?, database: Int)) async throws {
        let endpoint = try RedisEndpoint(url: row.url)
        #expect(endpoint.place.description == row.place)
        #expect(endpoint.user == row.user)
        #expect(try await endpoint.password?.value() == row.password)
        #expect(endpoint.database == row.database)
        var dumped = "\(endpoint)"
        dump(endpoint, to: &dumped)
        if let password = row.password { #expect(!dumped.contains(password)) }
    }

    @Test(arguments: [
        "", "localhost", "http://h", "redis://", "redis://:pw@", "redis://user@h", "redis://h:0", "redis://h:x", "redis://h:99999",
        "redis://h/x",
        "redis://h/-1", "redis://[::1", "redis://[::1]x", "redis://:%zz@h", "redis://:%ff@h", "unix://x", "unix:///x?foo=1", "unix:///%00",
        "redis://h:1:2", "redis://h h",
    ])
    func url_thatIsNone_isRefusedWithTheForm(_ url: String) {
        #expect { try RedisEndpoint(url: url) } throws: { error in
            let error = error as? MillraceError
            return error?.code == .configuration && error?.message.contains("redis://[user") == true
                && error?.message.contains("pw") == false
        }
    }

    @Test func urlWithTLS_isRefusedWithAdvice() {
        #expect { try RedisEndpoint(url: "rediss://:pw@h") } throws: { error in
            let message = (error as? MillraceError)?.message ?? ""
            return message.contains("TLS") && message.contains("stunnel") && !message.contains("pw")
        }
    }

    @Test func prefix_emptyOrTooLong_isRefused() {
        for prefix in ["", String(repeating: "p", count: 257)] {
            #expect(throws: MillraceError.self) { try RedisCache(RedisEndpoint(.unix(path: "/x")), keyPrefix: prefix) }
        }
    }
}

/// A port that takes connections and never says anything.
private final class SilentPeer: Sendable {
    let port: Int
    private let descriptor: Int32
    private let isStopped = Locked(false)

    init() throws {
        (descriptor, port) = try Loopback.listen(backlog: 128)
    }

    deinit { stop() }

    /// Ends all connections. Calling it again does nothing.
    func stop() {
        if !isStopped.withLock({ isStopped in
            defer { isStopped = true }
            return isStopped
        }) {
            close(descriptor)
        }
    }
}
