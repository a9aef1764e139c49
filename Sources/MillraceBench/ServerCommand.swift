import Glibc
import Millrace
import MillraceBackends
import MillraceCore
import MillraceServer

/// `millrace-bench server`: Millrace with a handler that emits what a workload asks for.
enum ServerCommand {
    static func run(_ arguments: ArraySlice<String>) throws -> Int32 {
        var settings = try Self.settings(arguments)
        settings.runs.maxConcurrentRunsPerOwner = 100_000
        settings.limits.maxConnections = 100_000
        var upstream: String?
        var rest = arguments
        while let flag = rest.popFirst() {
            guard let value = rest.popFirst() else { throw MillraceError(.invalidInput, "'\(flag)' needs a value") }
            switch flag {
            case "--port": settings.port = Int(value) ?? 0
            case "--loops": settings.loops = Int(value) ?? 1
            case "--store": if value == "memory" { settings.dataDirectory = ":memory:" }
            case "--data-dir": if settings.dataDirectory != ":memory:" { settings.dataDirectory = value }
            case "--upstream": upstream = value
            case "--config": break
            default: throw MillraceError(.invalidInput, "'\(flag)' is no flag of server")
            }
        }
        let model = upstream.map { OpenAILanguageModel(id: "relay", model: "bench", url: $0) }
        // The access log goes to standard output, like the other contenders' to a file.
        let sink = LogSink(descriptor: 1)
        let logger = Logger(sink: sink, level: .info, format: .text)
        let store = settings.dataDirectory == ":memory:" ? InMemoryStore(logByteLimit: 16 << 20) : nil
        let server = try Server(settings: settings, logger: logger, store: store) { registry, _ in
            try registry.register(BenchHandler())
            if let model { try registry.register(RelayHandler(model: model)) }
        }
        let status = try server.run()
        sink.stop()
        return status
    }
}

extension ServerCommand {
    /// The defaults, or what the file named by `--config` says, for what a benchmark does not set itself.
    private static func settings(_ arguments: ArraySlice<String>) throws -> ServerSettings {
        guard let flag = arguments.firstIndex(of: "--config"), flag + 1 < arguments.endIndex else { return ServerSettings() }
        return try SettingsLoader.load(SettingsSources(flags: ["config": arguments[flag + 1]])).settings
    }
}

/// Emits `N` content events: `N together` all at once, `N alone` one a loop turn, `N every MS` one a timer.
struct BenchHandler: TaskHandler {
    let name = "bench"
    let description = "Emits events at the pace that a benchmark asks for"

    private static let tokens: [Event] = (0..<128).map { .content("token\($0) ") }

    func handle(_ request: TaskRequest, _ context: RunContext) async throws {
        let plan = try Plan(request.text)
        for i in 0..<plan.count {
            if plan.pause > .zero { try await context.sleep(for: plan.pause) }
            try await context.emit(Self.tokens[i & 127])
            if plan.isAlone { try await context.sleep(for: .zero) }
        }
    }

    /// What a request asks for.
    private struct Plan {
        let count: Int
        /// What goes before each event.
        var pause = Duration.zero
        /// Whether each event has a turn of its own.
        var isAlone = false

        init(_ text: String) throws(MillraceError) {
            let words = text.split(separator: " ")
            guard words.count >= 2, let count = Int(words[0]) else { throw Self.refusal }
            self.count = count
            switch words[1] {
            case "together": break
            case "alone": isAlone = true
            case "every": pause = .milliseconds(words.count > 2 ? Int(words[2]) ?? 1000 : 1000)
            default: throw Self.refusal
            }
        }

        private static var refusal: MillraceError { MillraceError(.invalidInput, "ask for 'N together', 'N alone' or 'N every MS'") }
    }
}
