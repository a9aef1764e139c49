import Glibc
import MillraceCore

/// The commands of `millrace-bench`.
enum BenchCommand {
    static let usage = """
        usage: millrace-bench run [--workload NAME…] [--contender NAME…] [--repeat N] [--seconds S] [--streams N] [--loops N]
                                  [--json FILE] [--pin] [--strict] [--tools DIR] [--python FILE] [--work-dir DIR]
               millrace-bench list
          --workload NAME   one of `list`; may be repeated (all)
          --contender NAME  one of `list`; may be repeated (all that are installed)
          --repeat N        repetitions; the contenders take turns within each (3)
          --seconds S       measured time of each run (5)
          --streams N       streams of the trickle and idle workloads (2000)
          --loops N         event loops of Millrace (1, as the others have one)
          --json FILE       write the results there as well
          --pin             the server on core 0, the load and the upstream on core 1
          --strict          exit 1 if other processes took more than 10 % of the CPU during a run that counts
          --tools DIR       where MillraceBenchLoad, MillraceBenchFloor and MillraceBenchUpstream are (beside this program)
          --python FILE     an interpreter that has FastAPI, httpx and uvicorn (.venv-bench/bin/python)
          --work-dir DIR    where logs and stores are written, a real disk for the committed workloads (/var/tmp)

        """

    /// Returns the exit status: 64 for a wrong command line, 1 where a run failed.
    static func run(_ arguments: [String]) -> Int32 {
        do {
            switch arguments.first {
            case "server":
                return try ServerCommand.run(arguments.dropFirst())
            case "run":
                return try RunCommand(options: RunOptions(arguments.dropFirst())).run()
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
            print("  \(Report.pad(workload.name, to: 22)) \(workload.summary)")
        }
        print("contenders:")
        for contender in Contender.all { print("  \(Report.pad(contender.name, to: 22)) \(contender.summary)") }
    }
}

/// What goes beside the results, unbuffered.
enum StandardError {
    static func write(_ text: String) {
        var text = text
        text.withUTF8 { _ = Glibc.write(2, $0.baseAddress, $0.count) }
    }
}
