import Glibc
import MillraceCore

/// A server that was started for a measurement, with all processes that it started itself.
struct ServerProcess: ~Copyable {
    static let startLimitSeconds = 20.0

    let port: Int
    let directory: String
    private let process: ChildProcess
    /// The server's processes, the one that was started first.
    private(set) var processes: [pid_t]

    /// - Parameters:
    ///   - directory: where `output.log` and `errors.log` are written.
    init(
        _ program: String, _ arguments: [String], port: Int, directory: String, core: Int? = nil
    ) throws(MillraceError) {
        self.port = port
        self.directory = directory
        process = try ChildProcess(
            program, arguments, output: .file("\(directory)/output.log"), errors: "\(directory)/errors.log", core: core)
        processes = [process.identifier]
    }

    var identifier: pid_t { process.identifier }

    func waitUntilItAccepts() throws(MillraceError) {
        try wait(for: "accepted no connection") { LoopbackPort.accepts(port) }
    }

    /// Whoever listens early, as a server with several workers does, may still be starting up.
    func waitUntilItAnswers(_ path: String) throws(MillraceError) {
        try wait(for: "answered no request") {
            guard let connection = try? LoopbackConnection(port: port, seconds: Self.startLimitSeconds) else { return false }
            return (try? connection.exchange("GET", path)) != nil
        }
    }

    /// Waits until the server and all that it started have nothing left to do, ten seconds at most.
    mutating func waitUntilItIsIdle() {
        var before = -1
        for _ in 0..<100 {
            processes = ProcessSampler.tree(of: identifier, in: ProcessSampler.processes())
            let now = ProcessSampler.cpuNanoseconds(of: processes)
            // A fiftieth of the time is what timers cost.
            if before >= 0, now - before < 2_000_000 { return }
            before = now
            usleep(100_000)
        }
    }

    /// CPU time of all its processes.
    var cpuNanoseconds: Int { ProcessSampler.cpuNanoseconds(of: processes) }
    /// Resident memory of all its processes.
    var residentBytes: Int { ProcessSampler.residentBytes(of: processes) }

    /// Asks it to end and waits for that. Returns its exit status, or `nil` where it did not end in time.
    func end(within seconds: Double) -> Int32? { process.end(within: seconds) }

    private func wait(for what: String, _ isDone: () -> Bool) throws(MillraceError) {
        let limit = Monotonic.nanoseconds() + Int(Self.startLimitSeconds * 1e9)
        while !isDone() {
            if process.hasEnded {
                let said = Files.read("\(directory)/errors.log")?.split(separator: "\n").last ?? "nothing on standard error"
                throw MillraceError(.system, "it ended: \(said)")
            }
            if Monotonic.nanoseconds() > limit {
                throw MillraceError(.timeout, "it \(what) within \(Report.decimal(Self.startLimitSeconds, 0)) s")
            }
            // Short beside a start-up of some milliseconds, long beside a refused connection.
            usleep(200)
        }
    }
}

enum Monotonic {
    static func nanoseconds() -> Int {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return time.tv_sec * 1_000_000_000 + time.tv_nsec
    }
}
