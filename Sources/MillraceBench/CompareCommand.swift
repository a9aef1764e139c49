import MillraceCore

/// `millrace-bench compare A.json B.json`: which differences exceed the spread.
enum CompareCommand {
    /// Returns 1 where something is worse by more than the spread.
    static func run(_ arguments: some Sequence<String>) throws(MillraceError) -> Int32 {
        var flags = CommandLineFlags(arguments)
        var files: [String] = []
        var reference: String?
        while let word = flags.next() {
            if word == "--relative" {
                reference = try flags.value(of: word)
            } else if word.hasPrefix("--") {
                throw MillraceError(.invalidInput, "\(word): no such flag")
            } else {
                files.append(word)
            }
        }
        guard files.count == 2 else { throw MillraceError(.invalidInput, "compare needs two files that `run --json` wrote") }
        let comparison = try Comparison(try report(files[0]), try report(files[1]), relativeTo: reference)
        print(comparison.table, terminator: "")
        return comparison.rows.contains { $0.verdict == .worse } ? 1 : 0
    }

    private static func report(_ path: String) throws(MillraceError) -> JSONValue {
        guard let text = Files.read(path) else { throw MillraceError(.notFound, "cannot read \(path)") }
        return try JSONValue(parsing: text)
    }
}
