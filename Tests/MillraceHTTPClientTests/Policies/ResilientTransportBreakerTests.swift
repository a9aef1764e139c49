import MillraceCore
import Testing

@testable import MillraceHTTPClient

/// The circuit breaker, over a scripted transport and a clock that the test moves.
@Suite(.timeLimit(.minutes(1))) struct ResilientTransportBreakerTests {
    private let clock = ManualClock()
    private let get = HTTPClientRequest(url: "http://10.0.0.7/v1")

    /// Two failures open it for 10 s; then one probe at a time.
    private func transport(_ base: ScriptedTransport, probes: Int = 1, exchanges: Int = 8) throws -> ResilientTransport {
        var settings = HTTPPolicySettings()
        settings.retry.attempts = 1
        settings.breaker.window = 4
        settings.breaker.minimumCalls = 2
        settings.breaker.openWait = .seconds(10)
        settings.breaker.probes = probes
        settings.limit.exchanges = exchanges
        return try ResilientTransport(base, settings: settings, clock: clock.policyClock, generator: SeededGenerator(1))
    }

    private func status(_ transport: ResilientTransport) async throws -> Int { try await transport.exchange(get) { $0.status } }

    private func expectOpen(_ transport: ResilientTransport, milliseconds: Int) async {
        await #expect {
            _ = try await status(transport)
        } throws: { error in
            guard let error = error as? MillraceError else { return false }
            return error.code == .circuitOpen && error.isRetryable && error.details == ["retry_after_ms": .integer(milliseconds)]
                && error.cause == "http://10.0.0.7:80"
        }
    }

    @Test(arguments: [500, 503, 529, 599]) func serverErrors_openTheCircuit(status: Int) async throws {
        let base = ScriptedTransport(.respond(status))
        let transport = try transport(base)
        for _ in 0..<2 { #expect(try await self.status(transport) == status) }
        await expectOpen(transport, milliseconds: 10_000)
        clock.advance(by: .nanoseconds(9_999_000_001))
        await expectOpen(transport, milliseconds: 1)
        #expect(base.attempts == 2)
    }

    @Test func circuit_isToldByEndpoint_withoutSendingAnything() async throws {
        let base = ScriptedTransport(.respond(500), .respond(500), .respond(200))
        let transport = try transport(base)
        #expect(transport.circuit(of: "http://10.0.0.7/elsewhere") == .closed, "nothing was sent there yet")
        for _ in 0..<2 { _ = try await status(transport) }
        #expect(transport.circuit(of: "http://10.0.0.7:80/elsewhere") == .open(remaining: .seconds(10)))
        #expect(transport.circuit(of: "http://10.0.0.8/v1") == .closed)
        #expect(transport.circuit(of: "nonsense") == .closed)
        clock.advance(by: .seconds(11))
        #expect(transport.circuit(of: "http://10.0.0.7") == .open(remaining: .zero), "until a request has tried it")
        #expect(try await status(transport) == 200)
        #expect(transport.circuit(of: "http://10.0.0.7") == .closed)
        #expect(base.attempts == 3)
    }

    @Test(arguments: [200, 302, 400, 401, 404, 409, 429, 499]) func otherStatuses_doNot(status: Int) async throws {
        let base = ScriptedTransport(.respond(status))
        let transport = try transport(base)
        for _ in 0..<10 { #expect(try await self.status(transport) == status) }
    }

    @Test(arguments: [
        (ErrorCode.unreachable, true), (.connectionLost, true), (.timeout, true), (.limitExceeded, false), (.system, false),
        (.cancelled, false),
    ]) func transportErrors_openTheCircuit(code: ErrorCode, opens: Bool) async throws {
        let base = ScriptedTransport(.fail(MillraceError(code, "")))
        let transport = try transport(base)
        for _ in 0..<2 { await #expect(throws: MillraceError(code, "")) { _ = try await status(transport) } }
        if opens {
            await expectOpen(transport, milliseconds: 10_000)
        } else {
            await #expect(throws: MillraceError(code, "")) { _ = try await status(transport) }
        }
    }

    @Test func bodiesThatBreakOff_openTheCircuitAlsoWhenTheCallerSwallowsTheError() async throws {
        let base = ScriptedTransport(.respond(200, body: [.fail(MillraceError(.connectionLost, ""))]))
        let transport = try transport(base)
        for _ in 0..<2 { try await transport.exchange(get) { _ = try? await $0.collect() } }
        await expectOpen(transport, milliseconds: 10_000)
    }

    @Test func errorsOfTheReader_doNot() async throws {
        let base = ScriptedTransport(.respond(200, body: [.bytes("text")]))
        let transport = try transport(base)
        for _ in 0..<5 {
            await #expect(throws: MillraceError(.timeout, "mine")) {
                try await transport.exchange(get) { _ = try await $0.read { _ in throw MillraceError(.timeout, "mine") } }
            }
        }
        #expect(base.attempts == 5)
    }

    @Test func aGoodProbe_closesTheCircuit() async throws {
        let door = Door()
        let base = ScriptedTransport(.respond(500), .respond(500), .wait(door), .respond(200))
        let transport = try transport(base)
        for _ in 0..<2 { _ = try await status(transport) }
        clock.advance(by: .seconds(10))
        async let probe = status(transport)
        await base.attempts(3)
        await expectOpen(transport, milliseconds: 1000)
        door.open()
        #expect(try await probe == 200)
        for _ in 0..<3 { #expect(try await status(transport) == 200) }
    }

    @Test func aBadProbe_opensItAgain() async throws {
        let base = ScriptedTransport(.respond(500))
        let transport = try transport(base)
        for _ in 0..<2 { _ = try await status(transport) }
        clock.advance(by: .seconds(10))
        #expect(try await status(transport) == 500)
        await expectOpen(transport, milliseconds: 10_000)
        #expect(base.attempts == 3)
    }

    @Test func aCancelledProbe_makesRoomForAnother() async throws {
        let base = ScriptedTransport(.respond(500), .respond(500), .hang, .respond(200))
        let transport = try transport(base)
        for _ in 0..<2 { _ = try await status(transport) }
        clock.advance(by: .seconds(10))
        let probe = Task { try await status(transport) }
        await base.attempts(3)
        probe.cancel()
        await #expect(throws: CancellationError.self) { try await probe.value }
        #expect(try await status(transport) == 200)
    }

    @Test func whoeverQueuedBeforeItOpened_isRefusedAndGivesThePermitBack() async throws {
        let door = Door()
        let base = ScriptedTransport(.respond(500), .wait(door, status: 500))
        let transport = try transport(base, exchanges: 1)
        _ = try await status(transport)
        let blocking = Task { try await status(transport) }
        await base.attempts(2)
        let waiting = (0..<3).map { _ in Task { try await status(transport) } }
        await clock.sleepers(3)
        door.open()
        #expect(try await blocking.value == 500)
        for task in waiting {
            await #expect {
                _ = try await task.value
            } throws: {
                ($0 as? MillraceError)?.code == .circuitOpen
            }
        }
        #expect(base.attempts == 2)
        #expect(transport.gate.load(of: "http://10.0.0.7:80") ?? (9, 9) == (0, 0))
    }

    @Test func endpoints_areApart() async throws {
        let base = ScriptedTransport(.respond(500), .respond(500), .respond(200))
        let transport = try transport(base)
        for _ in 0..<2 { _ = try await status(transport) }
        for url in ["https://10.0.0.7/v1", "http://10.0.0.7:8000/v1", "http://10.0.0.8/v1"] {
            #expect(try await transport.exchange(HTTPClientRequest(url: url)) { $0.status } == 200)
        }
        // The same endpoint, written in other ways.
        for url in ["http://10.0.0.7:80/", "HTTP://10.0.0.7?q", "http://10.0.0.7#f", "http://10.0.0.7", "http://me@10.0.0.7/"] {
            await #expect(throws: MillraceError.self) { try await transport.exchange(HTTPClientRequest(url: url)) { $0.status } }
        }
    }
}
