import Testing

@testable import MillraceHTTPClient

@Suite struct RetryBudgetTests {
    private let second: Int64 = 1_000_000_000

    private func budget(perRequest: Double = 0.2, perSecond: Double = 1, burst: Int = 3, now: Int64 = 0) -> RetryBudget {
        var settings = HTTPPolicySettings.Budget()
        settings.retriesPerRequest = perRequest
        settings.retriesPerSecond = perSecond
        settings.burst = burst
        return RetryBudget(settings, now: now)
    }

    private func spend(_ budget: inout RetryBudget, at now: Int64) -> Int {
        var count = 0
        while budget.retryWanted(now: now) { count += 1 }
        return count
    }

    @Test func aNewBudget_hasItsBurst() {
        var budget = budget(burst: 3)
        #expect(spend(&budget, at: 0) == 3)
    }

    @Test func fiveRequests_payForOneRetry() {
        var budget = budget()
        _ = spend(&budget, at: 0)
        for _ in 0..<4 { budget.requestArrived() }
        #expect(budget.retryWanted(now: 0) == false)
        budget.requestArrived()
        #expect(budget.retryWanted(now: 0) == true)
        #expect(budget.retryWanted(now: 0) == false)
    }

    @Test func aSecond_paysForOneRetry() {
        var budget = budget()
        _ = spend(&budget, at: 0)
        #expect(budget.retryWanted(now: second - 1) == false)
        #expect(budget.retryWanted(now: second) == true)
        #expect(budget.retryWanted(now: second) == false)
    }

    @Test func whatIsSaved_isBounded() {
        var budget = budget(burst: 3)
        for _ in 0..<1000 { budget.requestArrived() }
        #expect(spend(&budget, at: 1000 * second) == 3)
        #expect(spend(&budget, at: .max) == 3)
    }

    @Test func aClockThatGoesBack_addsNothing() {
        var budget = budget(now: 10 * second)
        _ = spend(&budget, at: 10 * second)
        #expect(budget.retryWanted(now: 0) == false)
        #expect(budget.retryWanted(now: 10 * second) == false)
    }

    @Test func nothingAllowed_isNothing() {
        var budget = budget(perRequest: 0, perSecond: 0, burst: 0)
        for _ in 0..<100 { budget.requestArrived() }
        #expect(budget.retryWanted(now: 100 * second) == false)
    }

    /// The promise of the type's comment, over random traffic in which everything fails.
    @Test(arguments: 0..<20) func anyTraffic_getsNoMoreThanItsShare(seed: UInt64) {
        var generator = SeededGenerator(seed)
        var budget = budget(burst: 5)
        var (now, requests, retries): (Int64, Int, Int) = (0, 0, 0)
        for _ in 0..<3000 {
            now += Int64.random(in: 0...20_000_000, using: &generator)
            if Bool.random(using: &generator) {
                budget.requestArrived()
                requests += 1
            } else if budget.retryWanted(now: now) {
                retries += 1
            }
            let share = 5 + 0.2 * Double(requests) + Double(now) / Double(second)
            #expect(Double(retries) <= share + 1e-6)
        }
        // And not much less, or the budget would be worth nothing.
        #expect(Double(retries) >= 0.2 * Double(requests) + Double(now) / Double(second) - 2)
    }
}
