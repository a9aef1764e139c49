import Millrace
import MillraceCounterparts
import Testing

@testable import MillraceBackends

@Suite(.ownThreads) struct SecretCacheTests {
    private func cache(capacity: Int = 100) -> SecretCache {
        SecretCache(SecretCache.Settings(fresh: 100, absent: 10, stale: 50, pause: 5, capacity: capacity))
    }
    private let secret = Secret(value: "v", version: "1")

    @Test func question_untilTheAnswer_isOneFlight() {
        var cache = cache()
        #expect(cache.wanted("a", at: 0) == .ask(1))
        #expect(cache.wanted("a", at: 0) == .ask(1))
        #expect(cache.wanted("b", at: 0) == .ask(2))
        cache.answered("a", 1, secret, at: 5)
        #expect(cache.wanted("a", at: 104) == .give(secret))
        #expect(cache.wanted("a", at: 105) == .ask(3))
        cache.answered("b", 2, nil, at: 5)
        #expect(cache.wanted("b", at: 14) == .refuse)
        #expect(cache.wanted("b", at: 15) == .ask(4))
    }

    @Test func failure_givesTheOldValueUntilItsEnd() {
        var cache = cache()
        _ = cache.wanted("a", at: 0)
        cache.answered("a", 1, secret, at: 0)
        #expect(cache.wanted("a", at: 100) == .ask(2))
        #expect(cache.failed("a", 2, isOutage: true, at: 100) == secret)
        #expect(cache.wanted("a", at: 104) == .give(secret))
        #expect(cache.wanted("a", at: 105) == .ask(3))
        // The pause does not reach beyond the end.
        #expect(cache.failed("a", 3, isOutage: true, at: 148) == secret)
        #expect(cache.wanted("a", at: 150) == .ask(4))
        #expect(cache.failed("a", 4, isOutage: true, at: 150) == nil)
    }

    @Test func refusal_endsWhatIsKnown() {
        var cache = cache()
        _ = cache.wanted("a", at: 0)
        cache.answered("a", 1, secret, at: 0)
        _ = cache.wanted("a", at: 100)
        #expect(cache.failed("a", 2, isOutage: false, at: 100) == nil)
        _ = cache.wanted("a", at: 101)
        #expect(cache.failed("a", 3, isOutage: true, at: 101) == nil)
    }

    @Test func forget_whileAsked_dropsTheAnswerAndTheFlight() {
        var cache = cache()
        #expect(cache.wanted("a", at: 0) == .ask(1))
        cache.forget("a")
        #expect(cache.wanted("a", at: 0) == .ask(2))
        cache.answered("a", 1, secret, at: 0)
        #expect(cache.wanted("a", at: 0) == .ask(2))
        #expect(cache.failed("a", 1, isOutage: true, at: 0) == nil)
        cache.abandoned("a", 1)
        #expect(cache.wanted("a", at: 0) == .ask(2))
        cache.abandoned("a", 2)
        #expect(cache.wanted("a", at: 0) == .ask(3))
    }

    @Test func names_beyondTheCapacity_pushOutTheOneUsedLongestAgo() {
        var cache = cache(capacity: 2)
        for (index, name) in ["a", "b"].enumerated() {
            _ = cache.wanted(name, at: 0)
            cache.answered(name, UInt64(index + 1), secret, at: 0)
        }
        #expect(cache.wanted("a", at: 1) == .give(secret))
        #expect(cache.wanted("c", at: 1) == .ask(3))
        #expect(cache.count == 2)
        #expect(cache.wanted("a", at: 1) == .give(secret))
        #expect(cache.wanted("b", at: 1) == .ask(4))
        #expect(cache.count == 2)
    }
}
