import Glibc
import Millrace
import MillraceCore
import MillraceServer

/// A server in this process, on a free port, with its log captured.
final class ServerUnderTest: Sendable {
    let server: Server
    let log: LogCapture
    private let sink: LogSink
    var port: Int { server.port }

    fileprivate init(
        settings: ServerSettings, handlers: [any TaskHandler], tasks: [ModelTask], models: [any LanguageModel], store: (any Store)?,
        stages: [EventStageFactory]
    ) throws {
        log = try LogCapture()
        sink = LogSink(descriptor: log.writeEnd)
        server = try Server(
            settings: settings, logger: Logger(sink: sink, level: settings.logLevel), models: models, store: store, stages: stages
        ) { registry, clients in
            for handler in handlers { try registry.register(handler) }
            for task in tasks { try registry.register(task.handler(clients.models)) }
        }
    }

    /// Stops the server. Safe to call twice.
    func stop(drainSeconds: Double = 0) {
        server.stop(drainSeconds: drainSeconds)
        sink.stop()
        log.stop()
    }

    func connect() throws -> TCPClient { try TCPClient(port: port) }

    /// Asks on a connection of its own.
    @discardableResult
    func ask(_ method: String, _ path: String, headers: [String] = [], body: String? = nil) throws -> HTTPAnswer {
        let client = try connect()
        defer { client.close() }
        return try client.ask(method, path, headers: headers, body: body)
    }

    /// Starts a run and follows it.
    func start(_ task: String, text: String = "", headers: [String] = []) throws -> EventStreamClient {
        try EventStreamClient.start(port: port, task: task, text: text, headers: headers)
    }

    /// Starts a run with more than a text, such as `["model_id": "main"]`, and follows it.
    func start(_ task: String = "chat", text: String, _ members: [String: JSONValue]) throws -> EventStreamClient {
        let body: [String: JSONValue] = ["task": .string(task), "parts": [["content": .string(text)]]]
        let request = TCPClient.request("POST", "/api/v1/generate/stream", body: JSONValue.object(body.merging(members) { $1 }).text)
        return try EventStreamClient(port: port, request)
    }

    /// Runs a task to its end and returns its events.
    func run(_ task: String = "chat", _ text: String, _ members: [String: JSONValue] = [:]) throws -> [SSEMessage] {
        let reader = try start(task, text: text, members)
        defer { reader.close() }
        return try reader.rest()
    }

    /// The answer of a run as the chat keeps it.
    func storedAnswer(_ events: [SSEMessage]) throws -> JSONValue {
        let chat = events.last?.json["chat_id"]?.string ?? ""
        let messages = try ask("GET", "/api/v1/chats/\(chat)/messages").json["items"]?.array ?? []
        let responseID = events.last?.responseID ?? ""
        guard let message = messages.first(where: { $0["message_id"]?.string == responseID }) else {
            throw ClientFailure("no message \(responseID) in \(messages)")
        }
        return message
    }

    func follow(_ responseID: String, lastEventID: String? = nil, after: Int? = nil) throws -> EventStreamClient {
        try EventStreamClient.follow(port: port, responseID, lastEventID: lastEventID, after: after)
    }

    /// Waits until the run has ended and returns its whole log.
    func log(of responseID: String) throws -> [SSEMessage] {
        let reader = try follow(responseID)
        defer { reader.close() }
        return try reader.rest()
    }
}

/// Starts a server, lends it, and stops it; `body` runs where it may block.
///
/// - Parameters:
///   - base: settings to begin with, such as those of a `config.yaml`.
///   - tasks: handlers that ask the configured models.
func withServer<R: Sendable>(
    _ handlers: [any TaskHandler] = [], base: ServerSettings = ServerSettings(), tasks: [ModelTask] = [],
    models: [any LanguageModel] = [], store: (any Store)? = nil, stages: [EventStageFactory] = [],
    configure: @Sendable (inout ServerSettings) -> Void = { _ in },
    _ body: @Sendable (ServerUnderTest) async throws -> R
) async throws -> R {
    var settings = base
    settings.port = 0
    settings.dataDirectory = ":memory:"
    settings.loops = 2
    settings.runs.cancelGraceSeconds = 1
    configure(&settings)
    let final = settings
    return try await onThreads {
        let server = try ServerUnderTest(settings: final, handlers: handlers, tasks: tasks, models: models, store: store, stages: stages)
        do {
            try server.server.start()
            let result = try await body(server)
            server.stop()
            return result
        } catch {
            server.stop()
            // What the server did is the first thing to know about a client that gave up.
            let tail = server.log.all.split(separator: "\n").suffix(40).joined(separator: "\n") + "\n"
            _ = tail.withCString { Glibc.write(2, $0, strlen($0)) }
            throw error
        }
    }
}
