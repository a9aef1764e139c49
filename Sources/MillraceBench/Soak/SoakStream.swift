import MillraceCore

/// A run's events as they come, whose sequences must rise by one.
struct SoakStream {
    private let connection: LoopbackConnection
    private var parser = SSEParser()
    private var waiting: [(kind: String, data: JSONValue)] = []
    private(set) var response = ""
    private(set) var chat: String?
    private(set) var sequence: Int
    private var status: String?

    /// Reads the head and, of a new run, `response_start`.
    init(_ connection: LoopbackConnection, after sequence: Int = 0) throws(MillraceError) {
        self.connection = connection
        self.sequence = sequence
        let head = try connection.head()
        guard head.status == 200 else {
            throw MillraceError(.system, "status \(head.status) of a stream: \(try connection.body().prefix(120))")
        }
        if sequence == 0 {
            guard try next() == "response_start" else { throw MillraceError(.system, "a stream does not begin with response_start") }
        }
    }

    /// The kind of the next event; `nil` at the end.
    mutating func next() throws(MillraceError) -> String? {
        while waiting.isEmpty {
            guard let part = try connection.bodyPart() else { return nil }
            let events: [SSEMessage]
            do throws(SSEParser.Failure) {
                events = try parser.receive(part)
            } catch {
                throw MillraceError(.system, "a stream is malformed: \(error)")
            }
            for event in events { waiting.append((event.event, try JSONValue(parsing: event.data))) }
        }
        let (kind, data) = waiting.removeFirst()
        let number = data["sequence"]?.integer ?? 0
        guard number == sequence + 1 else { throw MillraceError(.system, "event \(number) came after event \(sequence)") }
        sequence = number
        response = data["response_id"]?.string ?? response
        chat = data["chat_id"]?.string ?? chat
        if kind == "response_end" { status = data["status"]?.string }
        return kind
    }

    /// The status of `response_end`, or `nil` where the stream ended without one.
    mutating func readToEnd() throws(MillraceError) -> String? {
        while try next() != nil {}
        return status
    }
}
