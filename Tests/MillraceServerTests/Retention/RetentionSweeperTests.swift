import Millrace
import MillraceBackends
import MillraceCore
import Testing

@testable import MillraceServer

@Suite struct RetentionSweeperTests {
    private static let hour: Int64 = 3_600_000_000

    /// Clocks that a test sets.
    private final class Clocks: Sendable {
        private let state = Locked((monotonic: Int64(0), wall: Timestamp(microseconds: 0)))
        var source: TimeSource {
            TimeSource(monotonic: { self.state.withLock { $0.monotonic } }, wall: { self.state.withLock { $0.wall } })
        }
        func set(wall: Int64) { state.withLock { $0.wall = Timestamp(microseconds: wall) } }
        func advance(_ nanoseconds: Int64) { state.withLock { $0.monotonic += nanoseconds } }
    }

    /// A store whose pieces take as long as a test says.
    private final class ScriptedStore: RetentionStore {
        let clocks: Clocks
        let durations: [Int64]
        let calls = Locked<[RetentionCutoffs]>([])
        let contents = Locked<[ExpiredContent]>([])
        init(_ clocks: Clocks, durations: [Int64]) {
            self.clocks = clocks
            self.durations = durations
        }
        func expire(
            _ cutoffs: RetentionCutoffs, from position: RetentionPosition, principal: Principal
        ) async throws -> RetentionProgress {
            let number = calls.withLock { calls in
                calls.append(cutoffs)
                return calls.count
            }
            clocks.advance(durations[number - 1])
            var progress = RetentionProgress()
            progress.runs = 3
            progress.next = number < durations.count ? RetentionPosition() : nil
            return progress
        }
        func expireContents(_ cutoffs: RetentionCutoffs, limit: Int, principal: Principal) async throws -> [ExpiredContent] {
            contents.withLock { Array($0.prefix(limit)) }
        }
        func withdrawContent(_ id: String, principal: Principal) async throws -> ExpiredContent? { nil }
        func removeExpiredContent(_ id: String, principal: Principal) async throws {
            contents.withLock { $0.removeAll { $0.record.id == id } }
        }
        func hasExpired(run responseID: String, principal: Principal) async throws -> Bool { false }
    }

    private static func settings(_ configure: (inout RetentionSettings) -> Void) -> RetentionSettings {
        var settings = RetentionSettings()
        configure(&settings)
        return settings
    }

    private static func file(_ id: String) -> ExpiredContent {
        ExpiredContent(
            record: ContentRecord(
                id: id, title: nil, mimeType: "text/plain", length: 1, entityTag: "", createdAt: Timestamp(microseconds: 0)),
            principal: .local)
    }

    @Test func defaults_removeNothing() {
        #expect(!RetentionSettings().removesAnything)
        #expect(RetentionSettings().cutoffs(now: Timestamp(microseconds: 5)) == RetentionCutoffs(now: Timestamp(microseconds: 5)))
    }

    @Test func settings_becomeMomentsBeforeNow() {
        let settings = Self.settings {
            $0.runHours = 1
            $0.chatHours = 2
            $0.contentHours = 3
            $0.maximumRuns = 4
            $0.maximumStoreBytes = 5
            $0.maximumRunsPerOwner = 6
        }
        let cutoffs = settings.cutoffs(now: Timestamp(microseconds: 10 * Self.hour))
        #expect(cutoffs.runsEnded == Timestamp(microseconds: 9 * Self.hour))
        #expect(cutoffs.chatsChanged == Timestamp(microseconds: 8 * Self.hour))
        #expect(cutoffs.contentsCreated == Timestamp(microseconds: 7 * Self.hour))
        #expect(cutoffs.maximumRuns == 4 && cutoffs.maximumBytes == 5 && cutoffs.maximumRunsPerOwner == 6)
    }

    @Test func pass_restsBetweenPieces_longerAfterSlowOnes() async throws {
        let clocks = Clocks()
        clocks.set(wall: 100 * Self.hour)
        let store = ScriptedStore(clocks, durations: [1_000_000, 50_000_000, 3_000_000])
        let sweeper = RetentionSweeper(
            store: store, settings: Self.settings { $0.runHours = 24 }, removeContent: { _ in }, time: clocks.source)
        var rests: [Int64] = []
        let tally = try await sweeper.pass { rests.append($0) }
        #expect(tally == .init(runs: 9, chats: 0, files: 0, pieces: 3))
        #expect(rests == [10_000_000, 200_000_000], "a fifth of the time at most, and none after the last")
        #expect(store.calls.withLock { Set($0.map(\.runsEnded)) } == [Timestamp(microseconds: 76 * Self.hour)])
    }

    @Test func restThatThrows_endsThePass() async throws {
        let clocks = Clocks()
        let store = ScriptedStore(clocks, durations: [1, 1, 1])
        let sweeper = RetentionSweeper(
            store: store, settings: Self.settings { $0.runHours = 1 }, removeContent: { _ in }, time: clocks.source)
        await #expect(throws: CancellationError.self) { try await sweeper.pass { _ in throw CancellationError() } }
        #expect(store.calls.withLock { $0.count } == 1)
    }

    @Test func files_loseTheirBytesBeforeTheirRecord_andAFailureLeavesThem() async throws {
        let clocks = Clocks()
        let store = ScriptedStore(clocks, durations: [1, 1])
        store.contents.withLock { $0 = (1...70).map { Self.file("f\($0)") } }
        let removed = Locked<[String]>([])
        let sweeper = RetentionSweeper(
            store: store, settings: Self.settings { $0.contentHours = 1 },
            removeContent: { content in
                let isThere = store.contents.withLock { $0.contains(content) }
                #expect(isThere, "its record is the only trace of the bytes")
                if content.record.id == "f50" { throw MillraceError(.storageUnavailable, "no answer") }
                removed.withLock { $0.append(content.record.id) }
            }, time: clocks.source)
        await #expect(throws: MillraceError.self) { try await sweeper.pass { _ in } }
        #expect(removed.withLock { $0.count } == 63, "one file keeps none of those beside it")
        #expect(store.contents.withLock { $0.first?.record.id } == "f50")
        #expect(store.contents.withLock { $0.count } == 7)
    }

    /// On a real store, with an object store whose bytes go, too.
    @Test func stores_loseWhatIsOld_whenTheClockSaysSo() async throws {
        let clocks = Clocks()
        let store = InMemoryStore()
        let objects = InMemoryObjectStore()
        let content = ContentStore(store: store, objects: objects)
        let record = try await content.add(.bytes([1, 2, 3]), title: nil, mimeType: "text/plain", principal: .local)
        let sweeper = RetentionSweeper(
            store: store, settings: Self.settings { $0.contentHours = 2 },
            removeContent: { try await content.removeBytes(of: $0.record) }, time: clocks.source)
        clocks.set(wall: record.createdAt.microseconds + 2 * Self.hour - 1)
        #expect(try await sweeper.pass { _ in }.isEmpty)
        #expect(try await content.record(record.pointer, principal: .local) != nil)
        clocks.set(wall: record.createdAt.microseconds + 2 * Self.hour)
        #expect(try await sweeper.pass { _ in }.files == 1)
        #expect(try await content.record(record.pointer, principal: .local) == nil)
        #expect(try await objects.head("content/\(record.id)") == nil)
    }
}
