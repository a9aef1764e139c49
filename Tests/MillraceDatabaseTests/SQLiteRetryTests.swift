import Testing

@testable import MillraceDatabase

@Suite struct SQLiteRetryTests {
    @Test func failures_pauseLongerEachTime_untilThePatienceIsOver() {
        var retry = SQLiteRetry(patience: 1_000_000_000)
        var now: Int64 = 50
        var pauses: [Int64] = []
        while let pause = retry.failed(at: now) {
            pauses.append(pause)
            now += pause
        }
        let expected: [Int64] = [2, 4, 8, 16, 32, 64, 128, 250, 250]
        #expect(pauses.prefix(9).map { $0 / 1_000_000 } == expected)
        #expect(now == 1_000_000_050)
        // A group that queued up meanwhile does not wait the time out again.
        #expect(retry.failed(at: now) == nil)
        retry.reset()
        #expect(retry.failed(at: now) == 2_000_000)
    }
}
