/// A flag of a command.
struct FlagSpecification: Equatable {
    /// The name without dashes.
    var name: String
    /// What its value is called in the help; `nil`: the flag takes none.
    var value: String?
    var help: String
    /// Whether it may be given more than once.
    var isRepeatable = false
}

/// A command: what it is called, takes and does. Its help is written from this, so no flag can be missing there.
struct CommandSpecification {
    var name: String
    var summary: String
    /// What stands for its positional arguments in the help, such as `[TEXT]`.
    var arguments = ""
    var argumentCount = 0...0
    var flags: [FlagSpecification] = []
    var subcommands: [CommandSpecification] = []

    /// The help text.
    /// - Parameter path: the command with its parents, such as `millrace runs`.
    func help(path: String) -> String {
        var text = "\(summary)\n\nUsage: \(path)"
        if !subcommands.isEmpty { text += " COMMAND" }
        if !arguments.isEmpty { text += " \(arguments)" }
        text += " [flags]\n"
        if !subcommands.isEmpty {
            let width = subcommands.map(\.name.count).max() ?? 0
            text += "\nCommands:\n"
            for command in subcommands {
                text += "  \(command.name)\(String(repeating: " ", count: width - command.name.count))  \(command.summary)\n"
            }
        }
        var rows = flags.map { ("--\($0.name)" + ($0.value.map { " \($0)" } ?? ""), $0.help) }
        rows.append(("-h, --help", "show this help"))
        if !path.contains(" ") { rows.append(("--version", "show the version")) }
        let width = rows.map(\.0.count).max() ?? 0
        text += "\nFlags:\n"
        for (name, help) in rows { text += "  \(name)\(String(repeating: " ", count: width - name.count))  \(help)\n" }
        if !subcommands.isEmpty { text += "\n`\(path) COMMAND --help` tells more about a command.\n" }
        return text
    }
}
