import MillraceCore

/// A command line that was understood.
struct ParsedCommand: Equatable {
    /// The command's names below the root, such as `["runs", "show"]`.
    var path: [String] = []
    /// Values by flag, in the order given; a flag without value has `["true"]`.
    var flags: [String: [String]] = [:]
    var arguments: [String] = []

    /// The last value of a flag.
    func value(_ flag: String) -> String? { flags[flag]?.last }
    /// Whether a flag was given.
    func has(_ flag: String) -> Bool { flags[flag] != nil }

    /// A flag's whole number.
    /// - Throws: ``UsageError`` when it is none or out of range.
    func integer(_ flag: String, in range: ClosedRange<Int>) throws(UsageError) -> Int? {
        guard let text = value(flag) else { return nil }
        guard let number = Int(text), range.contains(number) else {
            throw UsageError(
                "--\(flag): expected a whole number from \(range.lowerBound) to \(range.upperBound), found '\(text)'", path: path)
        }
        return number
    }
}

/// A command line that was not understood.
struct UsageError: Error, Equatable {
    var message: String
    /// The command that it was meant for, whose help the message points to.
    var path: [String]
    init(_ message: String, path: [String]) {
        self.message = message
        self.path = path
    }
}

/// Reads command lines: `command [subcommand] [arguments] [--flag value] [--flag=value] [--] [arguments]`, flags anywhere.
struct CommandLineParser {
    enum Outcome: Equatable {
        case run(ParsedCommand)
        case help(String)
        case version
    }

    let root: CommandSpecification

    /// - Throws: ``UsageError``, with a suggestion where a name is close to a known one.
    func parse(_ words: [String]) throws(UsageError) -> Outcome {
        var command = root
        var parsed = ParsedCommand()
        var rest = words[...]
        while let word = rest.popFirst() {
            if word == "--" {
                parsed.arguments += rest
                break
            }
            if word == "-h" || word == "--help" { return .help(command.help(path: fullName(parsed.path))) }
            if word == "--version", parsed.path.isEmpty { return .version }
            if word.hasPrefix("--") {
                try flag(word, of: command, &rest, &parsed)
            } else if word.hasPrefix("-"), word.count > 1 {
                throw UsageError(
                    "unknown flag '\(word)'" + Suggestion.phrase(for: "-" + word, among: names(of: command)), path: parsed.path)
            } else if command.subcommands.isEmpty {
                parsed.arguments.append(word)
            } else if let next = command.subcommands.first(where: { $0.name == word }) {
                command = next
                parsed.path.append(word)
            } else {
                let known = command.subcommands.map(\.name)
                throw UsageError("unknown command '\(word)'" + Suggestion.phrase(for: word, among: known), path: parsed.path)
            }
        }
        guard command.subcommands.isEmpty else {
            if parsed.path.isEmpty, words.isEmpty { return .help(command.help(path: root.name)) }
            throw UsageError("which command? One of \(command.subcommands.map(\.name).joined(separator: ", "))", path: parsed.path)
        }
        if parsed.arguments.count > command.argumentCount.upperBound {
            throw UsageError("unexpected argument '\(parsed.arguments[command.argumentCount.upperBound])'", path: parsed.path)
        }
        if parsed.arguments.count < command.argumentCount.lowerBound {
            throw UsageError("\(command.arguments) is missing", path: parsed.path)
        }
        return .run(parsed)
    }

    private func flag(
        _ word: String, of command: CommandSpecification, _ rest: inout ArraySlice<String>, _ parsed: inout ParsedCommand
    ) throws(UsageError) {
        let equals = word.firstIndex(of: "=")
        let name = String(word[..<(equals ?? word.endIndex)].dropFirst(2))
        let given = equals.map { String(word[word.index(after: $0)...]) }
        guard let flag = command.flags.first(where: { $0.name == name }) else {
            throw UsageError("unknown flag '--\(name)'" + Suggestion.phrase(for: "--" + name, among: names(of: command)), path: parsed.path)
        }
        if parsed.flags[name] != nil, !flag.isRepeatable { throw UsageError("--\(name) is given twice", path: parsed.path) }
        if flag.value == nil {
            if given != nil { throw UsageError("--\(name) takes no value", path: parsed.path) }
            parsed.flags[name] = ["true"]
            return
        }
        guard let value = given ?? rest.popFirst(), given != nil || !value.hasPrefix("--") else {
            throw UsageError("--\(name) needs a value: --\(name) \(flag.value ?? "VALUE")", path: parsed.path)
        }
        parsed.flags[name, default: []].append(value)
    }

    private func names(of command: CommandSpecification) -> [String] { command.flags.map { "--" + $0.name } + ["--help", "--version"] }

    func fullName(_ path: [String]) -> String { ([root.name] + path).joined(separator: " ") }
}
