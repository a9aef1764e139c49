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
        let value = setting.placeholder
        let standard = setting.text(ServerSettings())
        return FlagSpecification(
            name: flag, value: value, help: setting.documentation + (standard.isEmpty || value == nil ? "" : " (default: \(standard))"))
    }

    /// The settings' flags of commands that need to know where data is, and nothing of a server.
    private static let placeFlags = settingFlags.filter { ["data-dir", "config", "env"].contains($0.name) }

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
                name: "new", summary: "Write a handler of your own: a package with its settings, tests, an example, and a server for it.",
                arguments: "NAME", argumentCount: 1...1,
                flags: [
                    FlagSpecification(
                        name: "directory", value: "DIR",
                        help: "where the folder NAME is made (default: here; in a clone of Millrace: examples)"),
                    FlagSpecification(
                        name: "millrace", value: "DIR",
                        help: "the clone of Millrace to build against (default: the one around this directory)"),
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
                name: "ingest",
                summary: "Put files and folders into a collection that is searched. Run again, it takes what is new or has changed.",
                arguments: "PATH...", argumentCount: 1...Int.max,
                flags: [
                    FlagSpecification(name: "index", value: "NAME", help: "the collection; it is made if need be"),
                    FlagSpecification(name: "language", value: "L", help: "of a new collection, if not search.language: german, …"),
                    FlagSpecification(
                        name: "metadata", value: "name=value", help: "known of all these documents, to be filtered by (repeatable)",
                        isRepeatable: true),
                    FlagSpecification(
                        name: "fresh",
                        help: "remove the collection first, with all that any call put there: for another embedder or language"),
                    FlagSpecification(name: "delete-missing", help: "delete documents of the folders whose files are gone"), json,
                ] + placeFlags),
            CommandSpecification(
                name: "secrets", summary: "Keep secrets by name, encrypted in a file or in AWS Secrets Manager.",
                subcommands: [
                    CommandSpecification(
                        name: "set",
                        summary: "Store a value. It is read from standard input, or asked for; a line break at its end is left out.",
                        arguments: "NAME", argumentCount: 1...1,
                        flags: [
                            FlagSpecification(name: "value-file", value: "F", help: "read the value from a file"),
                            FlagSpecification(name: "exact", help: "keep a line break at the value's end"),
                        ] + placeFlags),
                    CommandSpecification(
                        name: "get", summary: "Print a value.", arguments: "NAME", argumentCount: 1...1,
                        flags: [FlagSpecification(name: "key", value: "MEMBER", help: "a member of a value that is a JSON object")]
                            + placeFlags),
                    CommandSpecification(name: "list", summary: "List secrets, without their values.", flags: [json] + placeFlags),
                    CommandSpecification(
                        name: "rotate",
                        summary: "Encrypt the file with a new key; with NAME: start the rotation of that secret in Secrets Manager.",
                        arguments: "[NAME]", argumentCount: 0...1, flags: placeFlags),
                    CommandSpecification(
                        name: "remove", summary: "Remove a secret.", arguments: "NAME", argumentCount: 1...1, flags: placeFlags),
                ]),
            CommandSpecification(
                name: "doctor", summary: "Check what is installed, configured and reachable.", flags: settingFlags + [server]),
            CommandSpecification(
                name: "config", summary: "Look at the configuration without starting anything.",
                subcommands: [
                    CommandSpecification(
                        name: "check", summary: "List everything that is wrong or odd, with file, line and key.", flags: settingFlags),
                    CommandSpecification(
                        name: "show", summary: "List every setting with its value and where that came from, secrets masked.",
                        flags: [FlagSpecification(name: "changed", help: "only settings that have not their default"), json] + settingFlags
                    ),
                ]),
            CommandSpecification(
                name: "prompts", summary: "Work on the templates of handlers.",
                subcommands: [
                    CommandSpecification(
                        name: "embed",
                        summary: "Make the Swift file FILE, such as ChatPrompts.swift, that has the templates of FOLDER in it.",
                        arguments: "FOLDER FILE", argumentCount: 2...2)
                ]),
            CommandSpecification(name: "env-example", summary: "Print .env.example: every setting with its default."),
        ])
}
