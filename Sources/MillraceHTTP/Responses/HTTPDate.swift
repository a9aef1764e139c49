package import MillraceCore

/// The value of a `Date` header: IMF-fixdate of RFC 9110, section 5.6.7, such as `Sun, 06 Nov 1994 08:49:37 GMT`.
///
/// Formatted once and written many times: a server keeps one and makes the next when ``epochSeconds`` has passed.
package struct HTTPDate: Sendable, Equatable, CustomStringConvertible {
    /// Seconds since 1970-01-01T00:00:00Z, within the years 0 to 9999 that the format can say.
    package let epochSeconds: Int64
    /// The whole header line.
    private let line: [UInt8]

    /// Formats a moment.
    package init(epochSeconds: Int64) {
        let seconds = min(max(epochSeconds, -62_167_219_200), 253_402_300_799)
        self.epochSeconds = seconds
        let date = CivilDate(epochSeconds: seconds)
        var text = Array("Date: ".utf8)
        text.reserveCapacity(37)
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
        name("SunMonTueWedThuFriSat", date.weekday)
        text.append(contentsOf: ", ".utf8)
        digits(date.day, 2)
        text.append(HTTPGrammar.space)
        name("JanFebMarAprMayJunJulAugSepOctNovDec", date.month - 1)
        text.append(HTTPGrammar.space)
        digits(date.year, 4)
        text.append(HTTPGrammar.space)
        digits(date.second / 3600, 2)
        text.append(UInt8(ascii: ":"))
        digits(date.second / 60 % 60, 2)
        text.append(UInt8(ascii: ":"))
        digits(date.second % 60, 2)
        text.append(contentsOf: " GMT\r\n".utf8)
        line = text
    }

    package var description: String { String(decoding: line.dropFirst(6).dropLast(2), as: UTF8.self) }

    /// Appends the header line with its CRLF.
    package func writeLine(to buffer: inout ByteBuffer) { buffer.append(line) }
}
