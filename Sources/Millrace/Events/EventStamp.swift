package import MillraceCore

/// The `timestamp` member of events, encoded once for all events of a loop's turn.
package struct EventStamp: Sendable {
    /// The moment.
    package private(set) var time: Timestamp
    /// `,"timestamp":"2026-11-21T03:44:17.000123Z"`.
    private var bytes = InlineArray<42, UInt8>(repeating: 0)

    /// How many bytes the member has.
    static let byteCount = 42
    private static let fractionStart = 34

    /// Encodes a moment.
    package init(_ time: Timestamp) {
        self.time = time
        encode()
    }

    /// Encodes another moment; within the same second only the digits of the fraction are written.
    package mutating func advance(to time: Timestamp) {
        let isSameSecond = time.microseconds / 1_000_000 == self.time.microseconds / 1_000_000
        self.time = time
        // Before 1970 the second of a moment is not what the division says.
        guard isSameSecond, time.microseconds >= 0 else {
            encode()
            return
        }
        var rest = UInt32(truncatingIfNeeded: time.microseconds % 1_000_000)
        for place in stride(from: Self.fractionStart + 5, through: Self.fractionStart, by: -1) {
            bytes[place] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        }
    }

    private mutating func encode() {
        var text = ByteBuffer(capacity: Self.byteCount)
        text.append(",\"timestamp\":\"")
        text.append(timestamp: time)
        text.append("\"")
        text.withBytes { text in
            for place in 0..<min(text.count, Self.byteCount) { bytes[place] = text[place] }
        }
    }

    /// The member's bytes, valid only inside `body`.
    func withBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R {
        bytes.span.withUnsafeBytes(body)
    }
}
