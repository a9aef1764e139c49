import Testing

@testable import MillraceCLI

@Suite struct ReconnectMachineTests {
    @Test func failures_waitLongerAndThenGiveUp() {
        var machine = ReconnectMachine()
        machine.retryReceived(milliseconds: 500)
        let actions = (0..<6).map { _ in machine.connectionEnded() }
        #expect(actions == [500, 1000, 2000, 4000, 8000].map { .reconnect(afterMilliseconds: $0) } + [.giveUp])
    }

    @Test func event_startsTheCountAnew() {
        var machine = ReconnectMachine()
        _ = machine.connectionEnded()
        machine.eventReceived(isTerminal: false)
        #expect(machine.connectionEnded() == .reconnect(afterMilliseconds: 2000))
    }

    @Test func retryZero_reconnectsAtOnceButNotForEver() {
        var machine = ReconnectMachine()
        machine.retryReceived(milliseconds: 0)
        #expect(machine.connectionEnded() == .reconnect(afterMilliseconds: 0))
        #expect(machine.connectionEnded() == .reconnect(afterMilliseconds: 200))
    }

    @Test func wait_isBounded() {
        var machine = ReconnectMachine()
        machine.retryReceived(milliseconds: .max)
        #expect(machine.connectionEnded() == .reconnect(afterMilliseconds: 30_000))
        #expect(machine.connectionEnded() == .reconnect(afterMilliseconds: 30_000))
    }

    @Test func terminalEventOr204_finishes() {
        var machine = ReconnectMachine()
        machine.eventReceived(isTerminal: true)
        #expect(machine.connectionEnded(canRetry: false) == .finish)
        var other = ReconnectMachine()
        other.endReported()
        #expect(other.connectionEnded() == .finish)
    }

    @Test func errorThatRetryingCannotHelp_givesUp() {
        var machine = ReconnectMachine()
        #expect(machine.connectionEnded(canRetry: false) == .giveUp)
    }
}
