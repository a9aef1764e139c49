import MillraceCore

/// Talks to a server over connections of its own, one a request.
struct TestClient: Sendable {
    let port: Int

    func request(_ method: String, _ path: String, headers: [String: String] = [:], body: String? = nil) throws -> TestResponse {
        let connection = try TestConnection(port: port)
        try connection.send(Self.text(method, path, headers: headers.merging(["Connection": "close"]) { own, _ in own }, body: body))
        return try ResponseReader(connection: connection).response()
    }

    /// The text of a request.
    static func text(_ method: String, _ path: String, headers: [String: String] = [:], body: String? = nil) -> String {
        var text = "\(method) \(path) HTTP/1.1\r\nHost: localhost\r\n"
        var headers = headers
        if let body {
            headers["Content-Length"] = "\(body.utf8.count)"
            if headers["Content-Type"] == nil { headers["Content-Type"] = "application/json" }
        }
        for (name, value) in headers.sorted(by: { $0.key < $1.key }) { text += "\(name): \(value)\r\n" }
        return text + "\r\n" + (body ?? "")
    }

    /// The body of a request to start a run.
    static func body(_ task: String, _ text: String, chat: String? = nil) -> String {
        var members: [String: JSONValue] = ["task": .string(task), "parts": [["content": .string(text)]]]
        if let chat { members["chat_id"] = .string(chat) }
        return JSONValue.object(members).text
    }

    /// Starts a run and follows it.
    func start(_ task: String, _ text: String, chat: String? = nil, headers: [String: String] = [:]) throws -> EventReader {
        let connection = try TestConnection(port: port)
        try connection.send(Self.text("POST", "/api/v1/generate/stream", headers: headers, body: Self.body(task, text, chat: chat)))
        return try EventReader(connection)
    }

    /// Follows a run after an event.
    func follow(_ responseID: String, lastEventID: String? = nil, query: String = "") throws -> EventReader {
        let connection = try TestConnection(port: port)
        try connection.send(
            Self.text("GET", "/api/v1/runs/\(responseID)/events\(query)", headers: lastEventID.map { ["Last-Event-ID": $0] } ?? [:]))
        return try EventReader(connection)
    }
}

/// One event as a reader got it.
struct ReceivedEvent: Equatable, Sendable {
    var kind: String
    var id: String
    var data: String

    /// The number behind the response's id.
    var sequence: Int { id.lastIndex(of: ":").flatMap { Int(id[id.index(after: $0)...]) } ?? 0 }
    var json: JSONValue { (try? JSONValue(parsing: data)) ?? .null }
}

/// Reads a stream of events, one at a time.
final class EventReader {
    let head: TestResponse
    private let connection: TestConnection
    private var chunks = ChunkDecoder()
    private var parser = SSEParser()
    private var waiting: [ReceivedEvent] = []
    /// Comments seen so far.
    var comments: Int { parser.comments }

    init(_ connection: TestConnection) throws {
        self.connection = connection
        head = try ResponseReader(connection: connection).head()
    }

    /// The next event; `nil` when the stream has ended, whole or cut.
    func next() throws -> ReceivedEvent? {
        while waiting.isEmpty {
            if chunks.isComplete || head.status == 204 { return nil }
            let bytes = try connection.receive()
            if bytes.isEmpty { return nil }
            waiting += try parser.receive(chunks.receive(bytes)).map { ReceivedEvent(kind: $0.event, id: $0.id, data: $0.data) }
        }
        return waiting.removeFirst()
    }

    /// All events up to the end of the stream.
    func all() throws -> [ReceivedEvent] {
        var events: [ReceivedEvent] = []
        while let event = try next() { events.append(event) }
        return events
    }

    /// Whether the body's framing was completed.
    var isWhole: Bool { chunks.isComplete }
    func close() { connection.close() }
}
