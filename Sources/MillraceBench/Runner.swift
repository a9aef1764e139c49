import Glibc
import MillraceCore

/// Starts one contender, lets it do one workload, and ends it.
struct Runner {
    var options: RunOptions
    var tools: String
    var ownPath: String
    /// File descriptors that a process may have.
    var descriptors: Int

    private static let mostStarts = 20
    private static let leastStarts = 3

    /// Runs one workload once. What goes wrong is in the measurement's notes.
    func measure(_ workload: Workload, _ contender: Contender) -> Measurement {
        var measurement = Measurement(workload: workload.name, contender: contender.name)
        do throws(MillraceError) {
            if workload.load.isEmpty {
                try measureStart(workload, contender, &measurement)
            } else {
                try measureLoad(workload, contender, &measurement)
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
        try Descriptors.require(connections: workload.connections, limit: descriptors)
        let directory = try Files.makeTemporaryDirectory(in: options.workDirectory)
        defer { Files.removeTree(directory) }
        guard workload.kind == .relay else {
            try measureLoad(workload, contender, upstream: 0, directory: directory, &measurement)
            return
        }
        let port = try LoopbackPort.free()
        let upstream = try ServerProcess(
            "\(tools)/MillraceBenchUpstream", ["--port", "\(port)"], port: port, directory: directory, core: options.isPinned ? 1 : nil)
        try upstream.waitUntilItAccepts()
        try measureLoad(workload, contender, upstream: port, directory: directory, &measurement)
    }

    private func measureLoad(
        _ workload: Workload, _ contender: Contender, upstream: Int, directory: String, _ measurement: inout Measurement
    ) throws(MillraceError) {
        var server = try start(contender, workload, upstream: upstream, directory: directory)
        try server.waitUntilItAccepts()
        if contender.kinds.contains(.plain) { try server.waitUntilItAnswers("/healthz") }
        var flags = workload.load + contender.loadFlags
        if workload.history > 0 { flags = try flagsOfChat(port: server.port, messages: workload.history) }
        flags += ["--seconds", "\(workload.seconds ?? options.seconds)", "--warm", "\(workload.warmSeconds)"]
        let outcome = try server.measure(
            tools: tools, flags: flags, connections: workload.connections, core: options.isPinned ? 1 : nil)
        measurement.disturbance = outcome.disturbance
        measurement.notes += outcome.load.notes
        if outcome.load.errors > 0, outcome.load.notes.isEmpty { measurement.notes.append("\(outcome.load.errors) errors") }
        measurement.values = Measurement.values(of: outcome.load, unit: workload.unit, streams: workload.streams, usage: outcome.usage)
    }

    /// Fills a chat, and returns the load's flags that go on from its last message, so that each request has the same history.
    private func flagsOfChat(port: Int, messages: Int) throws(MillraceError) -> [String] {
        let last = try ChatFiller(port: port).fill(messages: messages)
        return ["--streams", "--events", "1", "--body", ChatFiller.body(after: last)]
    }

    private func measureStart(
        _ workload: Workload, _ contender: Contender, _ measurement: inout Measurement
    ) throws(MillraceError) {
        var accepted: [Double] = []
        var answered: [Double] = []
        var memory: [Double] = []
        let machineBefore = ProcessSampler.snapshot()
        let limit = Monotonic.nanoseconds() + Int(options.seconds * 1e9)
        while accepted.count < Self.leastStarts || (accepted.count < Self.mostStarts && Monotonic.nanoseconds() < limit) {
            let directory = try Files.makeTemporaryDirectory(in: options.workDirectory)
            defer { Files.removeTree(directory) }
            let begin = Monotonic.nanoseconds()
            var server = try start(contender, workload, upstream: 0, directory: directory)
            try server.waitUntilItAccepts()
            accepted.append(Double(Monotonic.nanoseconds() - begin) / 1e6)
            try server.waitUntilItAnswers("/healthz")
            answered.append(Double(Monotonic.nanoseconds() - begin) / 1e6)
            server.waitUntilItIsIdle()
            memory.append(Double(server.residentBytes) / 1_048_576)
        }
        // Servers that have ended are counted as children of this process, which is one of its own.
        measurement.disturbance = ProcessSampler.disturbance(since: machineBefore)
        measurement.values[.startMilliseconds] = Statistics.median(accepted)
        measurement.values[.answerMilliseconds] = Statistics.median(answered)
        measurement.values[.memory] = Statistics.median(memory)
    }

    private func start(
        _ contender: Contender, _ workload: Workload, upstream: Int, directory: String
    ) throws(MillraceError) -> ServerProcess {
        let port = try LoopbackPort.free()
        let start = Contender.Start(
            port: port, isCommitted: workload.isCommitted || contender.isCommitted, loops: options.loops, directory: directory,
            tools: tools, ownPath: ownPath, python: options.python, upstream: upstream, descriptors: descriptors)
        guard let program = contender.program(start) else { throw MillraceError(.notFound, "\(contender.name) \(contender.absence)") }
        return try ServerProcess(
            program, contender.prepare(start), port: port, directory: directory,
            core: options.isPinned && contender.workers == 1 ? contender.core : nil)
    }
}
