import MillraceCore
import MillraceEventLoop
import Testing

@testable import MillraceHTTPClient

/// The policies with the real clock, on real loops.
@Suite(.timeLimit(.minutes(1))) struct HTTPPolicyClockTests {
    @Test func onALoop_waitsAndQueuesStayOnIt() async throws {
        let group = try EventLoopGroup(count: 2)
        try group.start()
        defer { group.stop() }
        var settings = HTTPPolicySettings()
        settings.retry.base = .zero
        settings.retry.cap = .zero
        settings.retry.attempts = 50
        settings.breaker.minimumCalls = 50
        settings.breaker.failureRate = 1
        settings.limit.exchanges = 2
        let base = ScriptedTransport(.respond(503), .respond(503), .respond(503), .respond(200, body: [.bytes("a")]))
        let transport = try ResilientTransport(base, settings: settings)
        let places = await withTaskGroup(of: Bool.self) { tasks in
            for index in 0..<100 {
                let loop = group.loops[index % 2]
                tasks.addTask(executorPreference: loop.executor) {
                    let status = try? await transport.exchange(HTTPClientRequest(url: "http://localhost:1/")) { response in
                        await loop.nextTurn()
                        return loop.isCurrent ? response.status : 0
                    }
                    return status == 200 && loop.isCurrent
                }
            }
            return await tasks.reduce(into: [Bool]()) { $0.append($1) }
        }
        #expect(places == Array(repeating: true, count: 100))
        #expect(base.mostUnderWay <= 2 && base.attempts == 103)
        #expect(transport.gate.load(of: "http://localhost:1") ?? (9, 9) == (0, 0))
    }

    @Test func elsewhere_itWaitsToo() async throws {
        let clock = HTTPPolicyClock.system
        let before = clock.now()
        try await clock.sleep(.milliseconds(1))
        #expect(clock.now() - before >= 1_000_000)
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            try await clock.sleep(.seconds(3600))
        }
        await #expect(throws: CancellationError.self) { try await task.value }
    }

    @Test func durations_areClampedNanoseconds() {
        #expect(Duration.milliseconds(1500).clampedNanoseconds == 1_500_000_000)
        #expect(Duration.nanoseconds(-1).clampedNanoseconds == -1)
        #expect(Duration.seconds(Int64.max / 2).clampedNanoseconds == .max)
        #expect(Duration.seconds(Int64.min / 2).clampedNanoseconds == .min)
        #expect(Duration.nanoseconds(Int64.max).clampedNanoseconds == .max)
    }
}
