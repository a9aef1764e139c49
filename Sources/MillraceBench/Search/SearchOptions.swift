import MillraceCore

/// What `millrace-bench search` was asked for.
struct SearchOptions: Equatable {
    var passages = ""
    var queries = ""
    var runs = ""
    /// How many passages a run lists for each query.
    var depth = 100
    /// How often the queries are asked where they are timed.
    var repetitions = 3
    /// Other weights of text, title and section than a collection's, each of which gets a run.
    var weights: [[Double]] = []
    var workDirectory = "/var/tmp"

    init(_ arguments: some Sequence<String>) throws(MillraceError) {
        var rest = CommandLineFlags(arguments)
        while let flag = rest.next() {
            switch flag {
            case "--passages": passages = try rest.value(of: flag)
            case "--queries": queries = try rest.value(of: flag)
            case "--runs": runs = try rest.value(of: flag)
            case "--depth": depth = try rest.count(of: flag, 1...1000)
            case "--repeat": repetitions = try rest.count(of: flag, 1...100)
            case "--weights":
                let numbers = try rest.value(of: flag).split(separator: ":").compactMap { Double($0) }
                guard numbers.count == 3, numbers.allSatisfy({ $0 >= 0 && $0.isFinite }) else {
                    throw MillraceError(.invalidInput, "\(flag): expected TEXT:TITLE:SECTION")
                }
                weights.append(numbers)
            case "--work-dir": workDirectory = try rest.value(of: flag)
            default: throw MillraceError(.invalidInput, "\(flag): no such flag")
            }
        }
        for (flag, value) in [("--passages", passages), ("--queries", queries), ("--runs", runs)] where value.isEmpty {
            throw MillraceError(.invalidInput, "search needs \(flag)")
        }
    }
}
