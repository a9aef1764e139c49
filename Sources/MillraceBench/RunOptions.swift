import MillraceCore

/// What `millrace-bench run` was asked for.
struct RunOptions: Equatable {
    static let defaultStreams = 2000

    var workloads: [String] = []
    var contenders: [String] = []
    var repetitions = 3
    var seconds = 2.0
    var streams = RunOptions.defaultStreams
    var loops = 1
    var json: String?
    var isPinned = false
    /// Fewer seconds, repetitions and workloads: whether everything works, not what it costs.
    var isQuick = false
    /// Whether attempts count that another process disturbed.
    var allowsDisturbed = false
    /// How often an attempt that was disturbed is made again.
    var retries = 2
    var tools: String?
    var python = ".venv-bench/bin/python"
    var workDirectory = "/var/tmp"

    init(_ arguments: some Sequence<String>) throws(MillraceError) {
        var rest = CommandLineFlags(arguments)
        while let flag = rest.next() {
            switch flag {
            case "--workload": workloads.append(try rest.value(of: flag))
            case "--contender": contenders.append(try rest.value(of: flag))
            case "--repeat": repetitions = try rest.count(of: flag, 1...1000)
            case "--streams": streams = try rest.count(of: flag, 1...100_000)
            case "--loops": loops = try rest.count(of: flag, 1...1024)
            case "--retries": retries = try rest.count(of: flag, 0...100)
            case "--json": json = try rest.value(of: flag)
            case "--pin": isPinned = true
            case "--quick":
                isQuick = true
                repetitions = 1
                seconds = 0.5
                streams = 200
            case "--allow-disturbed": allowsDisturbed = true
            case "--tools": tools = try rest.value(of: flag)
            case "--python": python = try rest.value(of: flag)
            case "--work-dir": workDirectory = try rest.value(of: flag)
            case "--seconds": seconds = try rest.seconds(of: flag)
            default: throw MillraceError(.invalidInput, "\(flag): no such flag")
            }
        }
    }
}

/// The words of a command line, one after the other.
struct CommandLineFlags {
    private var rest: ArraySlice<String>

    init(_ arguments: some Sequence<String>) { rest = Array(arguments)[...] }

    mutating func next() -> String? { rest.popFirst() }

    mutating func value(of flag: String) throws(MillraceError) -> String {
        guard let value = rest.popFirst() else { throw MillraceError(.invalidInput, "\(flag): its value is missing") }
        return value
    }

    mutating func count(of flag: String, _ allowed: ClosedRange<Int>) throws(MillraceError) -> Int {
        let text = try value(of: flag)
        guard let value = Int(text), allowed.contains(value) else {
            throw MillraceError(.invalidInput, "\(flag): '\(text)' is not from \(allowed.lowerBound) to \(allowed.upperBound)")
        }
        return value
    }

    mutating func seconds(of flag: String, upTo limit: Double = 3600) throws(MillraceError) -> Double {
        let text = try value(of: flag)
        guard let value = Double(text), value > 0, value <= limit else {
            throw MillraceError(.invalidInput, "\(flag): '\(text)' is no time from 0 to \(Int(limit)) seconds")
        }
        return value
    }
}
