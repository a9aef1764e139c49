import Testing

@testable import MillraceHTTPClient

@Suite struct CircuitBreakerTests {
    private let second: Int64 = 1_000_000_000

    private func breaker(window: Int = 4, minimum: Int = 2, rate: Double = 0.5, wait: Duration = .seconds(10), probes: Int = 2)
        -> CircuitBreaker
    {
        var settings = HTTPPolicySettings.Breaker()
        settings.window = window
        settings.minimumCalls = minimum
        settings.failureRate = rate
        settings.openWait = wait
        settings.probes = probes
        return CircuitBreaker(settings)
    }

    private func admitted(_ breaker: inout CircuitBreaker, now: Int64 = 0) throws -> CircuitBreaker.Call {
        guard case .admitted(let call) = breaker.callArrived(now: now) else {
            Issue.record("refused")
            throw CancellationError()
        }
        return call
    }

    private func run(_ breaker: inout CircuitBreaker, fails: Bool, now: Int64 = 0) throws {
        var call = try admitted(&breaker, now: now)
        if fails { breaker.callFailed(&call, now: now) } else { breaker.callSucceeded(&call) }
        breaker.callEnded(call)
    }

    /// One that opened at 0.
    private func opened(probes: Int = 2, rate: Double = 0.5) throws -> CircuitBreaker {
        var breaker = breaker(rate: rate, probes: probes)
        for _ in 0..<2 { try run(&breaker, fails: true) }
        #expect(breaker.state == .open(until: 10 * second))
        return breaker
    }

    // MARK: Closed

    @Test func failuresBelowTheMinimumOfCalls_doNotOpen() throws {
        var breaker = breaker(window: 20, minimum: 10)
        for _ in 0..<9 { try run(&breaker, fails: true) }
        #expect(breaker.state == .closed)
        try run(&breaker, fails: true)
        #expect(breaker.state == .open(until: 10 * second))
    }

    @Test func theRateItself_opensAndLessDoesNot() throws {
        var breaker = breaker(window: 10, minimum: 10)
        for index in 0..<9 { try run(&breaker, fails: index < 4) }
        var exactly = breaker
        try run(&exactly, fails: true)
        #expect(exactly.state != .closed)
        try run(&breaker, fails: false)
        #expect(breaker.state == .closed)
    }

    @Test func oldOutcomes_leaveTheWindow() throws {
        var breaker = breaker(window: 4, minimum: 4, rate: 0.5)
        for fails in [true, false, false, false, false, true, false, false, false, true] { try run(&breaker, fails: fails) }
        #expect(breaker.state == .closed)
        // The failure before the last three makes it two of four only now.
        try run(&breaker, fails: true)
        #expect(breaker.state != .closed)
    }

    @Test func cancelledCalls_countForNothing() throws {
        var breaker = breaker(window: 4, minimum: 2)
        for _ in 0..<100 { breaker.callEnded(try admitted(&breaker)) }
        try run(&breaker, fails: true)
        #expect(breaker.state == .closed)
    }

    @Test func aSuccessThatBreaksOff_isOneFailureAndNoSuccess() throws {
        var breaker = breaker(window: 10, minimum: 2, rate: 1)
        var first = try admitted(&breaker)
        breaker.callSucceeded(&first)
        breaker.callFailed(&first, now: 0)
        breaker.callFailed(&first, now: 0)
        #expect(breaker.state == .closed)
        try run(&breaker, fails: true)
        #expect(breaker.state != .closed)
    }

    @Test func aSuccessThatBreaksOffLate_countsAsANewFailure() throws {
        var breaker = breaker(window: 2, minimum: 2, rate: 0.5)
        var old = try admitted(&breaker)
        breaker.callSucceeded(&old)
        for _ in 0..<2 { try run(&breaker, fails: false) }
        breaker.callFailed(&old, now: 0)
        #expect(breaker.state != .closed)
    }

    // MARK: Open

    @Test func anOpenCircuit_refusesUntilItsTimeHasPassed() throws {
        var breaker = try opened()
        #expect(breaker.callArrived(now: 0) == .refused(retryAfterNanoseconds: 10 * second))
        #expect(breaker.callArrived(now: 10 * second - 1) == .refused(retryAfterNanoseconds: 1))
        #expect(breaker.refusal(now: 10 * second - 1) == 1)
        #expect(breaker.refusal(now: 10 * second) == nil)
        _ = try admitted(&breaker, now: 10 * second)
        #expect(breaker.state == .halfOpen)
    }

    @Test func outcomesOfOldCalls_doNotMoveAnOpenCircuit() throws {
        var breaker = breaker()
        var (slow, slower) = (try admitted(&breaker), try admitted(&breaker))
        for _ in 0..<2 { try run(&breaker, fails: true) }
        breaker.callSucceeded(&slow)
        breaker.callFailed(&slower, now: 5 * second)
        #expect(breaker.state == .open(until: 10 * second))
    }

    // MARK: Half-open

    @Test func aHalfOpenCircuit_letsSoManyProbesThrough() throws {
        var breaker = try opened(probes: 2)
        let probe = try admitted(&breaker, now: 10 * second)
        _ = try admitted(&breaker, now: 10 * second)
        #expect(breaker.callArrived(now: 10 * second) == .refused(retryAfterNanoseconds: CircuitBreaker.probeWaitNanoseconds))
        // One that says nothing makes room for another.
        breaker.callEnded(probe)
        _ = try admitted(&breaker, now: 10 * second)
        #expect(breaker.refusal(now: 10 * second) != nil)
    }

    /// With three probes at 50 %, two decide.
    @Test(arguments: [
        ([true, true], true), ([true, false, true], true), ([false, true, true], true), ([false, false], false),
        ([true, false, false], false),
        ([false, true, false], false),
    ]) func probes_decideAsSoonAsTheResultIsCertain(fails: [Bool], opens: Bool) throws {
        var breaker = try opened(probes: 3)
        for (index, fails) in fails.enumerated() {
            #expect(index == 0 || breaker.state == .halfOpen)
            try run(&breaker, fails: fails, now: 11 * second)
        }
        #expect(breaker.state == (opens ? .open(until: 21 * second) : .closed))
    }

    @Test func atARateOf100Percent_oneGoodProbeCloses() throws {
        var breaker = try opened(probes: 2, rate: 1)
        try run(&breaker, fails: false, now: 10 * second)
        #expect(breaker.state == .closed)
    }

    @Test func outcomesOfOldCalls_areNoProbes() throws {
        var breaker = breaker(probes: 1)
        var (good, bad) = (try admitted(&breaker), try admitted(&breaker))
        for _ in 0..<2 { try run(&breaker, fails: true) }
        var probe = try admitted(&breaker, now: 10 * second)
        breaker.callSucceeded(&good)
        breaker.callFailed(&bad, now: 10 * second)
        breaker.callEnded(try #require(Optional(good)))
        #expect(breaker.state == .halfOpen)
        #expect(breaker.refusal(now: 10 * second) != nil)
        breaker.callSucceeded(&probe)
        #expect(breaker.state == .closed)
    }

    @Test func aProbeThatBreaksOff_isAFailedProbe() throws {
        var breaker = try opened(probes: 2)
        var probe = try admitted(&breaker, now: 10 * second)
        breaker.callSucceeded(&probe)
        #expect(breaker.state == .halfOpen)
        breaker.callFailed(&probe, now: 12 * second)
        #expect(breaker.state == .open(until: 22 * second))
    }

    @Test func afterClosing_theWindowIsEmpty() throws {
        var breaker = try opened(probes: 1)
        try run(&breaker, fails: false, now: 10 * second)
        try run(&breaker, fails: true, now: 10 * second)
        #expect(breaker.state == .closed)
        try run(&breaker, fails: true, now: 10 * second)
        #expect(breaker.state != .closed)
    }

    // MARK: Any order

    /// Probes are bounded, an open circuit lets nothing through early, and a circuit never stays half-open without room once all calls have ended.
    @Test(arguments: 0..<50) func anyInterleaving_keepsThePromises(seed: UInt64) throws {
        var generator = SeededGenerator(seed)
        let probes = Int.random(in: 1...4, using: &generator)
        var breaker = breaker(window: 6, minimum: 3, rate: [0.3, 0.5, 1].randomElement(using: &generator) ?? 1, probes: probes)
        var calls: [(call: CircuitBreaker.Call, reported: Bool, probeOf: Int?)] = []
        var openUntil: Int64 = 0
        var now: Int64 = 0
        var (period, probesOut) = (0, 0)
        for _ in 0..<3000 {
            now += Int64.random(in: 0...second, using: &generator)
            let before = breaker.state
            switch Int.random(in: 0..<5, using: &generator) {
            case 0...1:
                let refusal = breaker.refusal(now: now)
                switch breaker.callArrived(now: now) {
                case .admitted(let call):
                    #expect(refusal == nil)
                    if case .open = before { #expect(now >= openUntil) }
                    if case .open = before {
                        period += 1
                        probesOut = 0
                    }
                    if before != .closed { probesOut += 1 }
                    #expect(probesOut <= probes)
                    calls.append((call, false, before == .closed ? nil : period))
                case .refused(let wait):
                    #expect(refusal == wait && wait > 0 && before != .closed && breaker.state == before)
                }
            case 2 where !calls.isEmpty:
                let index = calls.indices.randomElement(using: &generator) ?? 0
                breaker.callSucceeded(&calls[index].call)
                calls[index].reported = true
            case 3 where !calls.isEmpty:
                let index = calls.indices.randomElement(using: &generator) ?? 0
                breaker.callFailed(&calls[index].call, now: now)
                calls[index].reported = true
            case 4 where !calls.isEmpty:
                let index = calls.indices.randomElement(using: &generator) ?? 0
                breaker.callEnded(calls[index].call)
                let gone = calls.remove(at: index)
                // A report that an open circuit ignored is a report all the same.
                if !gone.reported, gone.probeOf == period { probesOut -= 1 }
            default: break
            }
            if breaker.state != before, case .open(let until) = breaker.state {
                #expect(until == now + 10 * second)
                openUntil = until
            }
        }
        for call in calls { breaker.callEnded(call.call) }
        if breaker.state == .halfOpen { #expect(breaker.refusal(now: now) == nil) }
        if case .open = breaker.state { #expect(breaker.refusal(now: openUntil) == nil) }
    }
}

@Suite struct OutcomeWindowTests {
    /// Against an array of everything that was recorded.
    @Test(arguments: 0..<30) func anyOutcomes_areCountedAsTheNewestOnes(seed: UInt64) {
        var generator = SeededGenerator(seed)
        let size = Int.random(in: 1...8, using: &generator)
        var window = OutcomeWindow(size: size)
        var all: [Bool] = []
        var positions: [OutcomeWindow.Position] = []
        for _ in 0..<300 {
            if Int.random(in: 0..<3, using: &generator) < 2 || all.isEmpty {
                all.append(Bool.random(using: &generator))
                positions.append(window.record(failure: all[all.count - 1]))
            } else {
                let index = Int.random(in: max(0, all.count - 12)..<all.count, using: &generator)
                let isHeld = index >= all.count - size
                #expect(window.correctToFailure(positions[index]) == isHeld)
                if isHeld { all[index] = true }
            }
            #expect(window.count == min(all.count, size))
            #expect(window.failures == all.suffix(size).count { $0 })
        }
    }
}
