package import MillraceCore

/// The value of a `Date` header: IMF-fixdate of RFC 9110, section 5.6.7, such as `Sun, 06 Nov 1994 08:49:37 GMT`.
///
/// Formatted once and written many times: a server keeps one and makes the next when ``epochSeconds`` has passed.
package struct HTTPDate: Sendable, Equatable, CustomStringConvertible {
    /// Seconds since 1970-01-01T00:00:00Z, within the years 0 to 9999 that the format can say.
    package let epochSeconds: Int64
    private let bytes: [UInt8]

    /// Formats a moment. The civil date comes from Howard Hinnant's `civil_from_days` ("chrono-Compatible Low-Level Date Algorithms").
    package init(epochSeconds: Int64) {
        let seconds = min(max(epochSeconds, -62_167_219_200), 253_402_300_799)
        self.epochSeconds = seconds
        let second = ((seconds % 86400) + 86400) % 86400
        let days = (seconds - second) / 86400
        let z = days + 719_468
        let era = (z >= 0 ? z : z - 146_096) / 146_097
        let dayOfEra = z - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        // 1970-01-01 was a Thursday.
        let weekday = ((days + 4) % 7 + 7) % 7

        var text: [UInt8] = []
        text.reserveCapacity(29)
        func name(_ names: StaticString, _ index: Int64) {
            let start = names.utf8Start + Int(index) * 3  // Within the literal: the index is below its number of names.
            text.append(contentsOf: [start[0], start[1], start[2]])
        }
        func digits(_ value: Int64, _ count: Int) {
            var divisor: Int64 = count == 4 ? 1000 : 10
            for _ in 0..<count {
                text.append(UInt8(ascii: "0") + UInt8(value / divisor % 10))
                divisor /= 10
            }
        }
        name("SunMonTueWedThuFriSat", weekday)
        text.append(contentsOf: ", ".utf8)
        digits(day, 2)
        text.append(HTTPGrammar.space)
        name("JanFebMarAprMayJunJulAugSepOctNovDec", month - 1)
        text.append(HTTPGrammar.space)
        digits(year, 4)
        text.append(HTTPGrammar.space)
        digits(second / 3600, 2)
        text.append(UInt8(ascii: ":"))
        digits(second / 60 % 60, 2)
        text.append(UInt8(ascii: ":"))
        digits(second % 60, 2)
        text.append(contentsOf: " GMT".utf8)
        bytes = text
    }

    package var description: String { String(decoding: bytes, as: UTF8.self) }

    package func write(to buffer: inout ByteBuffer) { buffer.append(bytes) }
}
