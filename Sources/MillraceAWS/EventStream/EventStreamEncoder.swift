/// Writes messages as an event stream has them: for requests that stream, and for the servers of tests.
package enum EventStreamEncoder {
    /// The bytes of a message.
    ///
    /// The message has to keep the format's limits (``EventStreamMessage/Header``, ``EventStreamDecoder/headerLimit``,
    /// ``EventStreamDecoder/payloadLimit``): one that does not is a defect of the caller's.
    package static func encode(_ message: EventStreamMessage) -> [UInt8] {
        var headers: [UInt8] = []
        for header in message.headers { append(header, to: &headers) }
        precondition(headers.count <= EventStreamDecoder.headerLimit, "the headers of an event stream message are too long")
        precondition(message.payload.count <= EventStreamDecoder.payloadLimit, "the payload of an event stream message is too long")
        var bytes: [UInt8] = []
        bytes.reserveCapacity(headers.count + message.payload.count + 16)
        append(UInt32(headers.count + message.payload.count + 16), to: &bytes)
        append(UInt32(headers.count), to: &bytes)
        append(bytes.withUnsafeBytes(CRC32.checksum), to: &bytes)
        bytes += headers
        bytes += message.payload
        append(bytes.withUnsafeBytes(CRC32.checksum), to: &bytes)
        return bytes
    }

    private static func append(_ header: EventStreamMessage.Header, to bytes: inout [UInt8]) {
        precondition(!header.name.isEmpty && header.name.utf8.count <= 255, "a header's name has 1 to 255 bytes")
        bytes.append(UInt8(header.name.utf8.count))
        bytes += header.name.utf8
        switch header.value {
        case .bool(let value): bytes.append(value ? 0 : 1)
        case .int8(let value): bytes += [2, UInt8(bitPattern: value)]
        case .int16(let value): append(value, type: 3, to: &bytes)
        case .int32(let value): append(value, type: 4, to: &bytes)
        case .int64(let value): append(value, type: 5, to: &bytes)
        case .bytes(let value):
            append(UInt16(value.count), type: 6, to: &bytes)
            bytes += value
        case .string(let value):
            append(UInt16(value.utf8.count), type: 7, to: &bytes)
            bytes += value.utf8
        case .timestamp(let milliseconds): append(milliseconds, type: 8, to: &bytes)
        case .uuid(let value):
            precondition(value.count == 16, "a UUID has 16 bytes")
            bytes.append(9)
            bytes += value
        }
    }

    private static func append<Value: FixedWidthInteger>(_ value: Value, type: UInt8, to bytes: inout [UInt8]) {
        bytes.append(type)
        append(value, to: &bytes)
    }

    private static func append<Value: FixedWidthInteger>(_ value: Value, to bytes: inout [UInt8]) {
        withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
    }
}
