import FoundationEssentials
import Millrace
import MillraceBackends
import MillraceCore
import MillraceDatabase
import Testing

/// What every store does with what a guardrail takes back of a log.
@Suite struct StoreConformanceRetractions {
    private static func take(_ sequences: ClosedRange<Int>, block: Int? = nil) -> Retraction {
        Retraction(contentBlockIndex: block, firstSequence: sequences.lowerBound, lastSequence: sequences.upperBound)
    }

    /// The texts of a stored log by their sequence; `nil` where there is a tombstone.
    private static func texts(_ store: any Store, after sequence: Int = 0, byteLimit: Int = 1 << 20) async throws -> [Int: String?] {
        var texts: [Int: String?] = [:]
        var cursor = sequence
        while let stretch = try await store.events(of: "r1", after: cursor, byteLimit: byteLimit, principal: .ada), !stretch.frames.isEmpty
        {
            var parser = SSEParser()
            for message in try parser.receive(stretch.frames) {
                cursor += 1
                #expect(message.id == "r1:\(cursor)")
                let data = try JSONValue(parsing: message.data)
                texts.updateValue(data["retracted"] == true ? nil : data["content"]?.string, forKey: cursor)
                if data["retracted"] == true { #expect(data["content"] == "") }
            }
        }
        return texts
    }

    private static func piece(_ sequence: Int) -> String? { "piece \(sequence)" }

    @Test(arguments: StoreKind.allCases)
    func retraction_leavesTombstones_whereverTheEventsAre(kind: StoreKind) async throws {
        try await kind.withStore { store in
            let handle = try await store.start(Fixture.run("r1"))
            // In rows of their own, in one row, and in the batch that comes with it.
            for sequence in 2...4 { try await store.commit(Fixture.append(handle, sequence...sequence)) }
            try await store.commit(Fixture.append(handle, 5...8))
            var last = Fixture.append(handle, 9...11)
            last.retractions = [Self.take(3...5), Self.take(7...9)]
            try await store.commit(last)
            let expected: [Int: String?] = Dictionary(
                uniqueKeysWithValues: (1...11).map { ($0, [3, 4, 5, 7, 8, 9].contains($0) ? nil : Self.piece($0)) })
            #expect(try await Self.texts(store) == expected)
            // Whoever begins within the range, and reads little at a time, gets the rest of it.
            for cursor in 0...10 {
                #expect(try await Self.texts(store, after: cursor, byteLimit: 1) == expected.filter { $0.key > cursor })
            }
            // What was taken back cannot be taken back again.
            var again = Fixture.append(handle, 12...12)
            again.retractions = [Self.take(1...8)]
            try await store.commit(again)
            #expect(try await Self.texts(store).filter { $0.value != nil }.keys.sorted() == [10, 11, 12])
        }
    }

    @Test(arguments: StoreKind.allCases)
    func appendsOfOneCommit_keepTheirRetractionsAndTheirMark(kind: StoreKind) async throws {
        try await kind.withStore { store in
            var new = Fixture.run("r1")
            new.run.judgedSequence = 1
            let handle = try await store.start(new)
            #expect(try await store.run("r1", principal: .ada)?.judgedSequence == 1)
            var second = Fixture.append(handle, 4...5)
            second.retractions = [Self.take(2...3)]
            second.judgedSequence = 5
            try await store.commit(Fixture.append(handle, 2...3), second, Fixture.append(handle, 6...6))
            #expect(try await Self.texts(store).filter { $0.value == nil }.keys.sorted() == [2, 3])
            #expect(try await store.run("r1", principal: .ada)?.judgedSequence == 5)
            #expect(try await store.unfinishedRuns(principal: .system).map(\.record.judgedSequence) == [5])
            // A run that has ended waits for no judgement.
            try await store.commit(Fixture.append(handle, 7...7, completion: Fixture.completion("r1")))
            #expect(try await store.run("r1", principal: .ada)?.judgedSequence == nil)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func retraction_touchesNoOtherRun_andIsAllOrNothing(kind: StoreKind) async throws {
        try await kind.withStore { store in
            let handle = try await store.start(Fixture.run("r1"))
            let other = try await store.start(Fixture.run("r2", chat: "other"))
            try await store.commit(Fixture.append(handle, 2...3), Fixture.append(other, 2...3))
            var taking = Fixture.append(other, 4...4, completion: Fixture.completion("r2", chat: "other"))
            taking.retractions = [Self.take(1...4)]
            try await store.commit(taking)
            #expect(try await Self.texts(store).values.allSatisfy { $0 != nil })
        }
    }
}

/// What the files of a SQLite store hold.
@Suite struct SQLiteRetractionTests {
    private static let secret = "Zx9-secret-Qw7"

    private static func append(_ handle: RunHandle, _ sequence: Int, _ text: String) -> RunAppend {
        var frames = ByteBuffer()
        frames.append("event: content\nid: r1:\(sequence)\ndata: {\"content\":\"\(text)\"}\n\n")
        return RunAppend(
            handle: handle, batch: EventBatch(firstSequence: sequence, lastSequence: sequence, frames: frames), reservedSequence: 64)
    }

    private static func files(_ path: String) throws -> [String: [UInt8]] {
        var files: [String: [UInt8]] = [:]
        for suffix in ["", "-wal"] where FileManager.default.fileExists(atPath: path + suffix) {
            files[suffix] = [UInt8](try Data(contentsOf: URL(filePath: path + suffix)))
        }
        return files
    }

    private static func holdsSecret(_ path: String) throws -> [String] {
        try files(path).filter { $0.value.firstRange(of: Array(secret.utf8)) != nil }.keys.sorted()
    }

    /// Short texts, and one that fills pages of its own.
    @Test(arguments: [1, 40, 2000])
    func whatWasTakenBack_isInNoFile_whileTheStoreIsOpen(repeats: Int) async throws {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/a.db"
        let store = try SQLiteStoreTests.open(path)
        let handle = try await store.start(Fixture.run("r1"))
        for sequence in 2...5 {
            try await store.commit(Self.append(handle, sequence, String(repeating: Self.secret + " ", count: repeats)))
        }
        #expect(try Self.holdsSecret(path).contains("-wal"))
        var last = Self.append(handle, 6, "fine")
        last.retractions = [Retraction(contentBlockIndex: nil, firstSequence: 2, lastSequence: 5)]
        try await store.commit(last)
        // The log is emptied behind the commit that was answered; a later commit has waited for it.
        try await store.check(principal: .ada)
        #expect(try Self.holdsSecret(path).isEmpty)
        #expect(try Self.files(path)[""]?.isEmpty == false)
        await store.close()
        #expect(try Self.holdsSecret(path).isEmpty)
    }

    /// A reader holds a snapshot of the log while text is taken back; later nobody writes any more.
    @Test func whatWasTakenBack_isInNoFile_onceItsReaderHasGone_thoughNobodyWrites() async throws {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/a.db"
        let store = try SQLiteStoreTests.open(path)
        let handle = try await store.start(Fixture.run("r1"))
        try await store.commit(Self.append(handle, 2, Self.secret))
        let reader = try SQLiteSession(.open(path: path, access: .readOnly))
        try reader.connection.execute("BEGIN; SELECT count(*) FROM run_events")
        var last = Self.append(handle, 3, "fine")
        last.retractions = [Retraction(contentBlockIndex: nil, firstSequence: 2, lastSequence: 2)]
        try await store.commit(last)
        try await store.check(principal: .ada)
        #expect(try Self.holdsSecret(path).contains("-wal"))
        reader.rollback()
        let deadline = ContinuousClock.now + .seconds(60)
        while try !Self.holdsSecret(path).isEmpty, ContinuousClock.now < deadline { await Task.yield() }
        #expect(try Self.holdsSecret(path).isEmpty)
        await store.close()
    }

    /// A process that was killed between a commit and the emptying of its log.
    @Test func killedProcess_leavesNothingBehindTheNextStart() async throws {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/a.db"
        let copy = "\(directory.path)/b.db"
        let store = try SQLiteStoreTests.open(path)
        let handle = try await store.start(Fixture.run("r1"))
        try await store.commit(Self.append(handle, 2, Self.secret))
        for suffix in ["", "-wal"] { try FileManager.default.copyItem(atPath: path + suffix, toPath: copy + suffix) }
        await store.close()
        #expect(try Self.holdsSecret(copy) == ["-wal"])
        let next = try SQLiteStoreTests.open(copy)
        let unfinished = try #require(try await next.unfinishedRuns(principal: .system).first)
        var closing = Fixture.append(unfinished.handle, 65...66, completion: Fixture.completion("r1"))
        closing.isRecovery = true
        closing.retractions = [Retraction(contentBlockIndex: nil, firstSequence: 2, lastSequence: 64)]
        try await next.commit(closing)
        try await next.check(principal: .ada)
        #expect(try Self.holdsSecret(copy).isEmpty)
        await next.close()
    }
}
