import Glibc
import Millrace
import MillraceBackends
import MillraceCore
import MillraceDatabase
import Testing

/// Prints what a piece of retention takes in a store of a million runs, and what it does to the commits beside it. It asserts nothing about time:
///
///     MILLRACE_MEASURE=1 swift test -c release -Xswiftc -enable-testing --filter RetentionMeasurements
///
/// `MILLRACE_MEASURE_STORE` names a database to keep between two measurements, `MILLRACE_MEASURE_RUNS` another number of runs.
@Suite(.enabled(if: getenv("MILLRACE_MEASURE") != nil, "set MILLRACE_MEASURE=1 to measure"))
struct RetentionMeasurements {
    private static func variable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

    /// Ended runs of one owner, ten a chat, each with three rows of about 300 bytes of its log and two messages; one a second from the epoch.
    private static func fill(_ path: String, runs: Int) async throws {
        await (try SQLiteStore(path: path)).close()
        let session = try SQLiteSession(.open(path: path, access: .readWrite, synchronous: .off))
        try session.connection.execute(
            """
            BEGIN;
            CREATE TEMP TABLE n (i INTEGER PRIMARY KEY);
            INSERT INTO n WITH RECURSIVE c (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < \(runs)) SELECT i FROM c;
            INSERT INTO chats (id, owner, chat_id, created_at, updated_at, newest_message_id)
                SELECT i, 'ada', 'old_' || i, i * 10000000, i * 10000000, 'r_' || i * 10 FROM n WHERE i <= \(runs) / 10;
            INSERT INTO messages (owner, message_id, chat, role, parts, created_at, status)
                SELECT 'ada', 'u_' || i, (i + 9) / 10, 'user', '[{"part_kind":"text","content":"Hello"}]', i * 1000000, 'completed' FROM n;
            INSERT INTO messages (owner, message_id, chat, parent_id, role, parts, created_at, status)
                SELECT 'ada', 'r_' || i, (i + 9) / 10, 'u_' || i, 'assistant', '[{"part_kind":"text","content":"Answer"}]', i * 1000000,
                    'completed' FROM n;
            INSERT INTO runs (id, owner, response_id, chat, task, status, request_id, user_message_id, started_at, ended_at, last_sequence,
                reserved, recovery)
                SELECT i, 'ada', 'r_' || i, (i + 9) / 10, 'chat', 'completed', 'q_' || i, 'u_' || i, i * 1000000, i * 1000000 + 1000, 1, 64,
                    'close' FROM n;
            INSERT INTO run_events (run, first_sequence, last_sequence, reserved, frames)
                SELECT n.i, k.column1, k.column1, 64, randomblob(300) FROM n, (VALUES (1), (2), (3)) k;
            COMMIT;
            """)
    }

    /// The clock of the measurement, in milliseconds.
    private static func milliseconds(_ nanoseconds: Int64) -> Double { Double(nanoseconds / 10_000) / 100 }

    private static func quantiles(_ times: [Int64]) -> String {
        let sorted = times.sorted()
        guard let last = sorted.last else { return "none" }
        func at(_ share: Double) -> Double { milliseconds(sorted[min(Int(Double(sorted.count) * share), sorted.count - 1)]) }
        return "\(sorted.count): p50 \(at(0.5)), p99 \(at(0.99)), max \(milliseconds(last)) ms"
    }

    /// Makes and ends runs, eight at a time, until `seconds` are over; gives how long each commit took.
    private static func load(_ store: SQLiteStore, seconds: Int64, name: String) async throws -> [Int64] {
        let clock = TimeSource.system.monotonic
        let end = clock() + seconds * 1_000_000_000
        return try await withThrowingTaskGroup(of: [Int64].self) { group in
            for task in 0..<8 {
                group.addTask {
                    var times: [Int64] = []
                    var number = 0
                    while clock() < end {
                        number += 1
                        let id = "\(name)_\(task)_\(number)"
                        let begun = clock()
                        let handle = try await store.start(Fixture.run(id, chat: "\(name)_\(task)", at: 4_000_000_000))
                        let made = clock()
                        let completion = Fixture.completion(id, chat: "\(name)_\(task)", at: 4_000_000_000)
                        try await store.commit(Fixture.append(handle, 2...2, completion: completion))
                        times += [made - begun, clock() - made]
                    }
                    return times
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
    }

    /// Pieces with the sweeper's rests, until it is cancelled or done; gives how long each took.
    private static func sweep(_ store: SQLiteStore, _ cutoffs: RetentionCutoffs, seconds: Int64) async throws -> (times: [Int64], runs: Int)
    {
        let clock = TimeSource.system.monotonic
        let end = clock() + seconds * 1_000_000_000
        var position: RetentionPosition? = RetentionPosition()
        var times: [Int64] = []
        var runs = 0
        while let from = position, clock() < end {
            let begun = clock()
            let progress = try await store.expire(cutoffs, from: from, principal: .system)
            let taken = clock() - begun
            times.append(taken)
            runs += progress.runs
            position = progress.next
            try await Task.sleep(nanoseconds: UInt64(max(10_000_000, taken * 4)))
        }
        return (times, runs)
    }

    @Test func aMillionRuns() async throws {
        let directory = try TemporaryDirectory()
        let path = Self.variable("MILLRACE_MEASURE_STORE") ?? "\(directory.path)/test.db"
        let runs = Self.variable("MILLRACE_MEASURE_RUNS").flatMap { Int($0) } ?? 1_000_000
        if access(path, F_OK) != 0 { try await Self.fill(path, runs: runs) }
        if Self.variable("MILLRACE_MEASURE") == "fill" { return }
        let store = try SQLiteStore(path: path)
        let seconds: Int64 = 10
        print("MEASURED \(runs) runs; commits alone \(Self.quantiles(try await Self.load(store, seconds: seconds, name: "alone")))")
        var byAge = RetentionCutoffs(now: Fixture.time(3_000_000_000))
        byAge.runsEnded = Fixture.time(3_000_000_000)
        var byNumber = RetentionCutoffs(now: byAge.now)
        byNumber.maximumRuns = 1000
        var byChat = RetentionCutoffs(now: byAge.now)
        byChat.chatsChanged = byAge.now
        var nothing = RetentionCutoffs(now: byAge.now)
        nothing.runsEnded = Fixture.time(0)
        nothing.maximumRuns = 1_000_000_000
        for (name, cutoffs) in [("nothing to do", nothing), ("by age", byAge), ("by number", byNumber), ("by chat", byChat)] {
            async let commits = Self.load(store, seconds: seconds, name: name.replacing(" ", with: "_"))
            let swept = try await Self.sweep(store, cutoffs, seconds: seconds)
            print(
                "MEASURED \(name): pieces \(Self.quantiles(swept.times)); \(swept.runs) runs removed; commits \(Self.quantiles(try await commits))"
            )
        }
        await store.close()
    }
}
