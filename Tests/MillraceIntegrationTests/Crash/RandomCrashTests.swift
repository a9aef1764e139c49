import Glibc
import MillraceCore
import Testing

extension IntegrationTests {
    /// Servers are killed at random moments and at random calls, and what they had promised is looked for. `MILLRACE_CRASHES` says how often
    /// (80 times if it is not set), `MILLRACE_CRASH_SEED` repeats a round that a report names.
    @Suite struct RandomCrashTests {
        private static let crashesPerRound = 8

        @Test func killedAnywhere_keepsWhatItPromised() async throws {
            let crashes = getenv("MILLRACE_CRASHES").flatMap { Int(String(cString: $0)) } ?? 80
            let seed = getenv("MILLRACE_CRASH_SEED").flatMap { UInt64(String(cString: $0)) } ?? UInt64.random(in: 1..<1_000_000_000)
            let rounds = max(crashes / Self.crashesPerRound, 1)
            FaultWalk.say("crashes: seeds from \(seed) to \(seed + UInt64(rounds) - 1)")
            let next = Locked(0)
            let totals = Locked(CrashRound.Report())
            _ = try await concurrently(3) { _ in
                while true {
                    let index = next.withLock { index in
                        defer { index += 1 }
                        return index
                    }
                    guard index < rounds else { return }
                    let round = CrashRound(seed: seed + UInt64(index), crashes: Self.crashesPerRound)
                    let report = try await round.run()
                    for broken in report.broken {
                        let repeats = "MILLRACE_CRASHES=1 MILLRACE_CRASH_SEED=\(round.seed) repeats it"
                        FaultWalk.say("\(broken); \(repeats)")
                        Issue.record("\(broken); \(repeats)")
                    }
                    totals.withLock {
                        $0.kills += report.kills
                        $0.atCalls += report.atCalls
                        $0.atStart += report.atStart
                        $0.runs += report.runs
                    }
                }
            }
            let report = totals.withLock { $0 }
            FaultWalk.say(
                "\(report.kills) kills, \(report.atCalls) of them at a chosen call and \(report.atStart) before the server answered; \(report.runs) runs"
            )
            #expect(report.kills >= rounds * Self.crashesPerRound)
            #expect(report.runs > 0)
        }
    }
}
