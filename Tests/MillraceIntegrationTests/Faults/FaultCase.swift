import Glibc
import MillraceCore

/// One fault: in a step of a server's life the Nth of a kind of call fails, once.
struct FaultCase: Sendable, CustomStringConvertible {
    var step: FaultStep
    var call: String
    var target: String
    var failure: Failure
    var first: Int

    /// A line that names the case, and that ``init(_:)`` reads.
    var description: String { "\(step.name)|\(call)|\(target)|\(failure.name)|\(first)" }

    /// What became of it.
    struct Outcome: Sendable {
        /// Whether the call was reached.
        var wasHit = false
        /// What clients and the process's owner saw that they do not see without faults.
        var notes: Set<String> = []
        /// What must not happen.
        var defects: [String] = []
    }

    init(step: FaultStep, call: String, target: String, failure: Failure, first: Int) {
        (self.step, self.call, self.target, self.failure, self.first) = (step, call, target, failure, first)
    }

    /// A case out of its description.
    init?(_ line: String) {
        let parts = line.split(separator: "|", omittingEmptySubsequences: false).map { String($0) }
        guard parts.count == 5, let step = FaultStep.allCases.first(where: { $0.name == parts[0] }), let first = Int(parts[4]),
            let failure = Failure.fitting(call: parts[1], target: parts[2]).first(where: { $0.name == parts[3] })
        else { return nil }
        self.init(step: step, call: parts[1], target: parts[2], failure: failure, first: first)
    }

    /// Runs a server's life with the fault in it.
    func run() throws -> Outcome {
        let data = FaultDirectory.make()
        defer { TestFiles.remove(data) }
        let control = try FaultControl()
        control.add(failure, call: call, target: target, step: step.rawValue, first: first, count: 1)
        let server = try FaultedServer(control, data: data)
        var outcome = Outcome()
        if server.waitUntilItAnswers() {
            try live(server, data, &outcome)
        } else {
            didNotStart(server, &outcome)
            let ledger = ServerLedger()
            try Self.checkAfterRestart(ledger, data, &outcome)
        }
        outcome.wasHit = control.hits > 0
        outcome.defects += ServerLedger.damage(of: "\(data)/millrace.db")
        return outcome
    }

    private func live(_ server: FaultedServer, _ data: String, _ outcome: inout Outcome) throws {
        let scenario = FaultScenario(server)
        scenario.run()
        for (step, notes) in scenario.answers {
            for note in notes {
                if note.contains("MALFORMED") || note.contains("HANGS") { outcome.defects.append("\(step.name): \(note)") }
                outcome.notes.insert(step == self.step ? note : "then \(step.name): \(note)")
            }
        }
        // What was cut off is closed by the next start, or by a look that comes every few seconds: the start is sooner.
        let isWhole = scenario.answers.isEmpty && !server.hasEnded
        if step != .stop { server.control.lift() }
        if isWhole { outcome.defects += try scenario.ledger.brokenPromises(server.client) }
        scenario.begin(.stop)
        switch server.end(SIGTERM) {
        case 0: break
        case nil: outcome.defects.append("HANGS at its stop")
        case let status? where status < 0 || status > 2:
            outcome.defects.append("ended with \(status): \(server.log.suffix(400))")
        case let status?: outcome.notes.insert("exits \(status)")
        }
        if !isWhole || step == .stop { try Self.checkAfterRestart(scenario.ledger, data, &outcome) }
    }

    private func didNotStart(_ server: FaultedServer, _ outcome: inout Outcome) {
        guard let status = server.wait(milliseconds: 100) else {
            outcome.defects.append("HANGS at its start: \(server.log.suffix(400))")
            return
        }
        let sentence = server.log.split(separator: "\n").last.map { String($0) } ?? ""
        outcome.notes.insert("exits \(status), with a sentence")
        if status != 1 || sentence.count < 20 || sentence.contains("Fatal error") {
            outcome.defects.append("exits \(status): \(server.log.suffix(400))")
        }
    }

    /// A server without faults keeps what was promised.
    static func checkAfterRestart(_ ledger: ServerLedger, _ data: String, _ outcome: inout Outcome) throws {
        let control = try FaultControl()
        let server = try FaultedServer(control, data: data)
        guard server.waitUntilItAnswers() else {
            outcome.defects.append("does not start again: \(server.log.suffix(400))")
            return
        }
        outcome.defects += try ledger.brokenPromises(server.client)
        if server.end(SIGTERM) != 0 { outcome.defects.append("does not stop after a restart: \(server.log.suffix(400))") }
    }
}

/// Where the servers of these tests have their data: in memory if there is such a file system, since thousands of lives cost as many syncs.
enum FaultDirectory {
    static func make() -> String {
        let name = "millrace-faults-\(Identifier.make(prefix: "d"))"
        return access("/dev/shm", W_OK) == 0 ? "/dev/shm/\(name)" : "/tmp/\(name)"
    }
}
