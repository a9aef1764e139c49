import Glibc
import Millrace
import MillraceCore
import MillraceServer

// A server for the tests that kill processes: its handler emits for as long as a test wants.

/// Emits `N` numbered pieces, `MS` milliseconds apart: the text is `N MS`.
struct DripHandler: TaskHandler {
    let name = "drip"
    let description = "Emits numbered pieces at a steady pace"

    func handle(_ request: TaskRequest, _ context: RunContext) async throws {
        let words = request.text.split(separator: " ").compactMap { Int($0) }
        guard words.count == 2 else { throw MillraceError(.invalidInput, "the text must be 'N MS'") }
        for i in 1...max(words[0], 1) {
            try await context.emit(.content("piece \(i) "))
            if words[1] > 0 { try await context.sleep(for: .milliseconds(words[1])) }
        }
    }
}

/// Asks the request's model with its text. A run ends with its last reader, so that measurements can stop it both ways.
struct AskHandler: TaskHandler {
    let name = "ask"
    let description = "Asks a model"
    let options = TaskHandlerOptions(detach: .cancel(graceSeconds: 0))
    let models: LanguageModelRegistry

    func handle(_ request: TaskRequest, _ context: RunContext) async throws {
        let asked = ModelRequest(turns: [.init(role: .user, parts: request.message.parts)])
        try await context.generate(asked, with: try models.model(for: request))
    }
}

/// Holds its event loop, as no handler should: the text is `FILE LOOP`. On the loop of that name, such as `loop-1`, or on any for `any`, it
/// makes `FILE.held` and returns when `FILE` is there; elsewhere it returns at once.
struct HoldHandler: TaskHandler {
    let name = "hold"
    let description = "Holds its event loop"

    func handle(_ request: TaskRequest, _ context: RunContext) async throws {
        let words = request.text.split(separator: " ").map { String($0) }
        guard words.count == 2 else { throw MillraceError(.invalidInput, "the text must be 'FILE LOOP'") }
        guard words[1] == "any" || words[1] == Self.threadName() else { return }
        close(open(words[0] + ".held", O_CREAT | O_WRONLY, 0o600))
        while access(words[0], F_OK) != 0 { usleep(5000) }
    }

    private static func threadName() -> String? {
        guard let file = fopen("/proc/thread-self/comm", "r") else { return nil }
        defer { fclose(file) }
        var name = [UInt8](repeating: 0, count: 16)
        let count = fread(&name, 1, name.count, file)
        return String(decoding: name[..<count].prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
    }
}

/// What ``TellHandler`` says.
struct TellSettings: HandlerSettings {
    var text = "nothing"
    static let group = "tellConfig"
    static let fields: [SettingField<Self>] = [.text("text", \.text, "what is said")]
}

/// Says what its settings say.
struct TellHandler: TaskHandler {
    let name = "tell"
    let description = "Says what its settings say"
    let settings: LiveSettings<TellSettings>

    func handle(_ request: TaskRequest, _ context: RunContext) async throws {
        try await context.emit(.content(settings.current.text))
    }
}

// `flag=value`, and `MILLRACE_…=value` for settings that have no flag.
var flags: [String: String] = [:]
var variables: [String: String] = [:]
for argument in CommandLine.arguments.dropFirst() {
    let parts = argument.split(separator: "=", maxSplits: 1)
    guard parts.count == 2 else { continue }
    if parts[0].hasPrefix("MILLRACE_") {
        variables[String(parts[0])] = String(parts[1])
    } else {
        flags[String(parts[0])] = String(parts[1])
    }
}
do {
    let sources = SettingsSources(flags: flags, environment: variables)
    let read: @Sendable () throws -> SettingsReport = { try SettingsLoader.load(sources, handlers: [TellSettings.self]) }
    let report = try read()
    let server = try Server(settings: report.settings) { registry, clients in
        try registry.register(DripHandler())
        try registry.register(HoldHandler())
        try registry.register(AskHandler(models: clients.models))
        try registry.register(TellHandler(settings: try clients.settings(TellSettings.self)))
    }
    exit(try server.run(reload: SettingsReload(report, read: read)))
} catch {
    print(error)
    exit(1)
}
