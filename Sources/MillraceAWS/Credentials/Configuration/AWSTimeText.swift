import MillraceCore

/// Reads a moment as AWS's services and tools write it: ISO 8601 with seconds, such as `2026-11-21T03:44:17Z`, `…17.25+01:00` or, in older
/// token caches, `…17UTC`.
enum AWSTimeText {
    /// - Returns: `nil` for what is no such text.
    static func parse(_ text: String) -> Timestamp? {
        var rest = Array(text.utf8)[...]
        func number(_ digits: Int) -> Int64? {
            guard rest.count >= digits else { return nil }
            var value: Int64 = 0
            for byte in rest.prefix(digits) {
                guard (0x30...0x39).contains(byte) else { return nil }
                value = value * 10 + Int64(byte - 0x30)
            }
            rest.removeFirst(digits)
            return value
        }
        func take(_ choices: String) -> UInt8? {
            guard let byte = rest.first, choices.utf8.contains(byte) else { return nil }
            rest.removeFirst()
            return byte
        }
        guard let year = number(4), take("-") != nil, let month = number(2), take("-") != nil, let day = number(2), take("Tt ") != nil,
            let hour = number(2), take(":") != nil, let minute = number(2), take(":") != nil, let second = number(2),
            (1...12).contains(month), (1...31).contains(day), hour < 24, minute < 60, second <= 60
        else { return nil }
        var micros: Int64 = 0
        if take(".,") != nil {
            var scale: Int64 = 100_000
            var digits = 0
            while let digit = number(1) {
                micros += digit * scale
                scale /= 10
                digits += 1
            }
            guard digits > 0 else { return nil }
        }
        var offset: Int64 = 0
        switch String(decoding: rest, as: UTF8.self) {
        case "", "Z", "z", "UTC", "GMT": break
        default:
            guard let sign = take("+-"), let hours = number(2) else { return nil }
            _ = take(":")
            guard let minutes = rest.isEmpty ? 0 : number(2), rest.isEmpty, hours < 24, minutes < 60 else { return nil }
            offset = (sign == UInt8(ascii: "-") ? -1 : 1) * (hours * 3600 + minutes * 60)
        }
        let seconds = days(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - offset
        return Timestamp(microseconds: seconds * 1_000_000 + micros)
    }

    /// Days since 1970-01-01, by Howard Hinnant's `days_from_civil` ("chrono-Compatible Low-Level Date Algorithms").
    private static func days(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let y = month <= 2 ? year - 1 : year
        let era = (y >= 0 ? y : y - 399) / 400
        let yearOfEra = y - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }
}
