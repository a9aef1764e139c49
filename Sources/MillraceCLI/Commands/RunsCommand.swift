import MillraceCore

/// `millrace runs`: list, show, follow, cancel.
struct RunsCommand {
    let command: ParsedCommand
    let environment: [String: String]
    let terminal: Terminal

    init(_ command: ParsedCommand, _ environment: [String: String], _ terminal: Terminal) {
        self.command = command
        self.environment = environment
        self.terminal = terminal
    }

    func run() throws -> Int32 {
        InterruptSignal.install()
        let api = try ServerAPI(command, environment)
        let id = command.arguments.first ?? ""
        let path = "/api/v1/runs/" + ServerAPI.encoded(id)
        switch command.path.last {
        case "list":
            let page = try api.json("GET", try Self.listPath(command))
            print(Self.table(page["items"]?.array ?? [], isJSON: command.has("json")))
        case "show":
            let run = try api.json("GET", path)
            print(command.has("json") ? run.text + "\n" : Self.facts(run))
        case "cancel":
            _ = try api.json("POST", path + "/cancel")
            print("\(id): asked to stop\n")
        default: return try follow(id, api)
        }
        return ExitCode.success
    }

    private func print(_ text: String) { terminal.write(.output, text) }

    private func follow(_ id: String, _ api: ServerAPI) throws -> Int32 {
        let after = try command.integer("after", in: 0...Int.max)
        var renderer = TerminalRenderer(
            isJSON: command.has("json"), outputIsTerminal: terminal.isTerminal(.output), errorIsTerminal: terminal.isTerminal(.error))
        let follower = RunFollower(
            transport: HTTPChatTransport(api: api), write: { for piece in $0 { terminal.write(piece.stream, piece.text) } },
            interrupts: { InterruptSignal.count }, pause: RunFollower.pause, cancelsRun: false)
        // That somebody else's run failed is no failure of following it.
        let outcome = try follower.follow(.follow(responseID: id, lastEventID: nil, after: after), &renderer)
        return outcome == .quit ? ExitCode.interrupted : ExitCode.success
    }

    static func listPath(_ command: ParsedCommand) throws(UsageError) -> String {
        var query = ["limit=\(try command.integer("limit", in: 1...1000) ?? 20)"]
        for (flag, name) in [("status", "status"), ("task", "task"), ("chat", "chat_id")] {
            if let value = command.value(flag) { query.append("\(name)=\(ServerAPI.encoded(value))") }
        }
        return "/api/v1/runs?" + query.joined(separator: "&")
    }

    /// The runs as aligned columns, or one JSON object a line.
    static func table(_ runs: [JSONValue], isJSON: Bool) -> String {
        if isJSON { return runs.map { $0.text + "\n" }.joined() }
        if runs.isEmpty { return "no runs\n" }
        return table(runs, columns: ["response_id", "status", "task", "model_id", "started_at", "chat_id"])
    }

    /// Members of objects as aligned columns under their names.
    static func table(_ objects: [JSONValue], columns: [String]) -> String {
        let rows = [columns] + objects.map { object in columns.map { object[$0]?.string ?? "-" } }
        let widths = columns.indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            var line = zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }.joined(separator: "  ")
            while line.last == " " { line.removeLast() }
            return line + "\n"
        }.joined()
    }

    /// A run's members, one a line, in a fixed order; those that have no place in it come last.
    static func facts(_ run: JSONValue) -> String {
        let order = ["response_id", "status", "task", "model_id", "chat_id", "started_at", "ended_at"]
        let others = (run.object ?? [:]).keys.filter { !order.contains($0) }.sorted()
        return (order + others).compactMap { name in
            guard let value = run[name], !value.isNull else { return nil }
            return "\(name): \(value.string ?? value.text)\n"
        }.joined()
    }
}
