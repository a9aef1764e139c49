import MillraceCore
import Testing

@testable import MillraceBackends

@Suite struct VectorCacheTests {
    /// What a cache of one-dimensional vectors holds, by row; `nil`: nothing is loaded.
    private static func held(_ cache: VectorCache) -> [Int64: Float]? {
        cache.snapshot.map { snapshot in
            Dictionary(uniqueKeysWithValues: snapshot.matrix.blocks.flatMap { zip($0.rows, $0.values) })
        }
    }

    private static func load(
        _ cache: VectorCache, generation: Int, _ vectors: KeyValuePairs<Int64, Float>, then: () throws(MillraceError) -> Void = {}
    ) throws {
        try cache.load(generation: generation, count: vectors.count) { (body) throws(MillraceError) in
            for (row, value) in vectors { [value].withUnsafeBufferPointer { body(row, $0) } }
            try then()
        }
    }

    private static func changes(_ generation: Int, _ changes: KeyValuePairs<Int64, Float?>) -> VectorChanges {
        VectorChanges(generation: generation, changes: changes.map { .init(row: $0.key, vector: $0.value.map { [$0] }) })
    }

    @Test func changes_areTakenOver() throws {
        let cache = VectorCache(dimensions: 1, memory: VectorMemory(limit: 1000))
        cache.apply(Self.changes(1, [1: 1]))
        #expect(cache.snapshot == nil, "nothing is loaded before a search")
        try Self.load(cache, generation: 1, [1: 1, 2: 2])
        cache.apply(Self.changes(2, [1: nil, 3: 3, 2: 4]))
        #expect(Self.held(cache) == [2: 4, 3: 3] && cache.snapshot?.generation == 2)
        cache.apply(VectorChanges(generation: 3, removesAll: true, changes: []))
        #expect(Self.held(cache) == [:])
    }

    @Test func whatIsCommittedWhileItLoads_isNotLost() throws {
        let cache = VectorCache(dimensions: 1, memory: VectorMemory(limit: 1000))
        try Self.load(cache, generation: 3, [1: 1, 2: 2]) {
            // The transaction that reads has the third commit already.
            cache.apply(Self.changes(3, [2: nil]))
            cache.apply(Self.changes(4, [1: nil, 5: 5]))
        }
        #expect(Self.held(cache) == [2: 2, 5: 5] && cache.snapshot?.generation == 4)
    }

    @Test func transactionOlderThanACommit_isNotLoaded() throws {
        let cache = VectorCache(dimensions: 1, memory: VectorMemory(limit: 1000))
        cache.apply(Self.changes(5, [1: 1]))
        try Self.load(cache, generation: 4, [2: 2])
        #expect(cache.snapshot == nil)
    }

    @Test func memory_isBounded_andGivenBack() throws {
        // Twelve bytes a vector: four of a float, eight of a row.
        let memory = VectorMemory(limit: 40)
        let (a, b) = (VectorCache(dimensions: 1, memory: memory), VectorCache(dimensions: 1, memory: memory))
        try Self.load(a, generation: 0, [1: 1, 2: 2])
        try Self.load(b, generation: 0, [1: 1, 2: 2])
        #expect(a.snapshot != nil && b.snapshot == nil, "no room for the second")
        a.apply(Self.changes(1, [3: 3]))
        #expect(Self.held(a)?.count == 3)
        a.apply(Self.changes(2, [4: 4]))
        #expect(a.snapshot == nil, "it grew beyond the bound")
        try Self.load(b, generation: 0, [1: 1, 2: 2, 3: 3])
        #expect(Self.held(b)?.count == 3)
        b.apply(Self.changes(1, [1: nil, 2: nil]))
        try Self.load(a, generation: 2, [1: 1, 2: 2])
        #expect(Self.held(a)?.count == 2)
        b.drop()
        a.apply(Self.changes(3, [3: 3]))
        #expect(b.snapshot == nil && Self.held(a)?.count == 3)
    }

    @Test func failedOrDroppedLoad_givesItsMemoryBack() throws {
        let memory = VectorMemory(limit: 24)
        let (a, b) = (VectorCache(dimensions: 1, memory: memory), VectorCache(dimensions: 1, memory: memory))
        #expect(throws: MillraceError.self) {
            try Self.load(a, generation: 0, [1: 1, 2: 2]) { () throws(MillraceError) in throw MillraceError(.cancelled, "x") }
        }
        try Self.load(a, generation: 0, [1: 1, 2: 2]) { a.drop() }
        #expect(a.snapshot == nil)
        try Self.load(b, generation: 0, [1: 1, 2: 2])
        #expect(Self.held(b)?.count == 2)
    }
}
