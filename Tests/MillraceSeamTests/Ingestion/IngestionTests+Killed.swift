import Millrace
import MillraceBackends
import MillraceCore
import Testing

/// Runs that were killed, at every call of the search engine, and runs that go on after them.
extension IngestionTests {
    static let before = [
        document("f/a", text("mills", 12)), document("f/b", text("cats", 3)), document("f/gone", text("dogs", 5)),
        document("f/empty", "some text"), document("f/same", text("birds", 7)),
    ]
    static let after = [
        document("f/a", text("pumps", 4)), document("f/b", text("cats and more", 9)), document("f/new", text("fish", 8)),
        document("f/empty", ""), document("f/same", text("birds", 7)),
    ]

    @Test(arguments: [false, true]) func killedAnywhere_theNextRunGivesTheSameIndex(isBehind: Bool) async throws {
        var one = Self.settings
        // In one order, so that every call has its number.
        one.concurrent = 1
        _ = try await ingest(Self.after, into: "expected", settings: one)
        let expected = try await stored("expected")
        var number = 0
        var isKilled = true
        while isKilled {
            number += 1
            let name = "c\(number)"
            _ = try await ingest(Self.before, into: name, settings: one)
            let killed = KilledEngine(base: search, last: number, isBehind: isBehind)
            do {
                _ = try await ingest(Self.after, into: name, under: ["f/"], settings: one, engine: killed)
                isKilled = false
            } catch is KilledEngine.Killed {}
            _ = try await ingest(Self.after, into: name, under: ["f/"], settings: one)
            let found = try await stored(name)
            #expect(found == expected, "killed at call \(number)")
            try await search.drop(name)
        }
        #expect(number > 25, "as many calls as there are")
    }

    /// What was half replaced, and then is as it was before.
    @Test(arguments: [false, true]) func killedAnywhere_thenPutBack_givesTheIndexOfBefore(isBehind: Bool) async throws {
        var one = Self.settings
        one.concurrent = 1
        _ = try await ingest(Self.before, into: "expected", settings: one)
        let expected = try await stored("expected")
        var number = 0
        var isKilled = true
        while isKilled {
            number += 1
            _ = try await ingest(Self.before, settings: one)
            let killed = KilledEngine(base: search, last: number, isBehind: isBehind)
            do {
                _ = try await ingest(Self.after, under: ["f/"], settings: one, engine: killed)
                isKilled = false
            } catch is KilledEngine.Killed {}
            _ = try await ingest(Self.before, under: ["f/"], settings: one)
            let found = try await stored()
            #expect(found == expected, "killed at call \(number)")
            try await search.drop("c")
        }
        #expect(number > 25, "as many calls as there are")
    }

    /// A collection that was never finished, and whose documents then change.
    @Test func killedAtFirst_thenChanged_leavesNothing() async throws {
        var one = Self.settings
        one.concurrent = 1
        _ = try await ingest(Self.after, into: "expected", settings: one)
        let expected = try await stored("expected")
        var isKilled = true
        for number in 1...1000 where isKilled {
            let killed = KilledEngine(base: search, last: number, isBehind: false)
            do {
                _ = try await ingest(Self.before, into: "c", settings: one, engine: killed)
                isKilled = false
            } catch is KilledEngine.Killed {}
            _ = try await ingest(Self.after, into: "c", under: ["f/"], settings: one)
            let found = try await stored("c")
            #expect(found == expected, "killed at call \(number)")
            try await search.drop("c")
        }
        #expect(!isKilled)
    }

    @Test func cancelledRun_endsAndCanGoOn() async throws {
        let (search, extractor) = (search, extractor)
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            let ingestion = Ingestion(search: search, extractor: extractor, settings: Self.settings)
            return try await ingestion.ingest(Self.before, into: "c")
        }
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(try await ingest(Self.before).values.allSatisfy { $0.status == .indexed })
    }
}
