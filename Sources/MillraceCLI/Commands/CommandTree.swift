import MillraceServer

/// The commands of `millrace`.
enum CommandTree {
    static let defaultServer = "http://127.0.0.1:8000"

    private static let server = FlagSpecification(
        name: "server", value: "URL", help: "the server to talk to (default: \(defaultServer); MILLRACE_SERVER)")
    private static let json = FlagSpecification(name: "json", help: "print JSON, one object a line")

    /// The settings that have a flag, from the table of settings.
    static let settingFlags: [FlagSpecification] = SettingTable.all.compactMap { setting in
        guard let flag = setting.flag else { return nil }
        let value: String? =
            switch setting.kind {
            case .bool: nil
            case .choice(let names): names.joined(separator: "|")
            case .integer, .seconds: "N"
            case .list: "A,B"
            case .text:
                flag == "data-dir" ? "DIR" : flag == "config" ? "FILE" : flag == "env" ? "NAME" : flag == "host" ? "ADDRESS" : "TEXT"
            }
        let standard = setting.text(ServerSettings())
        return FlagSpecification(
            name: flag, value: value, help: setting.documentation + (standard.isEmpty || value == nil ? "" : " (default: \(standard))"))
    }

    static let root = CommandSpecification(
        name: "millrace", summary: "Runs AI task handlers and streams what they do.",
        subcommands: [
            CommandSpecification(name: "serve", summary: "Start the server.", flags: settingFlags),
            CommandSpecification(
                name: "chat", summary: "Ask something and watch the answer come. Without TEXT: reads standard input, or prompts.",
                arguments: "[TEXT]", argumentCount: 0...1,
                flags: [
                    FlagSpecification(name: "file", value: "F", help: "attach a file (repeatable)", isRepeatable: true), server,
                    FlagSpecification(name: "chat", value: "ID", help: "go on in this chat"),
                    FlagSpecification(name: "task", value: "T", help: "the handler that answers (default: the server's)"),
                    FlagSpecification(name: "model", value: "M", help: "the model (default: the handler's)"),
                    FlagSpecification(name: "persona", value: "P", help: "who the model is asked to be"), json,
                    FlagSpecification(name: "local", help: "run in this process, without a server"),
                ]),
            CommandSpecification(
                name: "runs", summary: "Look at runs.",
                subcommands: [
                    CommandSpecification(
                        name: "list", summary: "List runs, newest first.",
                        flags: [
                            FlagSpecification(name: "status", value: "S", help: "only runs with this status"),
                            FlagSpecification(name: "task", value: "T", help: "only runs of this handler"),
                            FlagSpecification(name: "chat", value: "ID", help: "only runs in this chat"),
                            FlagSpecification(name: "limit", value: "N", help: "at most this many, 1 to 1000 (default: 20)"), json, server,
                        ]),
                    CommandSpecification(
                        name: "show", summary: "Show how a run stands.", arguments: "ID", argumentCount: 1...1, flags: [json, server]),
                    CommandSpecification(
                        name: "follow", summary: "Stream a run's events, past and coming.", arguments: "ID", argumentCount: 1...1,
                        flags: [FlagSpecification(name: "after", value: "N", help: "only events after this sequence"), json, server]),
                    CommandSpecification(
                        name: "cancel", summary: "Stop a run.", arguments: "ID", argumentCount: 1...1, flags: [server]),
                ]),
            CommandSpecification(
                name: "doctor", summary: "Check what is installed, configured and reachable.", flags: settingFlags + [server]),
            CommandSpecification(name: "env-example", summary: "Print .env.example: every setting with its default."),
        ])
}
