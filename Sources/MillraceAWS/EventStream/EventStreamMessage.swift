/// A message of an `application/vnd.amazon.eventstream` stream.
///
/// Source: "Event stream encoding", Amazon Transcribe Developer Guide, and "Amazon Event Stream Specification", Smithy.
package struct EventStreamMessage: Equatable, Sendable {
    /// A header's value; the ten types of the format, of which `true` and `false` are two.
    package enum HeaderValue: Equatable, Sendable {
        case bool(Bool)
        case int8(Int8)
        case int16(Int16)
        case int32(Int32)
        case int64(Int64)
        /// At most 65,535 bytes.
        case bytes([UInt8])
        /// At most 65,535 bytes of UTF-8.
        case string(String)
        /// Milliseconds since 1970-01-01 00:00 UTC.
        case timestamp(milliseconds: Int64)
        /// 16 bytes.
        case uuid([UInt8])
    }

    package struct Header: Equatable, Sendable {
        /// 1 to 255 bytes of UTF-8.
        package let name: String
        package let value: HeaderValue

        package init(_ name: String, _ value: HeaderValue) {
            self.name = name
            self.value = value
        }
    }

    /// In the order of the message; no name occurs twice.
    package var headers: [Header]
    package var payload: [UInt8]

    package init(headers: [Header] = [], payload: [UInt8] = []) {
        self.headers = headers
        self.payload = payload
    }

    /// The text of a header; `nil` where it is missing or no text.
    package subscript(name: String) -> String? {
        for header in headers where header.name == name {
            if case .string(let text) = header.value { return text }
        }
        return nil
    }
}
