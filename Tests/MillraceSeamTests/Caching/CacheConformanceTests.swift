import Millrace
import MillraceCore
import MillraceCounterparts
import Testing

/// What every cache promises.
@Suite(.ownThreads) struct CacheConformanceTests {
    @Test(arguments: CacheKind.allCases) func value_thatWasSet_isGivenReplacedAndRemoved(_ kind: CacheKind) async throws {
        try await kind.withCache { cache in
            #expect(try await cache.value(for: "k") == nil)
            try await cache.set([1, 2, 3], for: "k", expiresIn: nil)
            #expect(try await cache.value(for: "k") == [1, 2, 3])
            try await cache.set([4], for: "k", expiresIn: .seconds(3600))
            #expect(try await cache.value(for: "k") == [4])
            try await cache.remove("k")
            try await cache.remove("k")
            #expect(try await cache.value(for: "k") == nil)
        }
    }

    @Test(arguments: CacheKind.allCases) func value_ofAnyBytes_comesBack(_ kind: CacheKind) async throws {
        try await kind.withCache { cache in
            let all = (0...255).map { UInt8($0) }
            let values: [[UInt8]] = [[], [0], [10, 13, 10], all, Array(all.reversed()), Array("$-1\r\n*1\r\n".utf8)]
            for (index, value) in values.enumerated() {
                try await cache.set(value, for: "v\(index)", expiresIn: nil)
                #expect(try await cache.value(for: "v\(index)") == value, "value \(index)")
            }
        }
    }

    @Test(arguments: CacheKind.allCases) func value_atItsLimit_isKept_andBeyondItNotEvenTheOldOne(_ kind: CacheKind) async throws {
        try await kind.withCache { cache in
            let longest = (0..<(1 << 20)).map { UInt8(truncatingIfNeeded: $0 &* 7) }
            try await cache.set(longest, for: "k", expiresIn: .seconds(100))
            #expect(try await cache.value(for: "k") == longest)
            try await cache.set(longest + [0], for: "k", expiresIn: .seconds(100))
            #expect(try await cache.value(for: "k") == nil)
        }
    }

    @Test(arguments: CacheKind.allCases) func key_ofAnyText_isAKeyOfItsOwn(_ kind: CacheKind) async throws {
        try await kind.withCache { cache in
            let keys = [
                "a", "A", " ", "a ", "a\n", "a\r\nb", "a\u{0}b", "*", "?", "[a]", "\\", "a*", "../../etc/passwd", "/", ".", "ключ", "👩‍🚀",
                // Equal to Swift, and two keys all the same.
                "\u{E9}", "e\u{301}", String(repeating: "k", count: 1024), String(repeating: "ü", count: 512),
            ]
            for (index, key) in keys.enumerated() { try await cache.set([UInt8(index)], for: key, expiresIn: nil) }
            for (index, key) in keys.enumerated() { #expect(try await cache.value(for: key) == [UInt8(index)], "key \(index)") }
            try await cache.remove("*")
            #expect(try await cache.value(for: "*") == nil)
            #expect(try await cache.value(for: "a*") != nil)
        }
    }

    @Test(arguments: CacheKind.allCases) func key_emptyOrTooLong_isRefused(_ kind: CacheKind) async throws {
        try await kind.withCache { cache in
            for key in ["", String(repeating: "k", count: 1025), String(repeating: "ü", count: 512) + "x"] {
                for attempt in [
                    { _ = try await cache.value(for: key) }, { try await cache.set([1], for: key, expiresIn: nil) },
                    { try await cache.remove(key) },
                ] as [() async throws -> Void] {
                    await #expect { try await attempt() } throws: { ($0 as? MillraceError)?.code == .invalidInput }
                }
            }
        }
    }

    @Test(arguments: CacheKind.allCases) func value_withoutTimeToLive_isNotKept(_ kind: CacheKind) async throws {
        try await kind.withCache { cache in
            for expiresIn in [Duration.zero, .seconds(-1)] {
                try await cache.set([1], for: "k", expiresIn: nil)
                try await cache.set([2], for: "k", expiresIn: expiresIn)
                #expect(try await cache.value(for: "k") == nil)
            }
            // Longer than any clock counts.
            try await cache.set([3], for: "k", expiresIn: .seconds(Int64.max))
            #expect(try await cache.value(for: "k") == [3])
        }
    }

    @Test(arguments: CacheKind.allCases) func value_thatExpiresInAMoment_goes(_ kind: CacheKind) async throws {
        try await kind.withCache { cache in
            try await cache.set([1], for: "k", expiresIn: .milliseconds(30))
            try await cache.set([2], for: "other", expiresIn: .seconds(1000))
            let start = ContinuousClock.now
            while try await cache.value(for: "k") != nil, start.duration(to: .now) < .seconds(30) { await Task.yield() }
            #expect(start.duration(to: .now) < .seconds(30))
            #expect(try await cache.value(for: "other") == [2])
        }
    }

    @Test(arguments: CacheKind.allCases) func removeAll_dropsEverything(_ kind: CacheKind) async throws {
        try await kind.withCache { cache in
            // More than fit a page of anything.
            for index in 0..<1200 { try await cache.set([1], for: "key \(index)", expiresIn: index % 2 == 0 ? nil : .seconds(100)) }
            try await cache.removeAll()
            for index in 0..<1200 { #expect(try await cache.value(for: "key \(index)") == nil) }
            try await cache.removeAll()
            try await cache.set([2], for: "key 1", expiresIn: nil)
            #expect(try await cache.value(for: "key 1") == [2])
        }
    }

    @Test(arguments: CacheKind.allCases) func callers_atTheSameTime_seeWholeValues(_ kind: CacheKind) async throws {
        try await kind.withCache { cache in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for worker in 0..<16 {
                    group.addTask {
                        for round in 0..<30 {
                            let key = "shared \(round % 5)"
                            try await cache.set(Array(repeating: UInt8(worker), count: 3000 + worker), for: key, expiresIn: .seconds(100))
                            guard let value = try await cache.value(for: key) else { continue }
                            #expect(Set(value).count == 1)
                            #expect(value.count == 3000 + Int(value[0]))
                            if round % 7 == worker % 7 { try await cache.remove(key) }
                        }
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    @Test(arguments: CacheKind.allCases) func caller_whoIsCancelled_getsNothing(_ kind: CacheKind) async throws {
        try await kind.withCache { cache in
            try await cache.set([1], for: "k", expiresIn: nil)
            let task = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                return try await cache.value(for: "k")
            }
            await #expect(throws: CancellationError.self) { try await task.value }
            #expect(try await cache.value(for: "k") == [1])
        }
    }
}
