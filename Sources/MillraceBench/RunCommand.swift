import Glibc
import MillraceCore

/// `millrace-bench run`: every workload, every contender, every repetition.
struct RunCommand {
    let options: RunOptions
    private let workloads: [Workload]
    private let contenders: [Contender]
    private let runner: Runner

    init(options: RunOptions) throws(MillraceError) {
        self.options = options
        workloads = try Self.chosen(options.workloads, of: Workload.all(streams: options.streams), \.name)
        let ownPath = Files.ownPath()
        runner = Runner(options: options, tools: options.tools ?? Files.directory(of: ownPath), ownPath: ownPath)
        contenders = try Self.chosen(options.contenders, of: Contender.all, \.name)
        guard Files.executable("\(runner.tools)/MillraceBenchLoad") != nil else {
            throw MillraceError(.notFound, "there is no MillraceBenchLoad in \(runner.tools): build the package, or give --tools")
        }
    }

    /// Prints the table. Returns 1 where a run failed, or was disturbed and `--strict` was given.
    func run() throws(MillraceError) -> Int32 {
        var measurements: [Measurement] = []
        for repetition in 0..<options.repetitions {
            for workload in workloads {
                let taking = contenders.filter { $0.takesPart(in: workload) }
                // The machine drifts: the contenders run close together, and none is always first.
                for turn in taking.indices {
                    let contender = taking[(turn + repetition) % taking.count]
                    StandardError.write("\(repetition + 1)/\(options.repetitions) \(workload.name): \(contender.name)\n")
                    measurements.append(runner.measure(workload, contender))
                }
            }
        }
        let report = report(of: measurements)
        print(report.table, terminator: "")
        if let path = options.json { try Files.write(report.json.text + "\n", to: path) }
        // What was asked for by name is expected to be there.
        if !options.contenders.isEmpty, report.hasAbsent { return 1 }
        return report.hasFailed || (options.isStrict && report.isDisturbed) ? 1 : 0
    }

    private func report(of measurements: [Measurement]) -> Report {
        Report(
            sections: workloads.map { workload in
                Report.Section(
                    workload: workload,
                    summaries: contenders.filter { $0.takesPart(in: workload) }.map { contender in
                        Summary(
                            contender: contender.name, primary: workload.metrics[0],
                            measurements.filter { $0.workload == workload.name && $0.contender == contender.name })
                    })
            })
    }

    /// The named ones in the order of all, or all where none is named.
    static func chosen<Choice>(
        _ names: [String], of all: [Choice], _ name: (Choice) -> String
    ) throws(MillraceError) -> [Choice] {
        let known = all.map(name)
        if let unknown = names.first(where: { !known.contains($0) }) {
            throw MillraceError(.invalidInput, "'\(unknown)' is unknown; there are \(known.joined(separator: ", "))")
        }
        return names.isEmpty ? all : all.filter { names.contains(name($0)) }
    }
}
