import Glibc

/// A moment in time: microseconds since 1970-01-01T00:00:00Z.
public struct Timestamp: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// Microseconds since the epoch.
    public var microseconds: Int64
    /// A moment that many microseconds after the epoch.
    public init(microseconds: Int64) { self.microseconds = microseconds }

    /// The wall clock's time.
    public static func now() -> Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000)
    }

    /// The earlier one is less.
    public static func < (left: Timestamp, right: Timestamp) -> Bool { left.microseconds < right.microseconds }

    /// RFC 3339 in UTC with six digits of a second: `2026-11-21T03:44:17.000123Z`.
    public var description: String {
        var buffer = ByteBuffer()
        buffer.append(timestamp: self)
        return buffer.string
    }
}

extension ByteBuffer {
    /// Appends a timestamp in RFC 3339 form, 27 bytes.
    public mutating func append(timestamp: Timestamp) {
        let micros = ((timestamp.microseconds % 1_000_000) + 1_000_000) % 1_000_000
        let date = CivilDate(epochSeconds: (timestamp.microseconds - micros) / 1_000_000)
        _ = appendUninitialized(capacity: 27) { out in
            func digits(_ value: Int64, _ count: Int, at position: Int) {
                var rest = value
                for i in stride(from: count - 1, through: 0, by: -1) {
                    out[position + i] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
                    rest /= 10
                }
            }
            digits(date.year, 4, at: 0)
            out[4] = UInt8(ascii: "-")
            digits(date.month, 2, at: 5)
            out[7] = UInt8(ascii: "-")
            digits(date.day, 2, at: 8)
            out[10] = UInt8(ascii: "T")
            digits(date.second / 3600, 2, at: 11)
            out[13] = UInt8(ascii: ":")
            digits(date.second / 60 % 60, 2, at: 14)
            out[16] = UInt8(ascii: ":")
            digits(date.second % 60, 2, at: 17)
            out[19] = UInt8(ascii: ".")
            digits(micros, 6, at: 20)
            out[26] = UInt8(ascii: "Z")
            return 27
        }
    }
}
