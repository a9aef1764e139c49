import FoundationEssentials
import Glibc
import Millrace
import MillraceBackends
import MillraceCore
import MillraceCounterparts
import Testing

/// What is the directory's own: its files, crashes, links, full disks.
@Suite(.ownThreads) struct DirectoryObjectStoreTests {
    private static func withStore(
        path: String? = nil, durability: DirectoryObjectStore.Durability = .full,
        _ body: (DirectoryObjectStore, _ path: String) async throws -> Void
    ) async throws {
        let directory = try TemporaryDirectory()
        let path = path ?? directory.path + "/store"
        let executor = try BlockingExecutor(name: "objects", threads: 4)
        defer { executor.stop() }
        try await body(try DirectoryObjectStore(path: path, executor: executor, durability: durability), path)
    }

    private static func files(_ path: String) -> [String] { ((try? FileManager.default.subpathsOfDirectory(atPath: path)) ?? []).sorted() }

    @Test func keys_becomeNames_thatDifferAlsoWithoutCase() async throws {
        try await Self.withStore { store, path in
            for key in ["Report", "report", "a/b", "..", "é", "a/"] { try await store.put(key, .bytes([1])) }
            #expect(
                Self.files(path + "/objects") == ["%52eport=", "%c3%a9=", "..=", "a+", "a+/=", "a+/b=", "report="])
        }
    }

    @Test func deletion_leavesNoEmptyDirectories() async throws {
        try await Self.withStore { store, path in
            for key in ["a/b/c", "a/d", String(repeating: "x", count: 300)] { try await store.put(key, .bytes([1])) }
            try await store.delete("a/b/c")
            #expect(Self.files(path + "/objects").filter { $0.hasPrefix("a") } == ["a+", "a+/d="])
            try await store.delete("a/d")
            try await store.delete(String(repeating: "x", count: 300))
            #expect(Self.files(path + "/objects") == [])
            #expect(Self.files(path + "/incoming") == [])
        }
    }

    @Test func aRefusedCondition_leavesNothingBehind() async throws {
        try await Self.withStore { store, path in
            let wrong = ObjectPutOptions(condition: .matches(entityTag: "x"))
            #expect(await code { _ = try await store.put("new/deep", .bytes([1]), options: wrong) } == .conflict)
            #expect(Self.files(path) == ["incoming", "lock", "objects"])
        }
    }

    @Test func theNextStart_removesWhatACrashLeft_andKeepsWhatOthersWrite() async throws {
        try await Self.withStore { store, path in
            let gate = AsyncStream<Void>.makeStream()
            let isWaiting = AsyncStream<Void>.makeStream()
            let left = Locked(2)
            async let running = store.put(
                "slow",
                .stream(length: nil) {
                    let count = left.withLock { left in
                        left -= 1
                        return left
                    }
                    if count == 1 { return [1, 2, 3] }
                    isWaiting.continuation.yield()
                    for await _ in gate.stream { break }
                    return nil
                })
            for await _ in isWaiting.stream { break }
            try Data([9, 9]).write(to: URL(filePath: path + "/incoming/put_left"))
            #expect(Self.files(path + "/incoming").count == 2)
            try await Self.withStore(path: path) { second, _ in
                #expect(Self.files(path + "/incoming").count == 1)
                let unfinished = try await second.head("slow")
                #expect(unfinished == nil)
            }
            gate.continuation.yield()
            #expect(try await running.length == 3)
            #expect(try await store.bytes("slow", limit: 9) == [1, 2, 3])
        }
    }

    @Test func links_areNotFollowed() async throws {
        try await Self.withStore { store, path in
            let outside = try TemporaryDirectory()
            try Data([1]).write(to: URL(filePath: outside.path + "/secret="))
            #expect(symlink(outside.path, path + "/objects/away+") == 0)
            #expect(symlink(outside.path + "/secret=", path + "/objects/link=") == 0)
            #expect(try await store.head("away/secret") == nil)
            #expect(try await store.head("link") == nil)
            #expect(try await store.list(prefix: "", after: nil, limit: 9).objects == [])
            #expect(await code { try await store.put("away/new", .bytes([1])) } == .storageUnavailable)
            #expect(Self.files(outside.path) == ["secret="])
            // A link in an object's place is replaced, not written through.
            try await store.put("link", .bytes([2]))
            #expect(try await store.bytes("link", limit: 9) == [2])
            #expect(FileManager.default.contents(atPath: outside.path + "/secret=") == Data([1]))
        }
    }

    /// Each byte of the content changed, the file cut at each place: never another content, always an error.
    @Test func aDamagedFile_isNoticed() async throws {
        try await Self.withStore(durability: .normal) { store, path in
            try await store.put("x", .bytes(Array("content".utf8)))
            let file = path + "/objects/x="
            let whole = try #require(FileManager.default.contents(atPath: file))
            for index in 0..<7 {
                var damaged = whole
                damaged[index] ^= 1
                try damaged.write(to: URL(filePath: file))
                #expect(await code { _ = try await store.bytes("x", limit: 99) } == .storageUnavailable)
            }
            for count in 0..<whole.count {
                try whole.prefix(count).write(to: URL(filePath: file))
                #expect(await code { _ = try await store.bytes("x", limit: 99) } == .storageUnavailable)
                #expect(try await store.list(prefix: "", after: nil, limit: 9).objects == [])
            }
            try await store.put("x", .bytes([1]))
            #expect(try await store.bytes("x", limit: 9) == [1])
        }
    }

    @Test func filesOfOthers_areLeftAlone() async throws {
        try await Self.withStore { store, path in
            for name in ["README", "Upper=", "a%2fb=", "a%41=", "%zz=", "x="] {
                try Data("not ours".utf8).write(to: URL(filePath: path + "/objects/" + name))
            }
            #expect(mkfifo(path + "/objects/pipe=", 0o600) == 0)
            #expect(try await store.list(prefix: "", after: nil, limit: 9).objects == [])
            #expect(try await store.head("pipe") == nil)
            #expect(await code { _ = try await store.head("x") } == .storageUnavailable)
        }
    }

    @Test func theLongestKeys_fit() async throws {
        try await Self.withStore(durability: .normal) { store, _ in
            let keys = [
                String(repeating: "/", count: 1024), String(repeating: "A", count: 1024), String(repeating: "🐟", count: 256),
                String(repeating: "a/", count: 512), String(repeating: "x", count: 80), String(repeating: "x", count: 79),
                String(repeating: "x", count: 160), String(repeating: "x", count: 80) + "/",
            ]
            for key in keys { try await store.put(key, .bytes([1])) }
            let listed = try await store.list(prefix: "", after: nil, limit: 100).objects.map { Array($0.key.utf8) }
            #expect(listed == keys.map { Array($0.utf8) }.sorted { $0.lexicographicallyPrecedes($1) })
            for key in keys { try await store.delete(key) }
            #expect(try await store.list(prefix: "", after: nil, limit: 100).objects == [])
        }
    }

    /// Random keys of few letters, so that they begin alike, against a sorted array.
    @Test func lists_ofRandomKeys_areInOrder() async throws {
        try await Self.withStore(durability: .normal) { store, _ in
            var generator = SeededGenerator(state: 7)
            let letters = ["a", "/", ".", "b", "!", "0", "é", String(repeating: "q", count: 79)]
            var keys: Set<[UInt8]> = []
            for _ in 0..<150 {
                let key = (0..<Int.random(in: 1...6, using: &generator)).map { _ in letters.randomElement(using: &generator) ?? "a" }
                    .joined()
                keys.insert(Array(key.utf8))
                try await store.put(key, .bytes([1]))
            }
            let sorted = keys.sorted { $0.lexicographicallyPrecedes($1) }
            for _ in 0..<60 {
                let prefix = Array(sorted.randomElement(using: &generator)?.prefix(Int.random(in: 0...3, using: &generator)) ?? [])
                guard let prefixText = String(validating: prefix, as: UTF8.self) else { continue }
                let after = Bool.random(using: &generator) ? sorted.randomElement(using: &generator) : nil
                let limit = Int.random(in: 1...40, using: &generator)
                let page = try await store.list(prefix: prefixText, after: after.map { String(decoding: $0, as: UTF8.self) }, limit: limit)
                let expected = sorted.filter { key in
                    key.starts(with: prefix) && (after.map { $0.lexicographicallyPrecedes(key) } ?? true)
                }
                #expect(page.objects.map { Array($0.key.utf8) } == Array(expected.prefix(limit)))
                #expect(page.hasMore == (expected.count > limit))
            }
        }
    }

    /// A file system of 1 MiB, where the machine lets us mount one.
    @Test func aFullDisk_isStorageFull_andLeavesTheOldObject() async throws {
        let directory = try TemporaryDirectory()
        guard mount("none", directory.path, "tmpfs", 0, "size=1m") == 0 else {
            // Not by CI's rule of missing counterparts: an unprivileged machine cannot have one.
            return print("LEFT OUT: a full disk: mounting needs root")
        }
        defer { umount2(directory.path, Int32(MNT_DETACH)) }
        try await Self.withStore(path: directory.path + "/store") { store, path in
            try await store.put("x", .bytes([1]))
            #expect(await code { try await store.put("x", .bytes(pattern(2 << 20))) } == .storageFull)
            #expect(try await store.bytes("x", limit: 9) == [1])
            #expect(Self.files(path + "/incoming") == [])
            try await store.put("y", .bytes(pattern(500_000)))
        }
    }

    @Test func aPathThatIsNoDirectory_isAConfigurationError() async throws {
        let directory = try TemporaryDirectory()
        let executor = try BlockingExecutor(name: "objects", threads: 1)
        defer { executor.stop() }
        try Data().write(to: URL(filePath: directory.path + "/file"))
        for path in [directory.path + "/file", directory.path + "/none/deeper", "/proc/none"] {
            #expect(throws: MillraceError.self) { try DirectoryObjectStore(path: path, executor: executor) }
        }
    }
}

/// SplitMix64 (Sebastiano Vigna): the same numbers in every run.
private struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
