import Glibc

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
        var start = 0
        // Where the next line feed is; looked for again only once it has been passed, since lines may also end in carriage returns.
        var feed = Self.place(of: UInt8(ascii: "\n"), in: bytes[...])
        while start < bytes.count {
            if afterCarriageReturn {
                afterCarriageReturn = false
                if start == feed {
                    start += 1
                    feed = Self.place(of: UInt8(ascii: "\n"), in: bytes[start...])
                    continue
                }
            }
            let end = Self.place(of: UInt8(ascii: "\r"), in: bytes[start..<feed])
            let piece = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
            if line.count + data.count + piece.count > limit { throw .tooLong(limit: limit) }
            guard end < bytes.count else {
                line.append(contentsOf: piece)
                break
            }
            afterCarriageReturn = end < feed
            if line.isEmpty {
                endLine(piece, into: &messages)
            } else {
                line.append(contentsOf: piece)
                var whole: [UInt8] = []
                swap(&whole, &line)
                whole.withUnsafeBytes { endLine($0, into: &messages) }
                whole.removeAll(keepingCapacity: true)
                swap(&whole, &line)
            }
            start = end + 1
            if end == feed { feed = Self.place(of: UInt8(ascii: "\n"), in: bytes[start...]) }
        }
        return messages
    }

    /// Where a byte first stands in a part of a buffer; the part's end where it does not.
    private static func place(of byte: UInt8, in part: Slice<UnsafeRawBufferPointer>) -> Int {
        let bytes = UnsafeRawBufferPointer(rebasing: part)
        guard let base = bytes.baseAddress, let found = memchr(base, Int32(byte), bytes.count) else { return part.endIndex }
        return part.startIndex + (UnsafeRawPointer(found) - base)
    }

    /// Takes the next bytes of the stream, as an array.
    /// - Throws: ``Failure/tooLong(limit:)``.
    public mutating func receive(_ bytes: [UInt8]) throws(Failure) -> [SSEMessage] {
        let result: Result<[SSEMessage], Failure> = bytes.withUnsafeBytes { pointer in
            do throws(Failure) { return .success(try receive(pointer)) } catch { return .failure(error) }
        }
        return try result.get()
    }

    private mutating func endLine(_ whole: UnsafeRawBufferPointer, into messages: inout [SSEMessage]) {
        var line = whole[...]
        if atStart {
            atStart = false
            if line.starts(with: [0xEF, 0xBB, 0xBF]) { line = line.dropFirst(3) }
        }
        guard let first = line.first else {
            dispatch(into: &messages)
            return
        }
        if first == UInt8(ascii: ":") {
            comments += 1
            return
        }
        let colon = Self.place(of: UInt8(ascii: ":"), in: line)
        let name = UnsafeRawBufferPointer(rebasing: line[..<colon])
        var value = UnsafeRawBufferPointer(rebasing: line[min(colon + 1, line.endIndex)...])
        if value.first == UInt8(ascii: " ") { value = UnsafeRawBufferPointer(rebasing: value.dropFirst()) }
        if Self.isData(name) {
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

    private static func isData(_ name: UnsafeRawBufferPointer) -> Bool {
        name.count == 4 && name.loadUnaligned(as: UInt32.self) == UInt32(littleEndian: 0x6174_6164)
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
