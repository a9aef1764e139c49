import Testing

@testable import MillraceHTTPClient

@Suite struct TransferDeadlinesTests {
    private func deadlines(total: Duration? = nil) -> TransferDeadlines {
        var timeouts = HTTPClientTimeouts()
        timeouts.connect = .nanoseconds(10)
        timeouts.firstByte = .nanoseconds(20)
        timeouts.idle = .nanoseconds(5)
        timeouts.total = total
        return TransferDeadlines(timeouts, now: 100)
    }

    @Test func eachPhase_expiresAtItsOwnEdge() {
        var deadlines = deadlines()
        #expect(deadlines.next == 110)
        #expect(deadlines.expired(now: 109) == nil)
        #expect(deadlines.expired(now: 110) == .connect)
        deadlines.connected(now: 105)
        #expect(deadlines.next == 125)
        #expect(deadlines.expired(now: 124) == nil)
        #expect(deadlines.expired(now: 125) == .firstByte)
        deadlines.received(now: 120)
        #expect(deadlines.next == 125, "the head has begun, and may not stop in its middle")
        deadlines.readerEndedToWait()
        #expect(deadlines.next == nil)
        deadlines.readerBeganToWait(now: 130)
        #expect(deadlines.next == 135)
        #expect(deadlines.expired(now: 134) == nil)
        #expect(deadlines.expired(now: 135) == .idle)
        deadlines.received(now: 134)
        #expect(deadlines.next == 139)
        deadlines.readerEndedToWait()
        #expect(deadlines.next == nil)
    }

    @Test func sending_putsTheFirstByteOff() {
        var deadlines = deadlines()
        deadlines.sent(now: 104)
        #expect(deadlines.next == 110)
        deadlines.connected(now: 105)
        deadlines.sent(now: 115)
        #expect(deadlines.next == 135)
    }

    @Test func aSecondConnect_changesNothing() {
        var deadlines = deadlines()
        deadlines.connected(now: 105)
        deadlines.connected(now: 115)
        #expect(deadlines.next == 125)
    }

    @Test func theTotal_endsEveryPhase() {
        var deadlines = deadlines(total: .nanoseconds(7))
        #expect(deadlines.next == 107)
        #expect(deadlines.expired(now: 107) == .total)
        deadlines.received(now: 101)
        deadlines.readerEndedToWait()
        #expect(deadlines.next == 107)
        #expect(deadlines.expired(now: 106) == nil)
    }

    @Test func withoutTimeouts_nothingExpires() {
        var timeouts = HTTPClientTimeouts()
        (timeouts.connect, timeouts.firstByte, timeouts.idle) = (nil, nil, nil)
        var deadlines = TransferDeadlines(timeouts, now: 0)
        #expect(deadlines.next == nil && deadlines.expired(now: .max) == nil)
        deadlines.received(now: 1)
        deadlines.readerBeganToWait(now: 1)
        #expect(deadlines.expired(now: .max) == nil)
    }

    @Test func aDurationPastAllClocks_neverEnds() {
        var timeouts = HTTPClientTimeouts()
        timeouts.connect = .seconds(Int64.max)
        timeouts.total = .seconds(Int64.max)
        let deadlines = TransferDeadlines(timeouts, now: 1 << 60)
        #expect(deadlines.expired(now: 1 << 61) == nil)
        #expect(deadlines.next ?? 0 > 1 << 61)
    }
}
