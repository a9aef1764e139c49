import MillraceCore

/// A reader of an event stream on a connection of its own; it records every byte.
final class EventStreamClient: @unchecked Sendable {  // Sendable: a test uses it from one thread at a time.
    private let connection: TCPClient
    private var decoder = ChunkedDecoder()
    private var parser = SSEParser()
    private var waiting: [SSEMessage] = []
    let answer: HTTPAnswer
    /// Every byte of the stream, without the chunks' framing.
    private(set) var bytes: [UInt8] = []
    /// Whether the server ended the stream, and did not just close the connection.
    var isWhole: Bool { decoder.isComplete }
    var comments: Int { parser.comments }
    var retryMilliseconds: Int? { parser.retryMilliseconds }

    /// Sends a request and reads the head of the answer, which must be an event stream.
    init(port: Int, _ request: String, receiveBuffer: Int32? = nil) throws {
        connection = try TCPClient(port: port, receiveBuffer: receiveBuffer)
        try connection.send(request)
        let head = try HTTPAnswer(head: try connection.read(until: "\r\n\r\n"))
        answer = head
        guard head.status == 200, head["content-type"] == "text/event-stream; charset=utf-8" else {
            throw ClientFailure("no event stream but \(head.head)")
        }
    }

    /// Reads the answer to a request that has been sent; `nil` where it is a 503.
    init?(started connection: TCPClient) throws {
        self.connection = connection
        let head = try HTTPAnswer(head: try connection.read(until: "\r\n\r\n"))
        answer = head
        if head.status == 503 { return nil }
        guard head.status == 200 else { throw ClientFailure("no event stream but \(head.head)") }
    }

    /// Starts a run and follows it.
    static func start(port: Int, task: String, text: String = "", headers: [String] = []) throws -> EventStreamClient {
        try EventStreamClient(
            port: port, TCPClient.request("POST", "/api/v1/generate/stream", headers: headers, body: generateBody(task: task, text: text)))
    }

    /// Follows a run.
    static func follow(port: Int, _ responseID: String, lastEventID: String? = nil, after: Int? = nil) throws -> EventStreamClient {
        let path = "/api/v1/runs/\(responseID)/events" + (after.map { "?after=\($0)" } ?? "")
        return try EventStreamClient(
            port: port, TCPClient.request("GET", path, headers: lastEventID.map { ["Last-Event-ID: \($0)"] } ?? []))
    }

    static func generateBody(task: String, text: String = "") -> String {
        JSONValue.object(["task": .string(task), "parts": [["content": .string(text)]]]).text
    }

    /// The next message; `nil` at the end of the stream or of the connection.
    func next() throws -> SSEMessage? {
        while waiting.isEmpty {
            try decode()
            if !waiting.isEmpty { break }
            if decoder.isComplete { return nil }
            guard try connection.receiveMore() else {
                try decode()
                if waiting.isEmpty { return nil }
                break
            }
        }
        return waiting.removeFirst()
    }

    /// The next `count` messages; fewer only at the end.
    func next(_ count: Int) throws -> [SSEMessage] {
        var messages: [SSEMessage] = []
        while messages.count < count, let message = try next() { messages.append(message) }
        return messages
    }

    /// All messages up to the end.
    func rest() throws -> [SSEMessage] { try next(.max) }

    /// Reads up to the first message of that kind and returns all that came.
    func read(until kind: String) throws -> [SSEMessage] {
        var messages: [SSEMessage] = []
        while let message = try next() {
            messages.append(message)
            if message.event == kind { return messages }
        }
        throw ClientFailure("the stream ended without \(kind): \(messages.map(\.event))")
    }

    /// Messages that have already come, without waiting.
    func available() throws -> [SSEMessage] {
        while try connection.poll(milliseconds: 0), !connection.isEnded {}
        try decode()
        defer { waiting = [] }
        return waiting
    }

    /// Waits until the next byte has come.
    func receiveMore() throws -> Bool {
        guard try connection.receiveMore() else { return false }
        try decode()
        return true
    }

    func close() { connection.close() }

    private func decode() throws {
        let content = try decoder.receive(connection.takeAll())
        bytes += content
        waiting += try parser.receive(content)
    }
}

extension SSEMessage {
    /// The sequence in its id; 0 for a message without one.
    var sequence: Int { id.split(separator: ":").last.flatMap { Int($0) } ?? 0 }
    /// The response in its id.
    var responseID: String { String(id.prefix { $0 != ":" }) }
    var json: JSONValue { (try? JSONValue(parsing: data)) ?? .null }
    /// The text of a `content` event.
    var content: String { json["content"]?.string ?? "" }
}
