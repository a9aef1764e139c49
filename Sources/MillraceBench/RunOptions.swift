import MillraceCore

/// What `millrace-bench run` was asked for.
struct RunOptions: Equatable {
    static let defaultStreams = 2000

    var workloads: [String] = []
    var contenders: [String] = []
    var repetitions = 3
    var seconds = 5.0
    var streams = RunOptions.defaultStreams
    var loops = 1
    var json: String?
    var isPinned = false
    var isStrict = false
    var tools: String?
    var python = ".venv-bench/bin/python"
    var workDirectory = "/var/tmp"

    init(_ arguments: some Sequence<String>) throws(MillraceError) {
        var rest = Array(arguments)[...]
        while let flag = rest.popFirst() {
            switch flag {
            case "--workload": workloads.append(try Self.value(of: flag, &rest))
            case "--contender": contenders.append(try Self.value(of: flag, &rest))
            case "--repeat": repetitions = try Self.count(of: flag, &rest, 1...1000)
            case "--streams": streams = try Self.count(of: flag, &rest, 1...100_000)
            case "--loops": loops = try Self.count(of: flag, &rest, 1...1024)
            case "--json": json = try Self.value(of: flag, &rest)
            case "--pin": isPinned = true
            case "--strict": isStrict = true
            case "--tools": tools = try Self.value(of: flag, &rest)
            case "--python": python = try Self.value(of: flag, &rest)
            case "--work-dir": workDirectory = try Self.value(of: flag, &rest)
            case "--seconds":
                let text = try Self.value(of: flag, &rest)
                guard let value = Double(text), value > 0, value <= 3600 else {
                    throw MillraceError(.invalidInput, "\(flag): '\(text)' is no time from 0 to 3600 seconds")
                }
                seconds = value
            default: throw MillraceError(.invalidInput, "\(flag): no such flag")
            }
        }
    }

    private static func value(of flag: String, _ rest: inout ArraySlice<String>) throws(MillraceError) -> String {
        guard let value = rest.popFirst() else { throw MillraceError(.invalidInput, "\(flag): its value is missing") }
        return value
    }

    private static func count(
        of flag: String, _ rest: inout ArraySlice<String>, _ allowed: ClosedRange<Int>
    ) throws(MillraceError) -> Int {
        let text = try value(of: flag, &rest)
        guard let value = Int(text), allowed.contains(value) else {
            throw MillraceError(.invalidInput, "\(flag): '\(text)' is not from \(allowed.lowerBound) to \(allowed.upperBound)")
        }
        return value
    }
}
