import MillraceCore
import Testing

@testable import MillraceHTTPClient

/// The limit of exchanges at once and cancellation, over a scripted transport and a clock that the test moves.
@Suite(.timeLimit(.minutes(1))) struct ResilientTransportLimitTests {
    private let clock = ManualClock()
    private let get = HTTPClientRequest(url: "http://[::1]:9000/v1")
    private let endpoint = "http://[::1]:9000"

    private func transport(_ base: ScriptedTransport, exchanges: Int = 1, queue: Int = 2) throws -> ResilientTransport {
        var settings = HTTPPolicySettings()
        settings.limit.exchanges = exchanges
        settings.limit.queue = queue
        return try ResilientTransport(base, settings: settings, clock: clock.policyClock, generator: ConstantGenerator.highest)
    }

    private func start(_ transport: ResilientTransport, _ done: (@Sendable () -> Void)? = nil) -> Task<Int, any Error> {
        Task { [get] in
            try await transport.exchange(get) {
                done?()
                return $0.status
            }
        }
    }

    private func load(_ transport: ResilientTransport) -> [Int] {
        transport.gate.load(of: endpoint).map { [$0.inUse, $0.waiting] } ?? []
    }

    @Test func requestsOverTheLimit_waitInOrder() async throws {
        let door = Door()
        let base = ScriptedTransport(.wait(door), .respond(200))
        let transport = try transport(base, queue: 8)
        let order = Locked<[Int]>([])
        var tasks = [start(transport)]
        await base.attempts(1)
        for index in 0..<8 {
            tasks.append(start(transport) { order.withLock { $0.append(index) } })
            await clock.sleepers(index + 1)
        }
        #expect(load(transport) == [1, 8])
        door.open()
        for task in tasks { #expect(try await task.value == 200) }
        #expect(order.withLock { $0 } == Array(0..<8))
        #expect(base.mostUnderWay == 1)
        #expect(load(transport) == [0, 0])
        #expect(clock.sleepers == 0)
    }

    @Test func aFullQueue_refuses() async throws {
        let door = Door()
        let base = ScriptedTransport(.wait(door), .respond(200))
        let transport = try transport(base, queue: 1)
        let tasks = [start(transport), start(transport)]
        await base.attempts(1)
        await clock.sleepers(1)
        await #expect {
            try await transport.exchange(get) { _ in }
        } throws: { error in
            let error = error as? MillraceError
            return error?.code == .limitExceeded && error?.isRetryable == true && error?.cause == endpoint
        }
        door.open()
        for task in tasks { _ = try await task.value }
        #expect(load(transport) == [0, 0])
    }

    @Test func thePermit_isHeldWhileTheBodyIsRead() async throws {
        let base = ScriptedTransport(.respond(200, body: [.bytes("a"), .hang]), .respond(200))
        let transport = try transport(base)
        let reading = Task { [get] in try await transport.exchange(get) { _ = try await $0.collect() } }
        await base.attempts(1)
        let waiting = start(transport)
        await clock.sleepers(1)
        #expect(load(transport) == [1, 1])
        reading.cancel()
        await #expect(throws: CancellationError.self) { try await reading.value }
        #expect(try await waiting.value == 200)
        #expect(load(transport) == [0, 0])
    }

    @Test func whoeverWaitsForTooLong_isRefused() async throws {
        let door = Door()
        let base = ScriptedTransport(.wait(door), .respond(200))
        let transport = try transport(base)
        let blocking = start(transport)
        await base.attempts(1)
        let waiting = start(transport)
        await clock.sleepers(1)
        clock.advance(by: .nanoseconds(29_999_999_999))
        #expect(load(transport) == [1, 1])
        clock.advance(by: .nanoseconds(1))
        await #expect {
            _ = try await waiting.value
        } throws: {
            ($0 as? MillraceError)?.code == .limitExceeded
        }
        #expect(load(transport) == [1, 0])
        door.open()
        _ = try await blocking.value
        #expect(load(transport) == [0, 0])
    }

    @Test func cancelledWhileQueued_leavesAtOnce() async throws {
        let door = Door()
        let base = ScriptedTransport(.wait(door), .respond(200))
        let transport = try transport(base)
        let blocking = start(transport)
        await base.attempts(1)
        let (first, second) = (start(transport), start(transport))
        await clock.sleepers(2)
        first.cancel()
        await #expect(throws: CancellationError.self) { try await first.value }
        #expect(load(transport) == [1, 1])
        door.open()
        #expect(try await second.value == 200)
        _ = try await blocking.value
        #expect(base.attempts == 2)
        #expect(load(transport) == [0, 0])
    }

    @Test func cancelledWhileBackingOff_endsWithoutAPermit() async throws {
        let base = ScriptedTransport(.respond(503), .respond(200))
        let transport = try transport(base)
        let task = start(transport)
        await clock.sleepers(1)
        // It sleeps without a permit, so that another request passes.
        #expect(clock.requested == [.milliseconds(500)] && load(transport) == [0, 0])
        #expect(try await start(transport).value == 200)
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(base.attempts == 2)
    }

    @Test func cancelledWhileUnderWay_givesThePermitBackAndIsNotRetried() async throws {
        let base = ScriptedTransport(.hang)
        let transport = try transport(base)
        let task = start(transport)
        await base.attempts(1)
        #expect(load(transport) == [1, 0])
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(base.attempts == 1 && load(transport) == [0, 0])
    }

    @Test func aTaskThatIsCancelledAlready_sendsNothing() async throws {
        let base = ScriptedTransport(.respond(200))
        let transport = try transport(base)
        let task = Task { [get] in
            withUnsafeCurrentTask { $0?.cancel() }
            try await transport.exchange(get) { _ in }
        }
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(base.attempts == 0 && load(transport) == [0, 0])
    }

    /// Real threads: cancellations race with hand-overs and expiries of every kind.
    @Test(arguments: 0..<20) func cancellationsThatRace_loseNoPermit(seed: UInt64) async throws {
        let base = ScriptedTransport(.respond(200, body: [.bytes("a"), .bytes("b")]))
        let transport = try transport(base, exchanges: 3, queue: 40)
        var generator = SeededGenerator(seed)
        var tasks: [Task<Void, any Error>] = []
        for _ in 0..<200 {
            let yields = Int.random(in: 0..<6, using: &generator)
            tasks.append(
                Task { [get] in
                    try await transport.exchange(get) { response in
                        while try await response.read({ _ in }) { for _ in 0..<yields { await Task.yield() } }
                    }
                })
            if Int.random(in: 0..<3, using: &generator) == 0, let victim = tasks.randomElement(using: &generator) { victim.cancel() }
            if Int.random(in: 0..<8, using: &generator) == 0 { clock.advance(by: .seconds(20)) }
            if Int.random(in: 0..<4, using: &generator) == 0 { await Task.yield() }
        }
        for task in tasks { _ = await task.result }
        #expect(base.mostUnderWay <= 3)
        #expect(base.underWay == 0 && clock.sleepers == 0)
        #expect(load(transport) == [0, 0])
    }
}
