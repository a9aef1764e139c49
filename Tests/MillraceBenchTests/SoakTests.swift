import Testing

@testable import MillraceBench

@Suite struct SoakMixTests {
    @Test func seed_repeatsTheOrder() {
        func actions(_ seed: UInt64) -> [SoakMix.Action] {
            var mix = SoakMix(seed: seed)
            return (0..<50).map { _ in mix.next() }
        }
        #expect(actions(1) == actions(1) && actions(1) != actions(2))
    }

    @Test func actions_comeByTheirWeights() {
        var mix = SoakMix(seed: 42)
        var counts: [SoakMix.Action: Int] = [:]
        for _ in 0..<10_500 { counts[mix.next(), default: 0] += 1 }
        for (action, weight) in SoakMix.weights {
            let share = Double(counts[action] ?? 0) / 10_500 * Double(SoakMix.weights.reduce(0) { $0 + $1.weight })
            #expect(abs(share - Double(weight)) < 2.5, "\(action)")
        }
        #expect(Set(SoakMix.weights.map(\.action)) == Set(SoakMix.Action.allCases))
    }
}

@Suite struct SoakBoundsTests {
    private static let start = SoakState(
        descriptors: 30, threads: 10, memory: 20 << 20, storeBytes: 100_000, writeAheadBytes: 0, objectBytes: 0, runs: 0)
    private static let base = SoakState(
        descriptors: 34, threads: 16, memory: 40 << 20, storeBytes: 10_100_000, writeAheadBytes: 16 << 20, objectBytes: 0, runs: 10_000)

    private static func broken(_ bounds: SoakBounds = SoakBounds(), _ change: (inout SoakState) -> Void) -> [String] {
        var end = base
        end.runs = 20_000
        end.storeBytes = 20_100_000
        change(&end)
        return bounds.broken(start: start, base: base, end: end)
    }

    @Test func baseLine_isKept() {
        #expect(Self.broken { _ in } == [])
        #expect(
            Self.broken {
                $0.descriptors += 8; $0.threads += 4; $0.memory += 32 << 20
            } == [])
    }

    @Test(
        arguments: [
            ("descriptors", \SoakState.descriptors, 43), ("threads", \.threads, 21), ("memory", \.memory, (72 << 20) + 1024),
            ("write-ahead log", \.writeAheadBytes, 65 << 20), ("uploaded files", \.objectBytes, 1),
            // 1,000 bytes a run before, 7,000 now.
            ("store", \.storeBytes, 80_100_000),
        ] as [(String, any WritableKeyPath<SoakState, Int> & Sendable, Int)])
    func whatGrows_isNamed(name: String, member: any WritableKeyPath<SoakState, Int> & Sendable, value: Int) {
        let broken = Self.broken { $0[keyPath: member] = value }
        #expect(broken.count == 1 && broken[0].hasPrefix("\(name): "), "\(broken)")
    }

    @Test func storeThatForgets_hasALimitInPlaceOfGrowth() {
        var bounds = SoakBounds()
        bounds.storeBytes = 20 << 20
        #expect(Self.broken(bounds) { _ in } == [])
        #expect(Self.broken(bounds) { $0.storeBytes = 21 << 20 }.count == 1)
    }

    @Test func smallBaseLine_mayHaveNoRuns() {
        #expect(SoakBounds.perRun(from: Self.start, to: Self.start) == nil)
        #expect(SoakBounds.perRun(from: Self.start, to: Self.base) == 1000)
    }
}
