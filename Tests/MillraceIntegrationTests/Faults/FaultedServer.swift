import Glibc
import MillraceCore

/// A server with the library of faults, in a process of its own.
final class FaultedServer {
    let processID: pid_t
    let control: FaultControl
    private let output: String
    private var status: Int32?

    /// Starts a server. It may end at once, if that is what the faults are for.
    init(_ control: FaultControl, data: String, loops: Int = 1) throws {
        self.control = control
        output = TestFiles.temporaryPath("server") + ".log"
        // Behind ours, a sanitizer's.
        let preloaded = getenv("LD_PRELOAD").map { ":" + String(cString: $0) } ?? ""
        let environment = [
            "LD_PRELOAD=\(control.library.path)\(preloaded)", "MILLRACE_FAULT_CONTROL=\(control.path)", "MILLRACE_FAULT_DIRECTORY=\(data)",
            // A crash is told by the status; its trace would take seconds.
            "SWIFT_BACKTRACE=enable=no",
        ]
        let arguments = [
            "port=0", "data-dir=\(data)", "loops=\(loops)", "MILLRACE_COMMIT_PATIENCE_SECONDS=0.3", "MILLRACE_DRAIN_SECONDS=1",
            "MILLRACE_CANCEL_GRACE_SECONDS=1",
        ]
        processID = try ServerProcess.spawn(
            "/usr/bin/env", environment + ["\(ServerProcess.buildFolder)/MillraceTestServer"] + arguments, output: output)
    }

    deinit {
        if status == nil { _ = end(SIGKILL) }
        unlink(output)
    }

    /// What it has logged.
    var log: String { TestFiles.read(output) }
    /// Waits until it has logged something; lines are gathered for a moment before they are written.
    func waitForLog(_ text: String) -> Bool {
        for _ in 0..<500 {
            if log.contains(text) { return true }
            TestFiles.pause(milliseconds: 10)
        }
        return false
    }
    var client: TestClient { TestClient(port: control.port) }

    /// Waits until it answers. False: it has ended, or does neither for too long.
    func waitUntilItAnswers(milliseconds: Int = 10_000) -> Bool {
        let deadline = ContinuousClock.now + .milliseconds(milliseconds)
        while ContinuousClock.now < deadline {
            if hasEnded { return false }
            // A first answer may be what the faults are for: then there is a second.
            if control.port > 0, let answer = try? client.request("GET", "/healthz"), answer.status == 200 { return true }
            TestFiles.pause(milliseconds: 2)
        }
        return false
    }

    var hasEnded: Bool {
        if status != nil { return true }
        var raw: Int32 = 0
        if waitpid(processID, &raw, WNOHANG) == processID { status = Self.status(raw) }
        return status != nil
    }

    func signal(_ number: Int32) { if status == nil { kill(processID, number) } }

    /// Sends a signal and waits. Returns the exit status, or minus the signal that ended it; `nil`: it does not end.
    func end(_ number: Int32, milliseconds: Int = 15_000) -> Int32? {
        signal(number)
        return wait(milliseconds: milliseconds)
    }

    /// Waits for its end.
    func wait(milliseconds: Int = 15_000) -> Int32? {
        let deadline = ContinuousClock.now + .milliseconds(milliseconds)
        while !hasEnded {
            if ContinuousClock.now > deadline { return nil }
            TestFiles.pause(milliseconds: 1)
        }
        return status
    }

    private static func status(_ raw: Int32) -> Int32 { raw & 0x7F == 0 ? (raw >> 8) & 0xFF : -(raw & 0x7F) }
}
