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
        workloads = try Self.workloads(options)
        let ownPath = Files.ownPath()
        runner = Runner(
            options: options, tools: options.tools ?? Files.directory(of: ownPath), ownPath: ownPath, descriptors: Descriptors.raiseLimit())
        contenders = try Self.chosen(options.contenders, of: Contender.all, \.name)
        guard Files.executable("\(runner.tools)/MillraceBenchLoad") != nil else {
            throw MillraceError(.notFound, "there is no MillraceBenchLoad in \(runner.tools): build the package, or give --tools")
        }
    }

    /// Prints the table. Returns 1 where something failed, was refused because of other processes, or is missing though it was named.
    func run() throws(MillraceError) -> Int32 {
        let begin = Monotonic.nanoseconds()
        var report = Report(sections: [], origin: MachineDescription(options: options).origin)
        print("\(report.origin.text)\n\(report.origin.versionsText)\n")
        for workload in workloads {
            let section = measure(workload)
            report.sections.append(section)
            print(report.table(of: section), terminator: "")
            // A run that is cut short keeps what it had.
            fflush(nil)
            if let path = options.json { try Files.write(report.json.text + "\n", to: path) }
        }
        print(report.footer, terminator: "")
        StandardError.write("\(Report.decimal(Double(Monotonic.nanoseconds() - begin) / 1e9, 0)) s in all\n")
        // What was asked for by name is expected to be there.
        if !options.contenders.isEmpty, report.hasAbsent { return 1 }
        return report.hasFailed || report.isRefused ? 1 : 0
    }

    private func measure(_ workload: Workload) -> Report.Section {
        let taking = contenders.filter { $0.takesPart(in: workload) }
        var measurements: [Measurement] = []
        for repetition in 0..<options.repetitions {
            // The machine drifts: the contenders run close together, and none is always first.
            for turn in taking.indices {
                let contender = taking[(turn + repetition) % taking.count]
                if measurements.contains(where: { $0.contender == contender.name && $0.isAbsent }) { continue }
                StandardError.write("\(workload.name) \(repetition + 1)/\(options.repetitions): \(contender.name)\n")
                measurements += attempts(workload, contender, repetition)
            }
        }
        return Report.Section(
            workload: workload,
            summaries: taking.map { contender in
                Summary(
                    contender: contender.name, measurements.filter { $0.contender == contender.name },
                    allowsDisturbed: options.allowsDisturbed)
            },
            leftOut: contenders.compactMap { contender in contender.reasonToStayOut(of: workload).map { (contender.name, $0) } })
    }

    /// Measures until an attempt is not disturbed, or has been made again often enough.
    private func attempts(_ workload: Workload, _ contender: Contender, _ repetition: Int) -> [Measurement] {
        var attempts: [Measurement] = []
        for _ in 0...options.retries {
            var attempt = runner.measure(workload, contender)
            attempt.repetition = repetition
            attempts.append(attempt)
            guard attempt.isDisturbed, let disturbance = attempt.disturbance else { break }
            StandardError.write("  disturbed: \(disturbance.text)\n")
        }
        return attempts
    }

    private static func workloads(_ options: RunOptions) throws(MillraceError) -> [Workload] {
        let all = Workload.all(streams: options.streams)
        if !options.workloads.isEmpty { return try chosen(options.workloads, of: all, \.name) }
        return all.filter { $0.isDefault && (!options.isQuick || $0.connections <= 1000) }
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
