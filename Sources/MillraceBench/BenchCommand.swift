import Glibc
import MillraceCore

/// The commands of `millrace-bench`.
enum BenchCommand {
    static let usage = """
        usage: millrace-bench run [--workload NAME…] [--contender NAME…] [--repeat N] [--seconds S] [--streams N] [--loops N] [--quick]
                                  [--json FILE] [--pin] [--retries N] [--allow-disturbed] [--tools DIR] [--python FILE] [--work-dir DIR]
               millrace-bench compare FIRST.json SECOND.json [--relative CONTENDER]
               millrace-bench curves [--curve NAME…] [--runs N] [--repeat N] [--quick] [--json FILE] [--tools DIR] [--work-dir DIR]
               millrace-bench soak [--seconds N] [--clients N] [--seed N] [--config FILE] [--store-limit-mb N] [--work-dir DIR]
               millrace-bench search --passages FILE --queries FILE --runs DIR [--weights T:T:S…] [--depth N]
                                     [--repeat N] [--work-dir DIR]
               millrace-bench embed TEXTS.jsonl VECTORS.jsonl
               millrace-bench list
        run and compare:
          --workload NAME   one of `list`; may be repeated (all but those in parentheses)
          --contender NAME  one of `list`; may be repeated (all that are installed)
          --repeat N        repetitions; the contenders take turns within each (3)
          --seconds S       measured time of each run (2)
          --streams N       streams of the trickle workload (2000)
          --loops N         event loops of Millrace (1, as the others have one)
          --quick           one short repetition, 1,000 streams at most: whether everything works, not what it costs
          --json FILE       write the results there as well
          --pin             servers with one worker on core 0, the load and the upstream on core 1
          --retries N       how often an attempt is made again that other processes disturbed (2)
          --allow-disturbed count it all the same; without it, exit 1
          --tools DIR       where MillraceBenchLoad, MillraceBenchFloor and MillraceBenchUpstream are (beside this program)
          --python FILE     an interpreter that has FastAPI, httpx and uvicorn (.venv-bench/bin/python)
          --work-dir DIR    where logs and stores are written, a real disk for the committed workloads (/var/tmp)
          --relative NAME   compare values divided by this contender's in the same repetition, such as floor
        curves, beside the same of run:
          --curve NAME      one of `list`; may be repeated (all)
          --runs N          stored runs of the largest store (1000000)
          --repeat N        turns that every size has, of which the median counts (3)
        soak:
          --seconds N       time under load after the warm-up, which is a fifth of it (120)
          --clients N       clients at one time (8)
          --seed N          repeats the clients' order of actions (that of the clock, which is printed)
          --config FILE     a config.yaml for the server, such as one that lets runs expire
          --store-limit-mb N  the largest store at the end, in place of a bound on its growth for each run
        search (`.ci/search-quality` calls it and judges what was found):
          --passages FILE   a JSON object on each line: id, text, title, section, and vector where there is one
          --queries FILE    the same with id, text and vector
          --runs DIR        where lists in TREC's format and times.json go
          --weights T:T:S   also with these weights of text, title and section; may be repeated
          --depth N         passages of each list (100)
          --repeat N        how often the queries are asked where they are timed (3)

        """

    /// Returns the exit status: 64 for a wrong command line, 1 where a run failed.
    static func run(_ arguments: [String]) -> Int32 {
        // A child that has ended is noticed by its answer, not by a signal.
        signal(SIGPIPE, SIG_IGN)
        ChildProcess.inheritOrphans()
        do {
            switch arguments.first {
            case "server":
                return try ServerCommand.run(arguments.dropFirst())
            case "run":
                return try RunCommand(options: RunOptions(arguments.dropFirst())).run()
            case "curves":
                return try CurvesCommand(CurvesOptions(arguments.dropFirst())).run()
            case "soak":
                return try SoakCommand(SoakOptions(arguments.dropFirst())).run()
            case "search":
                return try SearchCommand(options: SearchOptions(arguments.dropFirst())).run()
            case "embed":
                return try EmbedCommand.run(arguments.dropFirst())
            case "compare":
                return try CompareCommand.run(arguments.dropFirst())
            case "list":
                list()
                return 0
            case "--help", "-h":
                print(usage, terminator: "")
                return 0
            default:
                throw MillraceError(.invalidInput, arguments.first.map { "'\($0)' is no command" } ?? "a command is missing")
            }
        } catch let error as MillraceError {
            StandardError.write("millrace-bench: \(error.message)\n")
            if error.code == .invalidInput { StandardError.write(usage) }
            return error.code == .invalidInput ? 64 : 1
        } catch {
            StandardError.write("millrace-bench: \(error)\n")
            return 1
        }
    }

    private static func list() {
        print("workloads:")
        for workload in Workload.all(streams: RunOptions.defaultStreams) {
            let name = workload.isDefault ? workload.name : "(\(workload.name))"
            print("  \(Report.pad(name, to: 22)) \(workload.summary)")
        }
        print("contenders:")
        for contender in Contender.all { print("  \(Report.pad(contender.name, to: 22)) \(contender.summary)") }
        print("curves:")
        for curve in CostCurve.Axis.allCases { print("  \(Report.pad(curve.rawValue, to: 22)) \(curve.summary)") }
    }
}

/// What goes beside the results, unbuffered.
enum StandardError {
    static func write(_ text: String) {
        var text = text
        text.withUTF8 { _ = Glibc.write(2, $0.baseAddress, $0.count) }
    }
}
