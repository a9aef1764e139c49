import Glibc
import MillraceCore
import MillraceDatabase

/// `millrace-bench soak`: a mixed load for as long as is asked, and what is left of it in the server afterwards.
struct SoakCommand {
    let options: SoakOptions
    /// This program, whose `server` is started.
    let program: String

    init(_ options: SoakOptions, program: String = Files.ownPath()) {
        self.options = options
        self.program = program
    }

    private static let idleLimitSeconds = 60.0

    /// Prints what the server held before and after. Returns 1 where something did not return to its base line, or went wrong meanwhile.
    func run() throws(MillraceError) -> Int32 {
        let directory = try Files.makeTemporaryDirectory(in: options.workDirectory)
        defer { Files.removeTree(directory) }
        _ = Descriptors.raiseLimit()
        let port = try LoopbackPort.free()
        let server = try ServerProcess(
            program,
            ["server", "--port", "\(port)", "--store", "sqlite", "--data-dir", "\(directory)/data", "--loops", "0"]
                + (options.config.map { ["--config", $0] } ?? []), port: port, directory: directory)
        try server.waitUntilItAnswers("/readyz")
        print(
            "soak: \(options.clients) clients, \(Report.decimal(options.warmSeconds, 0)) s of warm-up, "
                + "\(Report.decimal(options.seconds, 0)) s of load, seed \(options.seed)")

        var tally = SoakClient.Tally()
        let start = try idleState(server, tally)
        try load(port: port, seconds: options.warmSeconds, seed: options.seed, &tally)
        let base = try idleState(server, tally)
        try load(port: port, seconds: options.seconds, seed: ~options.seed, &tally)
        let end = try idleState(server, tally, like: base)

        var bounds = SoakBounds()
        bounds.storeBytes = options.storeLimitMegabytes.map { $0 << 20 }
        var problems = bounds.broken(start: start, base: base, end: end)
        problems += tally.failures.sorted { $0.value > $1.value }.prefix(10).map { "\($0.value) × \($0.key)" }
        let status = server.end(within: 40)
        if status != 0 {
            problems.append("the server ended \(status.map { "with status \($0)" } ?? "not in time, or by a signal")")
        }
        print(Self.table(start: start, base: base, end: end, tally))
        for problem in problems { print("  BROKEN \(problem)") }
        if problems.isEmpty {
            print("All returned to the base line.")
        } else {
            StandardError.write(Files.read("\(directory)/errors.log").map { String($0.suffix(4000)) } ?? "")
        }
        return problems.isEmpty ? 0 : 1
    }

    /// All clients at once, each on a thread of its own, until the time is over.
    private func load(port: Int, seconds: Double, seed: UInt64, _ tally: inout SoakClient.Tally) throws(MillraceError) {
        let until = Monotonic.nanoseconds() + Int(seconds * 1e9)
        let tallies = Locked<[SoakClient.Tally]>([])
        var threads: [NamedThread] = []
        // Threads that were started are joined also where another one could not be.
        defer { for thread in threads { thread.join() } }
        for number in 0..<options.clients {
            threads.append(
                try NamedThread(name: "client-\(number)") {
                    var client = SoakClient(port: port, number: number, seed: seed)
                    var tally = SoakClient.Tally()
                    while Monotonic.nanoseconds() < until { client.act(&tally) }
                    tallies.withLock { $0.append(tally) }
                })
        }
        for thread in threads { thread.join() }
        threads = []
        for one in tallies.withLock({ $0 }) {
            tally.runs += one.runs
            tally.actions.merge(one.actions, uniquingKeysWith: +)
            tally.failures.merge(one.failures, uniquingKeysWith: +)
        }
    }

    /// Waits until no run goes on and all connections are closed, and looks at what is left.
    private func idleState(
        _ server: borrowing ServerProcess, _ tally: SoakClient.Tally, like base: SoakState? = nil
    ) throws(MillraceError) -> SoakState {
        let limit = Monotonic.nanoseconds() + Int(Self.idleLimitSeconds * 1e9)
        while Monotonic.nanoseconds() < limit {
            let ready = try LoopbackConnection(port: server.port).exchange("GET", "/readyz").body
            let descriptors = ProcessSampler.descriptors(of: server.identifier)
            if try JSONValue(parsing: ready)["runs"]?.integer == 0, base.map({ descriptors <= $0.descriptors }) ?? true { break }
            usleep(100_000)
        }
        // What follows the end of a run or a connection: the last commit, the close of a descriptor, a memory trim.
        usleep(1_500_000)
        let data = "\(server.directory)/data"
        return SoakState(
            descriptors: ProcessSampler.descriptors(of: server.identifier), threads: ProcessSampler.threads(of: server.identifier),
            memory: ProcessSampler.residentBytes(of: [server.identifier]),
            storeBytes: try Self.usedBytes(of: "\(data)/millrace.db"),
            writeAheadBytes: Files.size(of: data) { $0 == "millrace.db-wal" },
            objectBytes: Files.size(of: "\(data)/objects"), runs: tally.runs)
    }

    private static func usedBytes(of path: String) throws(MillraceError) -> Int {
        let connection = try SQLiteConnection.open(path: path, access: .readOnly, busyTimeoutMilliseconds: 5000)
        let statement = try SQLiteStatement(
            "SELECT (page_count - freelist_count) * page_size FROM pragma_page_count, pragma_freelist_count, pragma_page_size",
            on: connection)
        return try statement.step() ? statement.int(0) : 0
    }

    static func table(start: SoakState, base: SoakState, end: SoakState, _ tally: SoakClient.Tally) -> String {
        func row(_ name: String, _ value: (SoakState) -> Int) -> [String] { [name] + [start, base, end].map { "\(value($0))" } }
        func perRun(_ earlier: SoakState, _ later: SoakState) -> String {
            SoakBounds.perRun(from: earlier, to: later).map { Report.decimal($0, 0) } ?? "–"
        }
        let actions = SoakMix.Action.allCases.map { "\($0.rawValue) \(tally.actions[$0] ?? 0)" }.joined(separator: ", ")
        return Report.aligned([
            ["", "start", "base line", "after"], row("descriptors", \.descriptors), row("threads", \.threads),
            row("memory KB") { $0.memory >> 10 }, row("store KB") { $0.storeBytes >> 10 },
            row("write-ahead log KB") { $0.writeAheadBytes >> 10 }, row("uploaded bytes", \.objectBytes), row("runs", \.runs),
            ["store bytes a run", "", perRun(start, base), perRun(base, end)],
        ]) + "  \(tally.actions.values.reduce(0, +)) actions: \(actions)"
    }
}
