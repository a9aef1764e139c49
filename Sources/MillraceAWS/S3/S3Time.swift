import MillraceCore
import MillraceHTTPClient

/// Times as S3 writes them.
enum S3Time {
    /// RFC 9110, section 5.6.7, as in `Last-Modified`.
    static func timestamp(httpDate text: String) -> Timestamp? {
        HTTPDateParser.epochSeconds(text, now: Timestamp.now().microseconds / 1_000_000).map { Timestamp(microseconds: $0 * 1_000_000) }
    }

    /// ISO 8601 in UTC, as in documents: `2026-11-21T09:59:36.161Z`, with or without a fraction.
    static func timestamp(iso8601 text: String) -> Timestamp? {
        let parts = text.utf8.split(whereSeparator: { "-T:Z".utf8.contains($0) }).map { String(decoding: $0, as: UTF8.self) }
        guard parts.count == 6, text.hasSuffix("Z"), let year = Int(parts[0]), let month = Int(parts[1]), let day = Int(parts[2]),
            let hour = Int(parts[3]), let minute = Int(parts[4]), let second = Int(parts[5].prefix { $0 != "." }),
            1970...9999 ~= year, 1...12 ~= month, 1...31 ~= day, 0..<24 ~= hour, 0..<60 ~= minute, 0...60 ~= second
        else { return nil }
        let digits = parts[5].drop { $0 != "." }.dropFirst().prefix(6)
        guard let fraction = digits.isEmpty ? 0 : Int(digits + String(repeating: "0", count: 6 - digits.count)) else { return nil }
        // Months are counted from March, so that a leap day is the last of its year.
        let shifted = month > 2 ? year : year - 1
        let monthFromMarch = (month + 9) % 12
        let dayOfYear = (153 * monthFromMarch + 2) / 5 + day - 1
        let days = 365 * shifted + shifted / 4 - shifted / 100 + shifted / 400 + dayOfYear - 719_468
        return Timestamp(microseconds: Int64(((days * 24 + hour) * 60 + minute) * 60 + second) * 1_000_000 + Int64(fraction))
    }

    /// As in `If-Modified-Since`: `Sun, 06 Nov 1994 08:49:37 GMT`.
    static func httpDate(_ time: Timestamp) -> String {
        let date = CivilDate(epochSeconds: time.microseconds / 1_000_000)
        func two(_ value: Int64) -> String { value < 10 ? "0\(value)" : "\(value)" }
        return "\(weekdays[Int(date.weekday)]), \(two(date.day)) \(months[Int(date.month) - 1]) \(date.year) "
            + "\(two(date.second / 3600)):\(two(date.second / 60 % 60)):\(two(date.second % 60)) GMT"
    }

    private static let weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
}
