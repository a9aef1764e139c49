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
        let curves = [
            CostCurve(axis: .streams, name: "KB a stream", bound: .constant(factor: 1.3), points: []),
            CostCurve(axis: .streams, name: "CPU µs an event", bound: .constant(factor: 1.5), points: []),
        ]
        return try visit(curves, at: options.isQuick ? [100, 200, 400] : [500, 2000, 8000]) { size throws(MillraceError) in
            let outcome = try withServer(store: "memory") { server throws(MillraceError) in
                try server.measure(tools: tools, flags: Workload.holding("1000000 every 1000", streams: size) + times(), connections: size)
            }
            let bytes = Double(outcome.usage.memoryAtStart - outcome.usage.memoryBefore)
            return [outcome.reading(bytes / 1024 / Double(size)), outcome.reading(outcome.cpuMicroseconds(per: outcome.load.events))]
        }
    }

    private func eventsPerRun() throws(MillraceError) -> [CostCurve] {
        try eventsPerRun(store: "memory", "in memory") + eventsPerRun(store: "sqlite", "on disk")
    }

    private func eventsPerRun(store: String, _ words: String) throws(MillraceError) -> [CostCurve] {
        let curves = [
            CostCurve(axis: .eventsPerRun, name: "CPU µs an event, \(words)", bound: .constant(factor: 1.3), points: []),
            CostCurve(axis: .eventsPerRun, name: "memory MB, \(words)", bound: .constant(factor: 2), points: []),
        ]
        return try visit(curves, at: options.isQuick ? [100, 1000] : [100, 1000, 10_000]) { size throws(MillraceError) in
            let outcome = try withServer(store: store) { server throws(MillraceError) in
                try server.measure(tools: tools, flags: Workload.streaming("\(size) together", events: size) + times(), connections: 16)
            }
            return [
                outcome.reading(outcome.cpuMicroseconds(per: outcome.load.events)),
                outcome.reading(Double(outcome.usage.memoryAtStop) / 1_048_576),
            ]
        }
    }

    private func readersPerRun() throws(MillraceError) -> [CostCurve] {
        let curves = [
            CostCurve(axis: .readersPerRun, name: "CPU µs an event and reader", bound: .constant(factor: 1.1), points: []),
            CostCurve(axis: .readersPerRun, name: "gap p50 ms", bound: .constant(factor: 1.2), points: []),
        ]
        return try visit(curves, at: options.isQuick ? [1, 8, 32] : [1, 10, 100, 1000]) { size throws(MillraceError) in
            let outcome = try withServer(store: "memory") { server throws(MillraceError) in
                let starter = try LoopbackConnection(port: server.port)
                try starter.send("POST", "/api/v1/generate/stream", body: Workload.body("1000000 every 10"))
                let run = try SoakStream(starter).response
                // The run goes on without the one who started it.
                starter.end()
                return try server.measure(
                    tools: tools, flags: ["--hold", "--path", "/api/v1/runs/\(run)/events?after=1"] + times(), connections: size)
            }
            return [outcome.reading(outcome.cpuMicroseconds(per: outcome.load.events)), outcome.reading(outcome.load.gap.p50 ?? 0)]
        }
    }

    private func history() throws(MillraceError) -> [CostCurve] {
        let curves = [
            CostCurve(axis: .history, name: "CPU µs a request", bound: .linear(factor: 1.5), points: []),
            CostCurve(axis: .history, name: "first event p50 ms", bound: .linear(factor: 1.5), points: []),
        ]
        return try visit(curves, at: options.isQuick ? [10, 50, 200] : [10, 200, 1000, 4000]) { size throws(MillraceError) in
            let outcome = try withServer(store: "sqlite") { server throws(MillraceError) in
                let last = try ChatFiller(port: server.port).fill(messages: size)
                return try server.measure(
                    tools: tools, flags: ["--streams", "--events", "1", "--body", ChatFiller.body(after: last)] + times(), connections: 1)
            }
            return [
                outcome.reading(outcome.cpuMicroseconds(per: outcome.load.responses)), outcome.reading(outcome.load.firstEvent.p50 ?? 0),
            ]
        }
    }

    /// A store of each size, and what is done with it.
    private func storedRuns() throws(MillraceError) -> [CostCurve] {
        func curve(_ name: String, _ factor: Double = 1.5) -> CostCurve {
            CostCurve(axis: .storedRuns, name: name, bound: .constant(factor: factor), points: [])
        }
        let lists = [("all", ""), ("by status", "&status=completed"), ("by task", "&task=bench"), ("of a rare status", "&status=error")]
        let curves =
            [
                curve("start ms", 2), curve("CPU µs a new run"), curve("first event p50 ms of a new run", 2),
                curve("CPU µs a run read again"),
            ]
            + lists.map { curve("CPU µs a page of 50, \($0.0)") }
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
        let sizes = [options.runs / 100, options.runs / 10, options.runs]
        let store = "\(directory)/data/millrace.db"
        try Files.copy(store, to: "\(directory)/empty.db")
        for size in sizes {
            let begin = Monotonic.nanoseconds()
            if size != options.runs { try Files.copy("\(directory)/empty.db", to: "\(directory)/\(size).db") }
            try StoreFiller(path: size == options.runs ? store : "\(directory)/\(size).db").add(runs: size)
            let seconds = Double(Monotonic.nanoseconds() - begin) / 1e9
            StandardError.write("stored-runs \(size): filled in \(Report.decimal(seconds, 1)) s\n")
        }
        return try visit(curves, at: sizes) { size throws(MillraceError) in
            // The largest store hardly grows by what is measured; of the others each visit has a fresh one.
            let place = size == options.runs ? directory : try Files.makeTemporaryDirectory(in: directory)
            if place != directory {
                try Files.makeDirectory("\(place)/data")
                try Files.copy("\(directory)/\(size).db", to: "\(place)/data/millrace.db")
            }
            defer { if place != directory { Files.removeTree(place) } }
            let begin = Monotonic.nanoseconds()
            return try withServer(store: "sqlite", directory: place) { server throws(MillraceError) in
                let milliseconds = Double(Monotonic.nanoseconds() - begin) / 1e6
                let new = try quietly { () throws(MillraceError) in
                    try server.measure(tools: tools, flags: Workload.streaming("4 together", events: 4) + times(), connections: 16)
                }
                var readings = [
                    new.reading(milliseconds), new.reading(new.cpuMicroseconds(per: new.load.responses)),
                    new.reading(new.load.firstEvent.p50 ?? 0),
                ]
                for path in ["runs/\(pattern)/events"] + lists.map({ "runs?limit=50\($0.1)" }) {
                    let outcome = try quietly { () throws(MillraceError) in
                        try server.measure(tools: tools, flags: ["--requests", "--path", "/api/v1/\(path)"] + times(), connections: 16)
                    }
                    readings.append(outcome.reading(outcome.cpuMicroseconds(per: outcome.load.responses)))
                }
                _ = server.end(within: 20)
                return readings
            }
        }
    }

    /// Measures at every size as often as was asked for. The sizes take turns, so that a machine that becomes slower does so for all.
    /// - Parameter measure: gives a reading for each curve.
    private func visit(
        _ curves: [CostCurve], at sizes: [Int], _ measure: (Int) throws(MillraceError) -> [CostCurve.Reading]
    ) throws(MillraceError) -> [CostCurve] {
        var readings: [Int: [[CostCurve.Reading]]] = [:]
        for round in 0..<options.repetitions {
            for size in round % 2 == 0 ? sizes : sizes.reversed() { readings[size, default: []].append(try measure(size)) }
        }
        return curves.indices.map { index in
            var curve = curves[index]
            curve.points = sizes.map { size in
                CostCurve.Point(size: Double(size), readings: (readings[size] ?? []).map { $0[index] })
            }
            return curve
        }
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

extension LoadOutcome {
    /// A cost that was found with it.
    func reading(_ cost: Double) -> CostCurve.Reading { CostCurve.Reading(cost, disturbance) }

    /// The server's CPU time for each of `units`.
    func cpuMicroseconds(per units: Int) -> Double { units > 0 ? Double(usage.cpuNanoseconds) / 1000 / Double(units) : 0 }
}
