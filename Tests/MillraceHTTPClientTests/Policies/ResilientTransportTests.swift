import MillraceCore
import Testing

@testable import MillraceHTTPClient

/// Retries, over a scripted transport and a clock that whoever sleeps moves itself.
@Suite(.timeLimit(.minutes(1))) struct ResilientTransportTests {
    private let clock = ManualClock(automatic: true)
    private let lost = MillraceError(.connectionLost, "lost", isRetryable: true)
    private let unreachable = MillraceError(.unreachable, "unreachable", isRetryable: true)

    private func transport(
        _ base: ScriptedTransport, logger: Logger = .silent, _ change: (inout HTTPPolicySettings) -> Void = { _ in }
    ) throws -> ResilientTransport {
        var settings = HTTPPolicySettings()
        change(&settings)
        return try ResilientTransport(
            base, settings: settings, logger: logger, clock: clock.policyClock, generator: ConstantGenerator.highest)
    }

    private let get = HTTPClientRequest(url: "https://api.example.com/v1/models")
    private let post = HTTPClientRequest(method: "POST", url: "https://api.example.com/v1/chat", body: .bytes([1]))

    @Test func aGoodResponse_isLentOnce() async throws {
        let base = ScriptedTransport(.respond(200, ["X": "y"], body: [.bytes("a"), .bytes("bc")]))
        let transport = try transport(base)
        let (status, header, body) = try await transport.exchange(get) { ($0.status, $0.headers["x"], try await $0.collect()) }
        #expect(status == 200 && header == "y" && body == Array("abc".utf8))
        #expect(base.attempts == 1 && clock.requested.isEmpty)
        #expect(transport.gate.load(of: "https://api.example.com:443") ?? (9, 9) == (0, 0))
    }

    @Test func aRetryableStatus_isTriedAgainWithGrowingWaits() async throws {
        let base = ScriptedTransport(.respond(503), .respond(529), .respond(200))
        var lent: [Int] = []
        try await transport(base).exchange(post) { lent.append($0.status) }
        #expect(lent == [200])
        #expect(clock.requested == [.milliseconds(500), .milliseconds(1000)])
    }

    @Test func theLastAttemptsResponse_isLentAsItIs() async throws {
        let base = ScriptedTransport(.respond(503, body: [.bytes("busy")]))
        let (status, body) = try await transport(base).exchange(get) { ($0.status, try await $0.collect()) }
        #expect(status == 503 && body == Array("busy".utf8) && base.attempts == 3)
    }

    @Test(
        arguments: [
            (["Retry-After": "3"], 3500), (["retry-after-ms": "250"], 750), (["Retry-After": "Sun, 06 Nov 1994 08:49:47 GMT"], 10_500),
        ] as [(HTTPClientHeaders, Int)])
    func retryAfter_isTheLeastWait(headers: HTTPClientHeaders, milliseconds: Int) async throws {
        let base = ScriptedTransport(.respond(429, headers), .respond(200))
        try await transport(base).exchange(post) { #expect($0.status == 200) }
        #expect(clock.requested == [.milliseconds(milliseconds)])
    }

    @Test func retryAfterBeyondTheLongestWait_lendsTheResponse() async throws {
        let base = ScriptedTransport(.respond(429, ["Retry-After": "31"]))
        try await transport(base).exchange(post) { #expect($0.status == 429) }
        #expect(base.attempts == 1 && clock.requested.isEmpty)
    }

    @Test(arguments: [(429, "false", 1), (400, "true", 3)]) func shouldRetry_isHonoured(status: Int, says: String, attempts: Int)
        async throws
    {
        let base = ScriptedTransport(.respond(status, ["X-Should-Retry": says]))
        try await transport(base).exchange(post) { #expect($0.status == status) }
        #expect(base.attempts == attempts)
    }

    @Test func aLostConnection_isTriedAgainForRepeatableRequestsOnly() async throws {
        let forGet = ScriptedTransport(.fail(lost), .respond(200))
        try await transport(forGet).exchange(get) { #expect($0.status == 200) }
        let forPost = ScriptedTransport(.fail(lost), .respond(200))
        await #expect(throws: lost) { try await transport(forPost).exchange(post) { _ in } }
        #expect(forGet.attempts == 2 && forPost.attempts == 1)
    }

    @Test func anUnreachablePeer_isTriedAgainForEveryRequestAndThenThrown() async throws {
        let base = ScriptedTransport(.fail(unreachable))
        await #expect(throws: unreachable) { try await transport(base).exchange(post) { _ in } }
        #expect(base.attempts == 3)
    }

    @Test func onceAResponseWasLent_nothingIsSentAgain() async throws {
        let broken = ScriptedTransport(.respond(200, body: [.bytes("half"), .fail(lost)]))
        await #expect(throws: lost) { try await transport(broken).exchange(get) { _ = try await $0.collect() } }
        #expect(broken.attempts == 1)
        let callers = ScriptedTransport(.respond(200))
        await #expect(throws: unreachable) { try await transport(callers).exchange(get) { _ in throw unreachable } }
        #expect(callers.attempts == 1)
    }

    // MARK: Bodies that can be read only once

    private func streamed(_ pulls: Locked<Int>, fails: MillraceError? = nil) -> HTTPClientRequest {
        HTTPClientRequest(
            method: "PUT", url: "https://api.example.com/file",
            body: .stream(
                length: nil,
                next: {
                    pulls.withLock { $0 += 1 }
                    if let fails { throw fails }
                    return [1]
                }))
    }

    @Test func aStreamedBodyThatWasRead_isNotSentAgain() async throws {
        let pulls = Locked(0)
        let base = ScriptedTransport(.pullThenFail(1, lost), .respond(200))
        await #expect(throws: lost) { try await transport(base).exchange(streamed(pulls)) { _ in } }
        #expect(base.attempts == 1 && pulls.withLock { $0 } == 1)
    }

    @Test func aStreamedBodyThatNobodyTouched_mayBeSentAgain() async throws {
        let base = ScriptedTransport(.fail(unreachable), .respond(200))
        try await transport(base).exchange(streamed(Locked(0))) { #expect($0.status == 200) }
        #expect(base.attempts == 2)
    }

    @Test func anErrorOfTheBodyItself_isNotTheEndpoints() async throws {
        let base = ScriptedTransport(.pullThenFail(1, lost), .respond(200))
        let transport = try transport(base) {
            $0.breaker.minimumCalls = 1
            $0.breaker.window = 1
        }
        let own = MillraceError(.timeout, "the source is slow", isRetryable: true)
        await #expect(throws: own) { try await transport.exchange(streamed(Locked(0), fails: own)) { _ in } }
        try await transport.exchange(get) { #expect($0.status == 200) }
    }

    // MARK: What forbids a retry

    @Test func anEmptyBudget_lendsTheResponse() async throws {
        let base = ScriptedTransport(.respond(503))
        let log = LogFile()
        let transport = try transport(base, logger: log.logger) {
            $0.budget.burst = 3
            $0.budget.retriesPerSecond = 0
            $0.budget.retriesPerRequest = 0
            $0.breaker.minimumCalls = 50
        }
        for _ in 0..<4 { try await transport.exchange(get) { #expect($0.status == 503) } }
        #expect(base.attempts == 4 + 3)
        #expect(log.text.contains("denied_by=budget"))
    }

    @Test func theWholeExchangesTime_boundsAllAttempts() async throws {
        var request = get
        request.timeouts.total = .milliseconds(600)
        let base = ScriptedTransport(.respond(503))
        try await transport(base).exchange(request) { #expect($0.status == 503) }
        // The second attempt has what the wait of 500 ms left; a third would be too late.
        #expect(base.requests.map(\.timeouts.total) == [.milliseconds(600), .milliseconds(100)])
    }

    @Test func aRetryThatTheCircuitWouldRefuse_lendsTheResponse() async throws {
        let base = ScriptedTransport(.respond(500))
        let transport = try transport(base) { $0.breaker.minimumCalls = 2 }
        try await transport.exchange(get) { #expect($0.status == 500) }
        #expect(base.attempts == 2)
    }

    // MARK: The log

    @Test func theLog_saysWhatHappenedAndNoSecret() async throws {
        let log = LogFile()
        let base = ScriptedTransport(
            .respond(429, ["Retry-After": "1", "Set-Cookie": "SECRET"]), .fail(MillraceError(.unreachable, "SECRET", isRetryable: true)),
            .respond(500))
        var request = HTTPClientRequest(
            method: "POST", url: "https://user:SECRET@api.example.com:8443/SECRET?key=SECRET#SECRET", headers: ["Authorization": "SECRET"],
            body: .bytes(Array("SECRET".utf8)))
        request.isRepeatable = true
        let transport = try transport(base, logger: log.logger) { $0.breaker.minimumCalls = 3 }
        try await transport.exchange(request) { #expect($0.status == 500) }
        await #expect(throws: MillraceError.self) { try await transport.exchange(request) { _ in } }
        let lines = log.text.split(separator: "\n").map { $0.drop { $0 != " " }.dropFirst() }
        #expect(
            lines == [
                "warning outgoing request is sent again endpoint=https://api.example.com:8443 attempt=2 reason=\"status 429\" wait_ms=1500",
                "warning outgoing request is sent again endpoint=https://api.example.com:8443 attempt=3 reason=unreachable wait_ms=1000",
                "warning circuit opened: the service is left alone endpoint=https://api.example.com:8443",
            ])
        #expect(!log.text.contains("SECRET"))
    }

    // MARK: Settings and URLs

    @Test func settingsThatMakeNoSense_areAllNamed() {
        #expect {
            try self.transport(ScriptedTransport(.respond(200))) {
                $0.retry.attempts = 0
                $0.breaker.failureRate = 0
                $0.limit.exchanges = 0
                $0.budget.retriesPerRequest = .nan
            }
        } throws: { error in
            let message = (error as? MillraceError)?.message ?? ""
            return ["retry.attempts", "breaker.failureRate", "limit.exchanges", "budget.retriesPerRequest"].allSatisfy(message.contains)
        }
    }

    @Test func whatIsNoURL_isRefused() async throws {
        let base = ScriptedTransport(.respond(200))
        await #expect(throws: MillraceError.self) { try await transport(base).exchange(HTTPClientRequest(url: "ftp://a/b")) { _ in } }
        #expect(base.attempts == 0)
    }
}
