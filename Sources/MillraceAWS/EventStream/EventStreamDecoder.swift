import MillraceCore

/// Takes an event stream apart into its messages, wherever its bytes are cut.
///
/// A message is a prelude (total length, length of the headers, check value of both), the headers, the payload and a check value of all before
/// it; numbers are big-endian. Nothing of a message is handed on before both check values agree. What is refused stays refused: after a
/// failure nothing tells where the next message begins.
///
/// Source: "Event stream encoding", Amazon Transcribe Developer Guide. The limits are those of the AWS SDKs.
package struct EventStreamDecoder: ~Copyable, Sendable {
    /// Why a stream cannot be read on.
    package enum Failure: Error, Equatable {
        /// The check value over a message's lengths is another.
        case preludeChecksum
        /// The check value over a message is another.
        case messageChecksum
        /// A message's lengths contradict each other.
        case lengths(total: UInt32, headers: UInt32)
        /// The headers are longer than ``EventStreamDecoder/headerLimit``.
        case headersTooLong(UInt32)
        /// The payload is longer than ``EventStreamDecoder/payloadLimit``.
        case payloadTooLong(UInt32)
        /// A header is cut off, of an unknown type, without a name, not UTF-8 or there twice.
        case header(String)
        /// The stream ended within a message, so many bytes after its beginning.
        case cut(at: Int)
    }

    /// The most bytes that a message's headers may have.
    package static let headerLimit = 128 << 10
    /// The most bytes that a message's payload may have.
    package static let payloadLimit = 24 << 20

    private var buffer = ByteBuffer()
    private var prelude: Prelude?
    private var failure: Failure?

    package init() {}

    /// Takes the next bytes of the stream. Call ``next()`` until it returns `nil` before the next ones.
    package mutating func receive(_ bytes: UnsafeRawBufferPointer) { buffer.append(bytes) }

    /// The next message, or `nil` where more bytes are needed.
    package mutating func next() throws(Failure) -> EventStreamMessage? {
        if let failure { throw failure }
        do throws(Failure) { return try message() } catch {
            failure = error
            buffer.release()
            throw error
        }
    }

    /// The stream has ended.
    /// - Throws: ``Failure/cut(at:)`` where it ended within a message; the failure that it had before.
    package func end() throws(Failure) {
        if let failure { throw failure }
        guard buffer.isEmpty else { throw .cut(at: buffer.count) }
    }

    private mutating func message() throws(Failure) -> EventStreamMessage? {
        if prelude == nil {
            guard buffer.count >= Prelude.length else { return nil }
            prelude = try buffer.withBytes { (bytes) throws(Failure) in try Prelude(bytes) }
        }
        guard let prelude, buffer.count >= prelude.total else { return nil }
        let message = try buffer.withBytes { (bytes) throws(Failure) in
            try Self.message(UnsafeRawBufferPointer(rebasing: bytes[..<prelude.total]), prelude)
        }
        buffer.consume(prelude.total)
        self.prelude = nil
        return message
    }

    private static func message(_ bytes: UnsafeRawBufferPointer, _ prelude: Prelude) throws(Failure) -> EventStreamMessage {
        let end = bytes.count - 4
        guard CRC32.checksum(UnsafeRawBufferPointer(rebasing: bytes[..<end])) == bytes.bigEndian(at: end, as: UInt32.self) else {
            throw .messageChecksum
        }
        let payload = Prelude.length + prelude.headers
        var reader = HeaderReader(UnsafeRawBufferPointer(rebasing: bytes[Prelude.length..<payload]))
        return EventStreamMessage(headers: try reader.headers(), payload: Array(bytes[payload..<end]))
    }
}

/// A message's first twelve bytes.
private struct Prelude {
    static let length = 12
    /// The bytes of the whole message.
    let total: Int
    /// The bytes of its headers.
    let headers: Int

    init(_ bytes: UnsafeRawBufferPointer) throws(EventStreamDecoder.Failure) {
        guard CRC32.checksum(UnsafeRawBufferPointer(rebasing: bytes[..<8])) == bytes.bigEndian(at: 8, as: UInt32.self) else {
            throw .preludeChecksum
        }
        let total = bytes.bigEndian(at: 0, as: UInt32.self)
        let headers = bytes.bigEndian(at: 4, as: UInt32.self)
        guard headers <= EventStreamDecoder.headerLimit else { throw .headersTooLong(headers) }
        guard total >= headers + 16 else { throw .lengths(total: total, headers: headers) }
        guard total - headers - 16 <= EventStreamDecoder.payloadLimit else { throw .payloadTooLong(total - headers - 16) }
        self.total = Int(total)
        self.headers = Int(headers)
    }
}

/// Reads the headers of one message.
private struct HeaderReader {
    private let bytes: UnsafeRawBufferPointer  // Valid for the call that made the reader.
    private var position = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    mutating func headers() throws(EventStreamDecoder.Failure) -> [EventStreamMessage.Header] {
        var headers: [EventStreamMessage.Header] = []
        // Of a few headers, as messages have them, a search is faster than a set; of many it would take too long.
        var names: Set<String>?
        while position < bytes.count {
            let name = try text(count: Int(try integer(UInt8.self)))
            guard !name.isEmpty else { throw .header("a header has no name") }
            if headers.count == 16 { names = Set(headers.map(\.name)) }
            let isNew = names?.insert(name).inserted ?? !headers.contains { $0.name == name }
            guard isNew else { throw .header("the header '\(name)' is there twice") }
            headers.append(EventStreamMessage.Header(name, try value(of: name)))
        }
        return headers
    }

    private mutating func value(of name: String) throws(EventStreamDecoder.Failure) -> EventStreamMessage.HeaderValue {
        switch try integer(UInt8.self) {
        case 0: .bool(true)
        case 1: .bool(false)
        case 2: .int8(try integer(Int8.self))
        case 3: .int16(try integer(Int16.self))
        case 4: .int32(try integer(Int32.self))
        case 5: .int64(try integer(Int64.self))
        case 6: .bytes(Array(try take(Int(try integer(UInt16.self)))))
        case 7: .string(try text(count: Int(try integer(UInt16.self))))
        case 8: .timestamp(milliseconds: try integer(Int64.self))
        case 9: .uuid(Array(try take(16)))
        case let type: throw .header("the header '\(name)' is of the unknown type \(type)")
        }
    }

    private mutating func take(_ count: Int) throws(EventStreamDecoder.Failure) -> Slice<UnsafeRawBufferPointer> {
        guard bytes.count - position >= count else { throw .header("a header is cut off") }
        defer { position += count }
        return bytes[position..<position + count]
    }

    private mutating func integer<Value: FixedWidthInteger & BitwiseCopyable>(
        _ type: Value.Type
    ) throws(EventStreamDecoder.Failure) -> Value {
        let slice = try take(MemoryLayout<Value>.size)
        return bytes.bigEndian(at: slice.startIndex, as: type)
    }

    private mutating func text(count: Int) throws(EventStreamDecoder.Failure) -> String {
        guard let text = String(validating: try take(count), as: UTF8.self) else { throw .header("a header is not UTF-8") }
        return text
    }
}

extension UnsafeRawBufferPointer {
    fileprivate func bigEndian<Value: FixedWidthInteger & BitwiseCopyable>(at offset: Int, as type: Value.Type) -> Value {
        Value(bigEndian: loadUnaligned(fromByteOffset: offset, as: type))
    }
}
