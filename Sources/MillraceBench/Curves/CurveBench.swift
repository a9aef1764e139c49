import Glibc
import MillraceCore

/// Measures the points of the cost curves, each with a server of its own unless it says otherwise.
struct CurveBench {
    let options: CurvesOptions
    let tools: String
    let ownPath: String

    func curves(of axis: CostCurve.Axis) throws(MillraceError) -> [CostCurve] {
        switch axis {
        case .streams: try streams()
        case .eventsPerRun: try eventsPerRun()
        case .readersPerRun: try readersPerRun()
        case .history: try history()
        case .storedRuns: try storedRuns()
        }
    }

    private func streams() throws(MillraceError) -> [CostCurve] {
        var memory = CostCurve(axis: .streams, name: "KB a stream", bound: .constant(factor: 1.3), points: [])
        var cpu = CostCurve(axis: .streams, name: "CPU µs an event", bound: .constant(factor: 1.5), points: [])
        for size in options.isQuick ? [100, 200, 400] : [500, 2000, 8000] {
            let outcome = try withServer(store: "memory") { server throws(MillraceError) in
                try server.measure(tools: tools, flags: Workload.holding("1000000 every 1000", streams: size) + times(), connections: size)
            }
            let bytes = Double(outcome.usage.memoryAtStart - outcome.usage.memoryBefore)
            memory.add(size, bytes / 1024 / Double(size), outcome)
            cpu.add(size, outcome.cpuMicroseconds(per: outcome.load.events), outcome)
        }
        return [memory, cpu]
    }

    private func eventsPerRun() throws(MillraceError) -> [CostCurve] {
        var curves: [CostCurve] = []
        for (store, words) in [("memory", "in memory"), ("sqlite", "on disk")] {
            var cpu = CostCurve(axis: .eventsPerRun, name: "CPU µs an event, \(words)", bound: .constant(factor: 1.3), points: [])
            var memory = CostCurve(axis: .eventsPerRun, name: "memory MB, \(words)", bound: .constant(factor: 2), points: [])
            for size in options.isQuick ? [100, 1000] : [100, 1000, 10_000] {
                let outcome = try withServer(store: store) { server throws(MillraceError) in
                    try server.measure(
                        tools: tools, flags: Workload.streaming("\(size) together", events: size) + times(), connections: 16)
                }
                cpu.add(size, outcome.cpuMicroseconds(per: outcome.load.events), outcome)
                memory.add(size, Double(outcome.usage.memoryAtStop) / 1_048_576, outcome)
            }
            curves += [cpu, memory]
        }
        return curves
    }

    private func readersPerRun() throws(MillraceError) -> [CostCurve] {
        var cpu = CostCurve(axis: .readersPerRun, name: "CPU µs an event and reader", bound: .constant(factor: 1.1), points: [])
        var gap = CostCurve(axis: .readersPerRun, name: "gap p50 ms", bound: .constant(factor: 1.2), points: [])
        for size in options.isQuick ? [1, 8, 32] : [1, 10, 100, 1000] {
            let outcome = try withServer(store: "memory") { server throws(MillraceError) in
                let starter = try LoopbackConnection(port: server.port)
                try starter.send("POST", "/api/v1/generate/stream", body: Workload.body("1000000 every 10"))
                let run = try SoakStream(starter).response
                // The run goes on without the one who started it.
                starter.end()
                return try server.measure(
                    tools: tools, flags: ["--hold", "--path", "/api/v1/runs/\(run)/events?after=1"] + times(), connections: size)
            }
            cpu.add(size, outcome.cpuMicroseconds(per: outcome.load.events), outcome)
            gap.add(size, outcome.load.gap.p50 ?? 0, outcome)
        }
        return [cpu, gap]
    }

    private func history() throws(MillraceError) -> [CostCurve] {
        var cpu = CostCurve(axis: .history, name: "CPU µs a request", bound: .linear(factor: 1.5), points: [])
        var first = CostCurve(axis: .history, name: "first event p50 ms", bound: .linear(factor: 1.5), points: [])
        for size in options.isQuick ? [10, 50, 200] : [10, 200, 1000, 4000] {
            let outcome = try withServer(store: "sqlite") { server throws(MillraceError) in
                let last = try ChatFiller(port: server.port).fill(messages: size)
                return try server.measure(
                    tools: tools, flags: ["--streams", "--events", "1", "--body", ChatFiller.body(after: last)] + times(), connections: 1)
            }
            cpu.add(size, outcome.cpuMicroseconds(per: outcome.load.responses), outcome)
            first.add(size, outcome.load.firstEvent.p50 ?? 0, outcome)
        }
        return [cpu, first]
    }

    /// One store that grows, and four things that are done with it.
    private func storedRuns() throws(MillraceError) -> [CostCurve] {
        func curve(_ name: String, _ factor: Double = 1.5) -> CostCurve {
            CostCurve(axis: .storedRuns, name: name, bound: .constant(factor: factor), points: [])
        }
        var start = curve("start ms", 2)
        var new = curve("CPU µs a new run")
        var newLatency = curve("first event p50 ms of a new run", 2)
        var list = curve("CPU µs a page of 50")
        var attach = curve("CPU µs a run read again")
        let directory = try Files.makeTemporaryDirectory(in: options.workDirectory)
        defer { Files.removeTree(directory) }
        // The pattern that is copied, and read again later.
        let pattern = try withServer(store: "sqlite", directory: directory) { server throws(MillraceError) in
            let connection = try LoopbackConnection(port: server.port)
            try connection.send("POST", "/api/v1/generate/stream", body: Workload.body("4 together"))
            var stream = try SoakStream(connection)
            guard try stream.readToEnd() == "completed" else { throw MillraceError(.system, "the first run did not complete") }
            _ = server.end(within: 20)
            return stream.response
        }
        var stored = 0
        for size in [options.runs / 100, options.runs / 10, options.runs] {
            let begin = Monotonic.nanoseconds()
            try StoreFiller(path: "\(directory)/data/millrace.db").add(runs: size - stored)
            stored = size
            let seconds = Double(Monotonic.nanoseconds() - begin) / 1e9
            StandardError.write("stored-runs \(size): filled in \(Report.decimal(seconds, 1)) s\n")
            let startBegin = Monotonic.nanoseconds()
            try withServer(store: "sqlite", directory: directory) { server throws(MillraceError) in
                let milliseconds = Double(Monotonic.nanoseconds() - startBegin) / 1e6
                let new1 = try quietly { () throws(MillraceError) in
                    try server.measure(tools: tools, flags: Workload.streaming("4 together", events: 4) + times(), connections: 16)
                }
                start.add(size, milliseconds, new1)
                new.add(size, new1.cpuMicroseconds(per: new1.load.responses), new1)
                newLatency.add(size, new1.load.firstEvent.p50 ?? 0, new1)
                for (path, isList) in [("runs?limit=50", true), ("runs/\(pattern)/events", false)] {
                    let outcome = try quietly { () throws(MillraceError) in
                        try server.measure(tools: tools, flags: ["--requests", "--path", "/api/v1/\(path)"] + times(), connections: 16)
                    }
                    let cost = outcome.cpuMicroseconds(per: outcome.load.responses)
                    if isList { list.add(size, cost, outcome) } else { attach.add(size, cost, outcome) }
                }
                _ = server.end(within: 20)
            }
        }
        return [start, new, newLatency, list, attach]
    }

    private func times() -> [String] { ["--seconds", "\(options.seconds)", "--warm", "\(options.seconds / 2)"] }

    /// Measures again where other processes disturbed it, as often as is allowed.
    private func quietly(_ measure: () throws(MillraceError) -> LoadOutcome) throws(MillraceError) -> LoadOutcome {
        var outcome = try measure()
        for _ in 0..<options.retries where outcome.disturbance?.isTooMuch ?? false {
            StandardError.write("  disturbed: \(outcome.disturbance?.text ?? "")\n")
            outcome = try measure()
        }
        if outcome.load.errors > 0 { throw MillraceError(.system, "the load failed: \(outcome.load.notes.joined(separator: ", "))") }
        return outcome
    }

    /// A server in a directory of its own for each attempt.
    private func withServer(
        store: String, _ body: (inout ServerProcess) throws(MillraceError) -> LoadOutcome
    ) throws(MillraceError) -> LoadOutcome {
        try quietly { () throws(MillraceError) in
            let directory = try Files.makeTemporaryDirectory(in: options.workDirectory)
            defer { Files.removeTree(directory) }
            return try withServer(store: store, directory: directory, body)
        }
    }

    private func withServer<R>(
        store: String, directory: String, _ body: (inout ServerProcess) throws(MillraceError) -> R
    ) throws(MillraceError) -> R {
        let port = try LoopbackPort.free()
        var server = try ServerProcess(
            ownPath, ["server", "--port", "\(port)", "--store", store, "--data-dir", "\(directory)/data"], port: port, directory: directory)
        try server.waitUntilItAnswers("/healthz")
        return try body(&server)
    }
}

extension CostCurve {
    mutating func add(_ size: Int, _ cost: Double, _ outcome: LoadOutcome) {
        points.append(Point(size: Double(size), cost: cost, isDisturbed: outcome.disturbance?.isTooMuch ?? false))
    }
}

extension LoadOutcome {
    /// The server's CPU time for each of `units`.
    func cpuMicroseconds(per units: Int) -> Double { units > 0 ? Double(usage.cpuNanoseconds) / 1000 / Double(units) : 0 }
}
