import FoundationEssentials
import Millrace
import MillraceBackends
import MillraceCore
import MillraceCounterparts
import MillraceDatabase
import Synchronization
import Testing

/// What outlives the engine, and what does not.
extension SQLiteSearchEngineTests {
    @Test func reopened_answersAsBefore() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/search.db"
        let engine = try SQLiteSearchEngine(path: path)
        let index = try await engine.index(Self.definition)
        #expect(try await index.write((0..<40).map { Self.note($0, "mill \($0 % 4 == 0 ? "stone" : "")") }) == [])
        try await index.delete(ids: ["7", "8"])
        let before = try await Self.answers(engine)
        await engine.close()
        #expect(!FileManager.default.fileExists(atPath: path + "-wal"), "the log is folded into the file")

        let reopened = try SQLiteSearchEngine(path: path)
        #expect(try await reopened.names() == ["notes"])
        #expect(try await Self.answers(reopened) == before && before[0].total == 38)
        var other = Self.definition
        other.vectorDimensions = 4
        await #expect(throws: MillraceError.self) { _ = try await reopened.index(other) }
        await reopened.close()
    }

    /// With other stems, words would not be found, and those of changed documents would stay.
    @Test func anotherLibstemmer_isNotMixedIn() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/search.db"
        let german = SearchIndexDefinition(name: "de", textFields: [.init("text", analysis: .german)])
        let english = SearchIndexDefinition(name: "en", textFields: [.init("text")])
        /// What the index's row says, before and after `change`.
        func stems(_ name: String, _ change: String = "SELECT 1") throws -> String? {
            let connection = try SQLiteConnection.open(path: path, access: .readWrite, synchronous: .off)
            let session = try SQLiteSession(connection)
            try session.connection.execute(change)
            return try session.first("SELECT stems FROM indexes WHERE name = ?", name) { $0.text(0) } ?? nil
        }
        func opened() async throws {
            let engine = try SQLiteSearchEngine(path: path)
            do {
                for definition in [english, german] { _ = try await engine.index(definition) }
                await engine.close()
            } catch {
                await engine.close()
                throw error
            }
        }
        try await opened()
        let made = try #require(try stems("de"))
        #expect(made.hasPrefix("german:") && made.utf8.count > 12)
        #expect(try stems("en") == nil)
        try await opened()

        // One from before stems were written down takes today's.
        #expect(try stems("de", "UPDATE indexes SET stems = NULL") == nil)
        try await opened()
        #expect(try stems("de") == made)

        #expect(try stems("de", "UPDATE indexes SET stems = 'german:1' WHERE name = 'de'") == "german:1")
        let error = await #expect(throws: MillraceError.self) { try await opened() }
        #expect(error?.code == .conflict && error?.message.contains("another version of libstemmer") == true)

        // It can still be dropped and made anew.
        let engine = try SQLiteSearchEngine(path: path)
        try await engine.drop("de")
        _ = try await engine.index(german)
        await engine.close()
        #expect(try stems("de") == made)
    }

    /// A process that is killed leaves the files as they are: they are copied at each call of SQLite inside a write.
    @Test func killedInsideAWrite_leavesTheOldState() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/search.db"
        let copies = Locked<[String]>([])
        let isCopying = Atomic(false)
        let engine = try SQLiteSearchEngine(path: path, configuration: .init()) { operation in
            guard isCopying.load(ordering: .relaxed) else { return nil }
            let number = copies.withLock { copies in
                copies.append("\(directory.path)/copy-\(copies.count).db")
                return copies.count - 1
            }
            guard operation == .commit || number % 9 == 0 else { return nil }
            for suffix in ["", "-wal"] {
                try? FileManager.default.copyItem(atPath: path + suffix, toPath: "\(directory.path)/copy-\(number).db\(suffix)")
            }
            return nil
        }
        let index = try await engine.index(Self.definition)
        #expect(try await index.write((0..<10).map { Self.note($0) }) == [])
        let before = try await Self.answers(engine)
        isCopying.store(true, ordering: .relaxed)
        #expect(try await index.write((5..<15).map { Self.note($0, "stone") }) == [])
        isCopying.store(false, ordering: .relaxed)
        let after = try await Self.answers(engine)
        await engine.close()
        #expect(before != after)

        let made = copies.withLock { $0 }.filter { FileManager.default.fileExists(atPath: $0) }
        #expect(made.count > 5)
        for copy in made {
            let survivor = try SQLiteSearchEngine(path: copy)
            #expect(try await Self.answers(survivor) == before)
            #expect(try await survivor.index(Self.definition).write((5..<15).map { Self.note($0, "stone") }) == [])
            #expect(try await Self.answers(survivor) == after)
            await survivor.close()
        }
    }

    @Test(
        arguments: [(13, ErrorCode.storageFull, true), (10, .storageUnavailable, true), (8, .storageUnavailable, false)]
            as [(Int32, ErrorCode, Bool)])
    func failedWrite_changesNothing_andSaysWhatToDo(result: Int32, code: ErrorCode, isRetryable: Bool) async throws {
        let directory = try TemporaryDirectory()
        let failing = Atomic(0)
        var configuration = SQLiteSearchEngine.Configuration()
        configuration.patience = 0
        let engine = try SQLiteSearchEngine(path: directory.path + "/search.db", configuration: configuration) { operation in
            switch failing.load(ordering: .relaxed) {
            case 1: operation == .commit ? result : nil
            case 2: operation == .step ? result : nil
            default: nil
            }
        }
        let index = try await engine.index(Self.definition)
        #expect(try await index.write((0..<10).map { Self.note($0) }) == [])
        let before = try await Self.answers(engine)
        for place in [1, 2] {
            failing.store(place, ordering: .relaxed)
            for attempt in 0..<3 {
                do {
                    switch attempt {
                    case 0: _ = try await index.write((5..<15).map { Self.note($0, "stone") })
                    case 1: try await index.delete(where: .all([]))
                    default: try await engine.drop("notes")
                    }
                    Issue.record("the write went through")
                } catch let error as MillraceError {
                    #expect(error.code == code && error.isRetryable == isRetryable)
                }
            }
            #expect(try await Self.answers(engine) == before)
        }
        failing.store(0, ordering: .relaxed)
        #expect(try await index.write((5..<15).map { Self.note($0, "stone") }) == [])
        #expect(try await index.count(where: nil) == 15)
        await engine.close()
    }

    @Test func secondEngineOnAFile_isRefused_untilTheFirstIsClosed() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/search.db"
        let engine = try SQLiteSearchEngine(path: path)
        #expect { _ = try SQLiteSearchEngine(path: path) } throws: { ($0 as? MillraceError)?.code == .conflict }
        await engine.close()
        await engine.close()
        let second = try SQLiteSearchEngine(path: path)
        await #expect { _ = try await engine.names() } throws: { ($0 as? MillraceError)?.code == .serverShutdown }
        await #expect { try await engine.drop("a") } throws: { ($0 as? MillraceError)?.code == .serverShutdown }
        await second.close()
    }

    @Test func fileThatIsNoneOfOurs_isRefusedWithAReason() throws {
        let directory = try TemporaryDirectory()
        #expect { _ = try SQLiteSearchEngine(path: directory.path + "/missing/search.db") } throws: {
            ($0 as? MillraceError)?.code == .storageUnavailable
        }
        let path = directory.path + "/search.db"
        try #require(FileManager.default.createFile(atPath: path, contents: Data(repeating: 0x41, count: 8192)))
        #expect { _ = try SQLiteSearchEngine(path: path) } throws: { ($0 as? MillraceError)?.code == .storageUnavailable }
        let newer = directory.path + "/newer.db"
        try SQLiteSession(.open(path: newer, access: .readWrite)).connection.execute("PRAGMA user_version = 99")
        #expect { _ = try SQLiteSearchEngine(path: newer) } throws: {
            ($0 as? MillraceError)?.message.contains("written by a newer Millrace") == true
        }
    }

    @Test func engineInMemory_leavesNoName() async throws {
        let before = Set(try FileManager.default.contentsOfDirectory(atPath: "/tmp").filter { $0.hasPrefix("millrace-search-") })
        let engine = try SQLiteSearchEngine(path: ":memory:")
        let index = try await engine.index(Self.definition)
        // More than SQLite keeps in its caches.
        let text = (0..<2000).map { "word\($0)" }.joined(separator: " ")
        for batch in 0..<20 { #expect(try await index.write((0..<50).map { Self.note(batch * 50 + $0, text) }) == []) }
        #expect(try await index.search(SearchQuery(text: .match("word77"))).total == 1000)
        let during = Set(try FileManager.default.contentsOfDirectory(atPath: "/tmp").filter { $0.hasPrefix("millrace-search-") })
        await engine.close()
        // Other tests' engines may be between making and removing theirs.
        #expect(during.subtracting(before).allSatisfy { !FileManager.default.fileExists(atPath: "/tmp/\($0)/search.db") })
    }
}
