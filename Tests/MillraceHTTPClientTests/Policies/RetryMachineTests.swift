import MillraceCore
import Testing

@testable import MillraceHTTPClient

@Suite struct RetryMachineTests {
    private let second: Int64 = 1_000_000_000

    private func machine(repeatable: Bool = true, attempts: Int = 1, _ change: (inout HTTPPolicySettings.Retry) -> Void = { _ in })
        -> RetryMachine
    {
        var settings = HTTPPolicySettings.Retry()
        change(&settings)
        var machine = RetryMachine(settings, isRepeatable: repeatable)
        for _ in 0..<attempts { machine.attemptStarted() }
        return machine
    }

    @Test(arguments: 100...599) func aStatus_isRetriedWhenTheSettingsNameIt(status: Int) {
        var machine = machine()
        var generator = ConstantGenerator.lowest
        let action = machine.responseArrived(status: status, retryAfter: nil, shouldRetry: nil, canResend: true, using: &generator)
        #expect((action != .handOn) == [408, 409, 425, 429, 500, 502, 503, 504, 529].contains(status))
    }

    @Test(arguments: [
        (429, false, false), (400, true, true), (200, true, false), (302, true, false), (503, true, true), (501, false, false),
    ])
    func shouldRetry_overrulesTheStatusOfErrorsOnly(status: Int, says: Bool, retries: Bool) {
        var machine = machine()
        var generator = ConstantGenerator.lowest
        let action = machine.responseArrived(status: status, retryAfter: nil, shouldRetry: says, canResend: true, using: &generator)
        #expect((action != .handOn) == retries)
    }

    @Test(arguments: [
        (ErrorCode.unreachable, true, true, true), (.unreachable, false, true, true), (.unreachable, true, false, false),
        (.connectionLost, true, true, true), (.connectionLost, false, true, false), (.connectionLost, true, false, false),
        (.timeout, true, true, true), (.timeout, false, true, false), (.limitExceeded, true, true, false), (.system, true, true, false),
        (.invalidInput, true, false, false), (.circuitOpen, true, true, false),
    ])
    func aTransportsError_isRetriedByItsCode(code: ErrorCode, repeatable: Bool, retryable: Bool, retries: Bool) {
        var machine = machine(repeatable: repeatable)
        var generator = ConstantGenerator.lowest
        let action = machine.attemptFailed(MillraceError(code, "", isRetryable: retryable), canResend: true, using: &generator)
        #expect((action != .handOn) == retries)
    }

    @Test func aBodyThatCannotBeSentAgain_isNotRetried() {
        var generator = ConstantGenerator.lowest
        var first = machine()
        #expect(first.responseArrived(status: 503, retryAfter: nil, shouldRetry: true, canResend: false, using: &generator) == .handOn)
        var second = machine()
        #expect(second.attemptFailed(MillraceError(.unreachable, "", isRetryable: true), canResend: false, using: &generator) == .handOn)
    }

    /// min(cap, base · 2^retries) with base 0.5 s and cap 8 s.
    @Test(arguments: zip(1...7, [500, 1000, 2000, 4000, 8000, 8000, 8000]))
    func theLongestWait_doublesUpToTheCap(attempt: Int, milliseconds: Int64) {
        var machine = machine(attempts: attempt) { $0.attempts = 10 }
        var highest = ConstantGenerator.highest
        let most = machine.responseArrived(status: 503, retryAfter: nil, shouldRetry: nil, canResend: true, using: &highest)
        #expect(most == .retry(afterNanoseconds: milliseconds * 1_000_000))
        var lowest = ConstantGenerator.lowest
        let least = machine.responseArrived(status: 503, retryAfter: nil, shouldRetry: nil, canResend: true, using: &lowest)
        #expect(least == .retry(afterNanoseconds: 0))
    }

    @Test func theWait_isSpreadOverItsWholeRange() {
        var machine = machine(attempts: 2)
        var generator = SeededGenerator(7)
        var fifths: [Int64: Int] = [:]
        for _ in 0..<5000 {
            let action = machine.responseArrived(status: 503, retryAfter: nil, shouldRetry: nil, canResend: true, using: &generator)
            guard case .retry(let wait) = action else {
                Issue.record("no retry")
                return
            }
            fifths[min(wait / (second / 5), 4), default: 0] += 1
        }
        #expect(fifths.count == 5 && fifths.values.allSatisfy { 850...1150 ~= $0 })
    }

    @Test func theLastAttempt_isHandedOn() {
        var generator = ConstantGenerator.lowest
        var second = machine(attempts: 2)
        #expect(second.responseArrived(status: 503, retryAfter: nil, shouldRetry: nil, canResend: true, using: &generator) != .handOn)
        var third = machine(attempts: 3)
        #expect(third.responseArrived(status: 503, retryAfter: nil, shouldRetry: true, canResend: true, using: &generator) == .handOn)
    }

    @Test func retryAfter_isTheLeastWait() {
        var machine = machine()
        let after = RetryAfter(nanoseconds: 3 * second)
        var lowest = ConstantGenerator.lowest
        #expect(
            machine.responseArrived(status: 429, retryAfter: after, shouldRetry: nil, canResend: true, using: &lowest)
                == .retry(afterNanoseconds: 3 * second))
        var highest = ConstantGenerator.highest
        #expect(
            machine.responseArrived(status: 429, retryAfter: after, shouldRetry: nil, canResend: true, using: &highest)
                == .retry(afterNanoseconds: 3 * second + second / 2))
    }

    @Test(arguments: [(30_000_000_000, true), (30_000_000_001, false), (Int64.max, false)])
    func retryAfterBeyondTheLongestWait_isHandedOn(nanoseconds: Int64, retries: Bool) {
        var machine = machine()
        var generator = ConstantGenerator.lowest
        let action = machine.responseArrived(
            status: 429, retryAfter: RetryAfter(nanoseconds: nanoseconds), shouldRetry: nil, canResend: true, using: &generator)
        #expect((action != .handOn) == retries)
    }

    @Test func afterAResponseWasHandedOn_nothingIsRetried() {
        var machine = machine()
        var generator = ConstantGenerator.lowest
        #expect(machine.responseArrived(status: 200, retryAfter: nil, shouldRetry: nil, canResend: true, using: &generator) == .handOn)
        #expect(machine.attemptFailed(MillraceError(.unreachable, "", isRetryable: true), canResend: true, using: &generator) == .handOn)
        var denied = self.machine()
        denied.retryDenied()
        #expect(denied.responseArrived(status: 503, retryAfter: nil, shouldRetry: nil, canResend: true, using: &generator) == .handOn)
    }

    @Test func waitsThatDoNotFit_areClamped() {
        var machine = machine(attempts: 70) {
            $0.attempts = 100
            $0.base = .seconds(Int64.max / 2)
            $0.cap = .seconds(Int64.max / 2)
            $0.longestRetryAfter = .seconds(Int64.max / 2)
        }
        var generator = ConstantGenerator.highest
        let action = machine.responseArrived(
            status: 503, retryAfter: RetryAfter(nanoseconds: .max), shouldRetry: nil, canResend: true, using: &generator)
        #expect(action == .retry(afterNanoseconds: .max))
    }
}
