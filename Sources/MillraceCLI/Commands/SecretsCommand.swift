import MillraceCore
import MillraceServer

/// `millrace secrets`: set, get, list, rotate, remove. It works on the store itself, also beside a server that runs.
struct SecretsCommand {
    let command: ParsedCommand
    let environment: [String: String]
    let terminal: Terminal

    init(_ command: ParsedCommand, _ environment: [String: String], _ terminal: Terminal) {
        self.command = command
        self.environment = environment
        self.terminal = terminal
    }

    /// The most bytes of a value, and a line break.
    private static let inputByteLimit = 65_536 + 2

    func run() throws -> Int32 {
        let report = try SettingsLoader.load(MillraceCommand.sources(command, environment))
        for warning in report.warnings { terminal.write(.error, "millrace: warning: \(warning)\n") }
        let secrets = try SecretAdministration(report.settings, secretsManager: SecretStoreAssembly.secretsManager)
        let name = command.arguments.first
        switch command.path.last {
        case "set": try set(name ?? "", secrets)
        case "get":
            let value = try secrets.get(name ?? "", member: command.value("key"))
            terminal.write(.output, value + (terminal.isTerminal(.output) ? "\n" : ""))
        case "list": terminal.write(.output, Self.table(try secrets.list(), isJSON: command.has("json")))
        case "rotate":
            switch try secrets.rotate(name) {
            case .key(let count, let id):
                note("\(count) \(count == 1 ? "secret is" : "secrets are") encrypted with a new key (\(id))")
                note("backups of the file of secrets that are older need the old key")
            case .secret(let version): note("\(name ?? ""): the rotation has begun; it makes the version \(version)")
            }
        default:
            try secrets.remove(name ?? "")
            note("\(name ?? ""): removed")
        }
        return ExitCode.success
    }

    private func note(_ text: String) { terminal.write(.error, text + "\n") }

    private func set(_ name: String, _ secrets: SecretAdministration) throws {
        let stored = try secrets.set(name, try Self.text(try input(name), isExact: command.has("exact"), of: name))
        if let path = stored.newKeyFile {
            note(
                "made the key file \(path): whoever has it can read every secret; without it none can be read. Keep a copy apart from backups"
            )
        }
        note("\(name): stored as version \(stored.version)")
    }

    private func input(_ name: String) throws -> [UInt8] {
        if let path = command.value("value-file") { return try BoundedFile.read(path, limit: Self.inputByteLimit) }
        if terminal.inputIsTerminal {
            InterruptSignal.install()
            return try terminal.readHiddenLine("Value of \(name) (not shown): ", limit: Self.inputByteLimit)
        }
        return try terminal.readAll(limit: Self.inputByteLimit)
    }

    /// The value out of what was read, which is never quoted.
    static func text(_ bytes: [UInt8], isExact: Bool, of name: String) throws(MillraceError) -> String {
        guard var text = String(validating: bytes, as: UTF8.self) else {
            throw MillraceError(.invalidInput, "the value of the secret '\(name)' is no UTF-8 text: encode it, for example in base64")
        }
        // CR and LF are one character to Swift.
        if !isExact, text.last == "\n" || text.last == "\r\n" { text.removeLast() }
        return text
    }

    /// The secrets as aligned columns, or one JSON object a line.
    static func table(_ entries: [SecretAdministration.Entry], isJSON: Bool) -> String {
        let members = entries.map { entry -> JSONValue in
            [
                "name": .string(entry.name), "changed_at": entry.changedAt.map { .string($0.description) } ?? .null,
                "version": entry.version.map { .string($0) } ?? .null,
            ]
        }
        if isJSON { return members.map { $0.text + "\n" }.joined() }
        if entries.isEmpty { return "no secrets\n" }
        return RunsCommand.table(members, columns: ["name", "changed_at", "version"])
    }
}
