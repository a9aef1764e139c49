import MillraceCore
import MillraceServer

/// `millrace config`: check, show. It reads what a start would read, and starts nothing.
struct ConfigCommand {
    let command: ParsedCommand
    let environment: [String: String]
    let terminal: Terminal

    init(_ command: ParsedCommand, _ environment: [String: String], _ terminal: Terminal) {
        self.command = command
        self.environment = environment
        self.terminal = terminal
    }

    func run() -> Int32 {
        var report = SettingsLoader.inspect(MillraceCommand.sources(command, environment))
        // This program has no tools but Millrace's own.
        report.problems += ConfiguredTools.problems(report.settings)
        return command.path.last == "check" ? check(report) : show(report)
    }

    /// Everything that is wrong stops a start; what is odd does not.
    private func check(_ report: SettingsReport) -> Int32 {
        for problem in report.problems { terminal.write(.output, "FAIL  \(problem)\n") }
        for warning in report.warnings { terminal.write(.output, "warn  \(warning)\n") }
        let files = report.files.isEmpty ? "no files" : report.files.joined(separator: ", ")
        let section = report.settings.environment.map { ", section \($0)" } ?? ""
        if report.problems.isEmpty { terminal.write(.output, "ok    the configuration is right (\(files)\(section))\n") }
        return report.problems.isEmpty ? ExitCode.success : ExitCode.failure
    }

    private func show(_ report: SettingsReport) -> Int32 {
        var entries = SettingEntry.all(report)
        if command.has("changed") { entries.removeAll { $0.origin == .defaultValue } }
        terminal.write(.output, Self.table(entries, isJSON: command.has("json")))
        // What is wrong is shown with its default: whoever reads that must know.
        for problem in report.problems { terminal.write(.error, "millrace: \(problem)\n") }
        return report.problems.isEmpty ? ExitCode.success : ExitCode.failure
    }

    /// `key = value  (origin)` a line, or one JSON object a line.
    static func table(_ entries: [SettingEntry], isJSON: Bool) -> String {
        entries.map { entry in
            if isJSON {
                let members: JSONValue = [
                    "key": .string(entry.key), "value": .string(entry.value), "origin": .string(entry.origin.description),
                ]
                return members.text + "\n"
            }
            return "\(entry.key) = \(entry.value)  (\(entry.origin))\n"
        }.joined()
    }
}
