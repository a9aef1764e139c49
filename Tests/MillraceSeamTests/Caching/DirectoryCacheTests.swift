import Glibc
import Millrace
import MillraceCore
import MillraceCounterparts
import Testing

@testable import MillraceBackends

@Suite(.ownThreads) struct DirectoryCacheTests {
    private let temporary: TemporaryDirectory
    private let time = ManualTime()
    private var directory: String { temporary.path + "/cache" }

    init() throws { temporary = try TemporaryDirectory() }

    private func cache(byteLimit: Int = 64 << 20, entryLimit: Int = 10_000) throws -> DirectoryCache {
        try DirectoryCache(directory: directory, byteLimit: byteLimit, entryLimit: entryLimit, time: time.source)
    }

    private func place(_ key: String) -> String { directory + "/" + DirectoryCacheEntry.place(of: Array(key.utf8)) }

    private func write(_ bytes: [UInt8], _ path: String) throws { try AtomicFile.write(bytes, to: path, isDurable: false) }

    @Test func value_isGivenUntilItsTimeIsOver_alsoAfterAStart() async throws {
        do {
            let cache = try cache()
            try await cache.set([1], for: "k", expiresIn: .seconds(10))
            try await cache.set([2], for: "ever", expiresIn: nil)
            time.advance(.seconds(10) - .microseconds(1))
            #expect(try await cache.value(for: "k") == [1])
        }
        let cache = try cache()
        #expect(try await cache.value(for: "k") == [1])
        time.advance(.microseconds(1))
        #expect(try await cache.value(for: "k") == nil)
        #expect(!BoundedFile.exists(place("k")))
        #expect(try await cache.value(for: "ever") == [2])
        // A clock that was set back says nothing about the age.
        time.advance(.seconds(-100))
        #expect(try await cache.value(for: "ever") == nil)
    }

    @Test func directory_inUse_isRefused() async throws {
        let first = try cache()
        #expect { try cache() } throws: { ($0 as? MillraceError)?.code == .conflict }
        try await first.set([1], for: "k", expiresIn: nil)
    }

    @Test func directoryThatCannotBeMade_isRefused() throws {
        try write([], temporary.path + "/file")
        #expect { try DirectoryCache(directory: temporary.path + "/file/cache") } throws: { error in
            (error as? MillraceError)?.code == .configuration
        }
    }

    @Test func file_withAnyByteChangedOrCut_isAMissAndGoes() async throws {
        let entry = DirectoryCacheEntry(
            madeAt: Timestamp(microseconds: 1), expiresAt: Timestamp(microseconds: .max), key: Array("k".utf8), value: [1, 2, 3])
        let bytes = entry.encoded
        #expect(DirectoryCacheEntry(parsing: bytes) == entry)
        for position in bytes.indices {
            var changed = bytes
            changed[position] ^= 0x10
            #expect(DirectoryCacheEntry(parsing: changed) == nil, "byte \(position)")
            #expect(DirectoryCacheEntry(parsing: Array(bytes[..<position])) == nil, "cut at \(position)")
        }
        #expect(DirectoryCacheEntry(parsing: bytes + [0]) == nil)
        let cache = try cache()
        for damage in [Array(bytes.dropLast()), [], Array("hello".utf8), bytes + [0], [UInt8](repeating: 7, count: 3 << 20)] {
            try await cache.set([1], for: "k", expiresIn: nil)
            try write(damage, place("k"))
            #expect(try await cache.value(for: "k") == nil)
            #expect(!BoundedFile.exists(place("k")))
        }
        // A whole file of another key.
        try await cache.set([1], for: "k", expiresIn: nil)
        try await cache.set([2], for: "other", expiresIn: nil)
        try write(try BoundedFile.read(place("other"), limit: 1000), place("k"))
        #expect(try await cache.value(for: "k") == nil)
        #expect(try await cache.value(for: "other") == [2])
    }

    @Test func entriesBeyondTheLimits_pushOutTheOneUsedLongestAgo() async throws {
        let cache = try cache(byteLimit: 4 * 4096, entryLimit: 100)
        func keys() -> String {
            var found = ""
            for name in "abcdefg" where BoundedFile.exists(place(String(name))) { found.append(name) }
            return found
        }
        for name in ["a", "b", "c", "d"] { try await cache.set([1], for: name, expiresIn: nil) }
        #expect(keys() == "abcd")
        _ = try await cache.value(for: "a")
        try await cache.set([2], for: "b", expiresIn: nil)
        #expect(keys() == "abcd")
        try await cache.set([1], for: "e", expiresIn: nil)
        #expect(keys() == "abde")
        // Two blocks.
        try await cache.set([UInt8](repeating: 0, count: 4096), for: "f", expiresIn: nil)
        #expect(keys() == "bef")
        try await cache.set([UInt8](repeating: 0, count: 4 * 4096), for: "g", expiresIn: nil)
        #expect(keys() == "bef")
        try await cache.set([UInt8](repeating: 0, count: 4 * 4096 - 65), for: "g", expiresIn: nil)
        #expect(keys() == "g")
    }

    @Test func entryLimit_isKept() async throws {
        let cache = try cache(entryLimit: 3)
        for name in ["a", "b", "c", "d"] { try await cache.set([1], for: name, expiresIn: nil) }
        #expect(["a", "b", "c", "d"].filter { BoundedFile.exists(place($0)) } == ["b", "c", "d"])
    }

    @Test func roomForALongValue_isMadeBitByBit() throws {
        try Directories.make(directory)
        var files = DirectoryCacheFiles(directory: directory, byteLimit: 200 * 4096, entryLimit: 1000, valueByteLimit: 1 << 20)
        let now = Timestamp.now()
        for index in 0..<200 { _ = try files.set([1], for: Array("\(index)".utf8), expiresAt: nil, at: now) }
        #expect(files.count == 200)
        let long = [UInt8](repeating: 0, count: 150 * 4096 - 200)
        #expect(try files.set(long, for: Array("long".utf8), expiresAt: nil, at: now) == false)
        #expect(files.count == 136)
        #expect(try files.set(long, for: Array("long".utf8), expiresAt: nil, at: now) == false)
        #expect(try files.set(long, for: Array("long".utf8), expiresAt: nil, at: now) == true)
        #expect(files.byteCount == 200 * 4096)
        #expect(try files.value(for: Array("long".utf8), at: now) == long)
        #expect(try files.value(for: Array("199".utf8), at: now) == [1])
    }

    @Test func filesOfAnEarlierProcess_areFoundAndGoFirst() async throws {
        do {
            let cache = try cache()
            for index in 0..<50 { try await cache.set([1], for: "old \(index)", expiresIn: nil) }
        }
        // What a crash left.
        let leftover = String(place("old 0").dropLast(3)) + ".part"
        try write([1], leftover)
        let cache = try cache(entryLimit: 60)
        for index in 0..<300 { _ = try await cache.value(for: "miss \(index)") }
        #expect(!BoundedFile.exists(leftover))
        for index in 0..<60 { try await cache.set([2], for: "new \(index)", expiresIn: nil) }
        for index in 0..<50 { #expect(try await cache.value(for: "old \(index)") == nil) }
        for index in 0..<60 { #expect(try await cache.value(for: "new \(index)") == [2]) }
    }

    @Test func directoryThatGoesAway_isAMissAndIsMadeAnew() async throws {
        let log = try LogLines()
        let cache = try DirectoryCache(directory: directory, logger: log.logger, time: time.source)
        try await cache.set([1], for: "k", expiresIn: nil)
        let moved = temporary.path + "/moved"
        #expect(rename(directory, moved) == 0)
        #expect(try await cache.value(for: "k") == nil)
        try await cache.set([2], for: "k", expiresIn: nil)
        #expect(try await cache.value(for: "k") == [2])
        #expect(log.lines.isEmpty)
        // Something else under its name cannot be used.
        #expect(rename(directory, temporary.path + "/moved again") == 0)
        try write([], directory)
        for _ in 0..<20 { try await cache.set([3], for: "k", expiresIn: nil) }
        #expect(try await cache.value(for: "k") == nil)
        #expect(log.lines.count == 1)
        await #expect { try await cache.remove("k") } throws: { ($0 as? MillraceError)?.code == .storageUnavailable }
    }
}
