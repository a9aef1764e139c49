import Glibc
import MillraceCore

/// Lives of servers on one data directory, each cut off somewhere, with a look at what is left after each.
struct CrashRound: Sendable {
    let seed: UInt64
    /// How many lives are cut off.
    let crashes: Int

    struct Report: Sendable {
        /// Processes that were killed at work.
        var kills = 0
        /// Of these, at the call that was meant.
        var atCalls = 0
        /// Of these, before they answered: while they started or recovered.
        var atStart = 0
        var runs = 0
        var broken: [String] = []
    }

    func run() async throws -> Report {
        var generator = SeededGenerator(seed: seed)
        let data = FaultDirectory.make()
        defer { TestFiles.remove(data) }
        var (report, all) = (Report(), ServerLedger())
        while report.kills < crashes, report.broken.isEmpty {
            let point = CrashPoint.random(using: &generator)
            let seen = try await live(data, point, generator.next(), &report)
            all.add(seen)
            // One in three restarts is cut off, too, before anybody looks.
            guard Int.random(in: 0..<3, using: &generator) > 0 || report.kills >= crashes else { continue }
            let isLast = report.kills >= crashes
            report.broken += try look(data, isLast ? all : seen, ends: Bool.random(using: &generator) || isLast).map { "\(point): \($0)" }
        }
        report.runs = all.runs.count
        report.broken += ServerLedger.damage(of: "\(data)/millrace.db")
        return report
    }

    /// A life that is cut off.
    private func live(_ data: String, _ point: CrashPoint, _ seed: UInt64, _ report: inout Report) async throws -> ServerLedger {
        let control = try FaultControl()
        if case .call(let call, let target, let failure, let number, let step) = point {
            control.add(failure, call: call, target: target, step: step, first: number, count: 1)
        }
        let server = try FaultedServer(control, data: data, loops: 2)
        let killer = try killer(point, server.processID)
        defer { killer?.join() }
        var seen = ServerLedger()
        let answers = server.waitUntilItAnswers()
        if answers { seen = try await CrashClients(client: server.client, name: "l\(report.kills)-\(seed % 1000)", seed: seed).run() }
        control.step = 1
        let status: Int32?
        if case .call(_, _, _, _, 1) = point { status = server.end(SIGTERM) } else { status = server.end(SIGKILL) }
        guard status == -SIGKILL || status == 0 else {
            report.broken.append("\(point): the server ended with \(status.map { "\($0)" } ?? "nothing"): \(server.log.suffix(600))")
            return seen
        }
        report.kills += 1
        report.atCalls += control.hits > 0 ? 1 : 0
        report.atStart += answers ? 0 : 1
        return seen
    }

    /// Ends the process at a moment of its life.
    private func killer(_ point: CrashPoint, _ processID: pid_t) throws -> NamedThread? {
        guard case .time(let microseconds) = point else { return nil }
        // The process is not waited for before this thread has ended, so its number is not somebody else's.
        return try NamedThread(name: "killer") {
            usleep(UInt32(microseconds))
            kill(processID, SIGKILL)
        }
    }

    /// A life that only looks at what is left.
    private func look(_ data: String, _ ledger: ServerLedger, ends: Bool) throws -> [String] {
        let server = try FaultedServer(try FaultControl(), data: data)
        guard server.waitUntilItAnswers() else { return ["it does not start again: \(server.log.suffix(600))"] }
        var broken = try ledger.brokenPromises(server.client)
        let status = server.end(ends ? SIGTERM : SIGKILL)
        if ends, status != 0 { broken.append("it does not stop: \(status.map { "\($0)" } ?? "hangs")") }
        return broken
    }
}
