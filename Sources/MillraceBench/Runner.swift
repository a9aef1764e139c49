import Glibc
import MillraceCore

/// Starts one contender, lets it do one workload, and ends it.
struct Runner {
    var options: RunOptions
    var tools: String
    var ownPath: String

    private static let startLimitSeconds = 10.0
    private static let starts = 20

    /// Runs one workload. What goes wrong is in the measurement's notes.
    func measure(_ workload: Workload, _ contender: Contender) -> Measurement {
        var measurement = Measurement(workload: workload.name, contender: contender.name)
        do throws(MillraceError) {
            let machineBefore = ProcessSampler.machine()
            let cpuBefore = ProcessSampler.ownAndChildrenSeconds()
            if workload.load.isEmpty {
                try measureStart(workload, contender, &measurement)
            } else {
                try measureLoad(workload, contender, &measurement)
            }
            let cpu = ProcessSampler.ownAndChildrenSeconds() - cpuBefore
            if let machineBefore, let machineAfter = ProcessSampler.machine() {
                measurement.otherShare = MachineTime.otherShare(
                    from: machineBefore, to: machineAfter, ownSeconds: cpu, ticksPerSecond: sysconf(Int32(_SC_CLK_TCK)))
            }
        } catch {
            measurement.isAbsent = error.code == .notFound
            measurement.notes.append(error.message)
        }
        return measurement
    }

    private func measureLoad(
        _ workload: Workload, _ contender: Contender, _ measurement: inout Measurement
    ) throws(MillraceError) {
        let directory = try Files.makeTemporaryDirectory(in: options.workDirectory)
        defer { Files.removeTree(directory) }
        guard workload.kind == .relay else {
            try measureLoad(workload, contender, upstream: 0, directory: directory, &measurement)
            return
        }
        let port = try LoopbackPort.free()
        let upstream = try ChildProcess(
            "\(tools)/MillraceBenchUpstream", ["--port", "\(port)"], output: .file("\(directory)/upstream.log"),
            errors: "\(directory)/errors.log", core: options.isPinned ? 1 : nil)
        try waitUntilItAccepts(upstream, port: port, directory: directory)
        try measureLoad(workload, contender, upstream: port, directory: directory, &measurement)
    }

    private func measureLoad(
        _ workload: Workload, _ contender: Contender, upstream: Int, directory: String, _ measurement: inout Measurement
    ) throws(MillraceError) {
        let port = try LoopbackPort.free()
        let server = try start(contender, workload, port: port, upstream: upstream, directory: directory)
        try waitUntilItAccepts(server, port: port, directory: directory)
        let worker = contender.worksInChild ? try firstChild(of: server, directory: directory) : server.identifier
        guard let memoryBefore = ProcessSampler.residentBytes(of: worker) else { throw ended(directory) }

        let flags = ["--port", "\(port)", "--seconds", "\(options.seconds)", "--warm", "\(workload.warmSeconds)"]
        var load = try ChildProcess(
            "\(tools)/MillraceBenchLoad", workload.load + contender.loadFlags + flags, output: .pipe, errors: "\(directory)/load.log",
            core: options.isPinned ? 1 : nil)
        var cpu: [String: Int] = [:]
        var memory: [String: Int] = [:]
        var last: String?
        while let line = load.nextLine() {
            if let mark = try JSONValue(parsing: line)["mark"]?.string {
                cpu[mark] = ProcessSampler.cpuNanoseconds(of: worker)
                memory[mark] = ProcessSampler.residentBytes(of: worker)
            } else {
                last = line
            }
        }
        guard let last else {
            throw MillraceError(.system, "the load generator failed: \(Files.read("\(directory)/load.log") ?? "")")
        }
        let result = try LoadResult(line: last)
        measurement.notes += result.notes
        if result.errors > 0, result.notes.isEmpty { measurement.notes.append("\(result.errors) errors") }
        guard let started = cpu["start"], let stopped = cpu["stop"], let atStart = memory["start"], let atStop = memory["stop"] else {
            throw MillraceError(.system, "nothing was measured: \(result.notes.joined(separator: ", "))")
        }
        measurement.values = Measurement.values(
            of: result, unit: workload.unit, streams: workload.streams, cpuNanoseconds: stopped - started, memoryBefore: memoryBefore,
            memoryAtStart: atStart, memoryAtStop: atStop)
    }

    private func measureStart(
        _ workload: Workload, _ contender: Contender, _ measurement: inout Measurement
    ) throws(MillraceError) {
        var milliseconds: [Double] = []
        var memory: [Double] = []
        for _ in 0..<Self.starts {
            let directory = try Files.makeTemporaryDirectory(in: options.workDirectory)
            defer { Files.removeTree(directory) }
            let port = try LoopbackPort.free()
            let begin = monotonicNanoseconds()
            let server = try start(contender, workload, port: port, upstream: 0, directory: directory)
            try waitUntilItAccepts(server, port: port, directory: directory)
            milliseconds.append(Double(monotonicNanoseconds() - begin) / 1e6)
            memory.append(Double(ProcessSampler.residentBytes(of: server.identifier) ?? 0) / 1_048_576)
        }
        measurement.values[.startMilliseconds] = Statistics.median(milliseconds)
        measurement.values[.memory] = Statistics.median(memory)
    }

    private func start(
        _ contender: Contender, _ workload: Workload, port: Int, upstream: Int, directory: String
    ) throws(MillraceError) -> ChildProcess {
        let start = Contender.Start(
            port: port, isCommitted: workload.isCommitted || contender.isCommitted, loops: options.loops, directory: directory,
            tools: tools, ownPath: ownPath, python: options.python, upstream: upstream)
        guard let program = contender.program(start) else { throw MillraceError(.notFound, "\(contender.name) \(contender.absence)") }
        return try ChildProcess(
            program, contender.prepare(start), output: .file("\(directory)/output.log"), errors: "\(directory)/errors.log",
            core: options.isPinned ? contender.core : nil)
    }

    private func waitUntilItAccepts(_ server: borrowing ChildProcess, port: Int, directory: String) throws(MillraceError) {
        let limit = monotonicNanoseconds() + Int(Self.startLimitSeconds * 1e9)
        while !LoopbackPort.accepts(port) {
            if server.hasEnded { throw ended(directory) }
            if monotonicNanoseconds() > limit {
                throw MillraceError(.timeout, "it accepted no connection within \(Self.startLimitSeconds) s")
            }
            // Short beside a start-up of some milliseconds, long beside a refused connection.
            usleep(200)
        }
    }

    /// nginx listens before it starts its worker, so an accepted connection doesn't mean that there is one yet.
    private func firstChild(of server: borrowing ChildProcess, directory: String) throws(MillraceError) -> pid_t {
        let limit = monotonicNanoseconds() + Int(Self.startLimitSeconds * 1e9)
        while monotonicNanoseconds() < limit, !server.hasEnded {
            if let child = ProcessSampler.child(of: server.identifier) { return child }
            usleep(200)
        }
        throw ended(directory)
    }

    private func ended(_ directory: String) -> MillraceError {
        let said = Files.read("\(directory)/errors.log")?.split(separator: "\n").first ?? "nothing on standard error"
        return MillraceError(.system, "it ended: \(said)")
    }

    private func monotonicNanoseconds() -> Int {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return time.tv_sec * 1_000_000_000 + time.tv_nsec
    }
}
