import Millrace
import MillraceCore
import MillraceCounterparts
import Testing

@testable import MillraceBackends

@Suite(.ownThreads) struct MemoryCacheTests {
    @Test func value_isGivenUntilItsTimeIsOver() async throws {
        let time = ManualTime()
        let cache = MemoryCache(time: time.source)
        try await cache.set([1], for: "k", expiresIn: .seconds(10))
        try await cache.set([2], for: "ever", expiresIn: nil)
        time.advance(.seconds(10) - .nanoseconds(1))
        #expect(try await cache.value(for: "k") == [1])
        time.advance(.nanoseconds(1))
        #expect(try await cache.value(for: "k") == nil)
        time.advance(.seconds(1_000_000))
        #expect(try await cache.value(for: "ever") == [2])
    }

    private func keys(_ table: inout MemoryCacheTable, _ names: String) -> String {
        names.filter { table.value(for: Array(String($0).utf8), at: 0) != nil }
    }

    @Test func entriesBeyondTheLimit_pushOutTheOneUsedLongestAgo() {
        var table = MemoryCacheTable(byteLimit: 1 << 20, entryLimit: 3, valueByteLimit: 1000)
        for name in "abc".utf8 { table.set([name], for: [name], expiresIn: nil, at: 0) }
        _ = table.value(for: Array("a".utf8), at: 0)
        table.set([9], for: Array("b".utf8), expiresIn: nil, at: 0)
        table.set([1], for: Array("d".utf8), expiresIn: nil, at: 0)
        #expect(table.count == 3)
        #expect(keys(&table, "abcd") == "abd")
        table.set([1], for: Array("e".utf8), expiresIn: nil, at: 0)
        #expect(keys(&table, "abcde") == "bde")
    }

    @Test func bytesAtTheLimit_areKept_andBeyondItPushOut() {
        let cost = MemoryCacheTable.overhead + 1 + 100
        var table = MemoryCacheTable(byteLimit: 3 * cost, entryLimit: 100, valueByteLimit: 1000)
        let value = [UInt8](repeating: 0, count: 100)
        for name in "abc".utf8 { table.set(value, for: [name], expiresIn: nil, at: 0) }
        #expect(table.byteCount == 3 * cost)
        #expect(table.count == 3)
        table.set(value + [0], for: Array("d".utf8), expiresIn: nil, at: 0)
        #expect(table.count == 2)
        #expect(keys(&table, "abcd") == "cd")
        table.set([UInt8](repeating: 0, count: 500), for: Array("e".utf8), expiresIn: nil, at: 0)
        #expect(keys(&table, "cde") == "e")
        // What can never fit costs nobody else its place.
        table.set([UInt8](repeating: 0, count: 999), for: Array("f".utf8), expiresIn: nil, at: 0)
        #expect(keys(&table, "ef") == "e")
        table.removeAll()
        #expect(table.byteCount == 0 && table.count == 0)
    }

    /// Against a list that is sorted by use.
    @Test func index_ofRandomSteps_agreesWithASimpleModel() {
        var generator = SplitMix(state: 42)
        var index = LRUIndex<Int, Int>()
        var model: [(key: Int, value: Int, cost: Int)] = []
        for step in 0..<4000 {
            let key = Int.random(in: 0..<12, using: &generator)
            let place = model.firstIndex { $0.key == key }
            switch Int.random(in: 0..<6, using: &generator) {
            case 0, 1:
                if let place { model.remove(at: place) }
                let cost = Int.random(in: 0..<9, using: &generator)
                model.append((key, step, cost))
                index.insert(key, step, cost: cost)
            case 2:
                if let place { model.append(model.remove(at: place)) }
                #expect(index.use(key) == (place == nil ? nil : model.last?.value))
            case 3: #expect(index.remove(key) == place.map { model.remove(at: $0).value })
            case 4:
                if place == nil { model.insert((key, step, 3), at: 0) }
                index.insertOldest(key, step, cost: 3)
            default: #expect(index.removeOldest()?.key == (model.isEmpty ? nil : model.removeFirst().key))
            }
            #expect(index.count == model.count)
            #expect(index.cost == model.reduce(0) { $0 + $1.cost })
        }
        while let oldest = index.removeOldest() { #expect(oldest.key == model.removeFirst().key) }
        #expect(model.isEmpty)
    }
}

private struct SplitMix: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
