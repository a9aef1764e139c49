import MillraceCore

/// What `millrace-bench curves` was asked for.
struct CurvesOptions: Equatable {
    var curves: [String] = []
    var seconds = 2.0
    var runs = 1_000_000
    var repetitions = 3
    var isQuick = false
    var allowsDisturbed = false
    var retries = 2
    var json: String?
    var tools: String?
    var workDirectory = "/var/tmp"

    init(_ arguments: some Sequence<String>) throws(MillraceError) {
        var rest = CommandLineFlags(arguments)
        while let flag = rest.next() {
            switch flag {
            case "--curve": curves.append(try rest.value(of: flag))
            case "--seconds": seconds = try rest.seconds(of: flag)
            case "--runs": runs = try rest.count(of: flag, 100...100_000_000)
            case "--repeat": repetitions = try rest.count(of: flag, 1...100)
            case "--retries": retries = try rest.count(of: flag, 0...100)
            case "--quick":
                isQuick = true
                seconds = 0.5
                runs = 20_000
                repetitions = 1
            case "--allow-disturbed": allowsDisturbed = true
            case "--json": json = try rest.value(of: flag)
            case "--tools": tools = try rest.value(of: flag)
            case "--work-dir": workDirectory = try rest.value(of: flag)
            default: throw MillraceError(.invalidInput, "\(flag): no such flag")
            }
        }
    }
}
