/// One message of a server-sent event stream.
public struct SSEMessage: Equatable, Sendable {
    /// The `event:` field; `message` where the stream gave none.
    public var event: String
    /// The last event id in force when the message was dispatched.
    public var id: String
    /// The `data:` lines, joined by newlines.
    public var data: String

    /// Creates a message.
    public init(event: String = "message", id: String = "", data: String) {
        self.event = event
        self.id = id
        self.data = data
    }
}

/// An incremental reader of `text/event-stream`, for clients and tests.
///
/// Source: WHATWG HTML, section 9.2.6 "Interpreting an event stream". Bytes may be cut anywhere; a message that the stream ends in the
/// middle of is dropped, as the specification says.
public struct SSEParser: Sendable {
    /// Why a stream was refused.
    public enum Failure: Error, Equatable {
        /// A line or a message is longer than the limit, in bytes.
        case tooLong(limit: Int)
    }

    private let limit: Int
    private var line: [UInt8] = []
    private var afterCarriageReturn = false
    private var atStart = true
    private var event = ""
    private var data: [UInt8] = []
    private var hasData = false
    /// The last event id seen, which a client sends back as `Last-Event-ID`.
    public private(set) var lastEventID = ""
    /// The reconnection time that the stream asked for, in milliseconds.
    public private(set) var retryMilliseconds: Int?
    /// How many comment lines were seen (keep-alives, for one).
    public private(set) var comments = 0

    /// A reader that refuses lines and messages over `limit` bytes (default: 16 MiB).
    public init(limit: Int = 16 << 20) {
        self.limit = limit
    }

    /// Takes the next bytes of the stream and returns the messages that they complete.
    /// - Throws: ``Failure/tooLong(limit:)``.
    public mutating func receive(_ bytes: UnsafeRawBufferPointer) throws(Failure) -> [SSEMessage] {
        var messages: [SSEMessage] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            if afterCarriageReturn {
                afterCarriageReturn = false
                if rest.first == UInt8(ascii: "\n") {
                    rest = rest.dropFirst()
                    continue
                }
            }
            // A line is searched for its end and taken in one piece: byte by byte costs as much as parsing what is in it.
            let end = rest.firstIndex { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }
            let piece = rest[..<(end ?? rest.endIndex)]
            if line.count + data.count + piece.count > limit { throw .tooLong(limit: limit) }
            line.append(contentsOf: piece)
            guard let end else { break }
            afterCarriageReturn = rest[end] == UInt8(ascii: "\r")
            endLine(into: &messages)
            rest = rest[(end + 1)...]
        }
        return messages
    }

    /// Takes the next bytes of the stream, as an array.
    /// - Throws: ``Failure/tooLong(limit:)``.
    public mutating func receive(_ bytes: [UInt8]) throws(Failure) -> [SSEMessage] {
        let result: Result<[SSEMessage], Failure> = bytes.withUnsafeBytes { pointer in
            do throws(Failure) { return .success(try receive(pointer)) } catch { return .failure(error) }
        }
        return try result.get()
    }

    private mutating func endLine(into messages: inout [SSEMessage]) {
        defer { line.removeAll(keepingCapacity: true) }
        if atStart {
            atStart = false
            if line.starts(with: [0xEF, 0xBB, 0xBF]) { line.removeFirst(3) }
        }
        guard let first = line.first else {
            dispatch(into: &messages)
            return
        }
        if first == UInt8(ascii: ":") {
            comments += 1
            return
        }
        let colon = line.firstIndex(of: UInt8(ascii: ":"))
        let name = line[..<(colon ?? line.endIndex)]
        var value = colon.map { line[($0 + 1)...] } ?? []
        if value.first == UInt8(ascii: " ") { value = value.dropFirst() }
        if name.elementsEqual("data".utf8) {
            if hasData { data.append(UInt8(ascii: "\n")) }
            data.append(contentsOf: value)
            hasData = true
            return
        }
        switch String(decoding: name, as: UTF8.self) {
        case "event": event = String(decoding: value, as: UTF8.self)
        case "id" where !value.contains(0): lastEventID = String(decoding: value, as: UTF8.self)
        case "retry":
            // Digits alone: the initialiser of integers would take a sign.
            guard value.allSatisfy({ (0x30...0x39).contains($0) }) else { break }
            if let milliseconds = Int(String(decoding: value, as: UTF8.self)) { retryMilliseconds = milliseconds }
        default: break
        }
    }

    private mutating func dispatch(into messages: inout [SSEMessage]) {
        defer {
            event = ""
            data.removeAll(keepingCapacity: true)
            hasData = false
        }
        guard hasData else { return }
        messages.append(
            SSEMessage(event: event.isEmpty ? "message" : event, id: lastEventID, data: String(decoding: data, as: UTF8.self)))
    }
}
