/// Reads an `HTTP-date`, RFC 9110, section 5.6.7, in each of the three forms that a recipient has to take:
/// `Sun, 06 Nov 1994 08:49:37 GMT`, `Sunday, 06-Nov-94 08:49:37 GMT` and `Sun Nov  6 08:49:37 1994`.
package enum HTTPDateParser {
    /// Seconds since 1970-01-01T00:00:00Z, or `nil` for what is no date.
    /// - Parameter now: the present in the same unit; the form with two digits of a year is read so that it is at most 50 years ahead of it.
    package static func epochSeconds(_ text: some StringProtocol, now: Int64) -> Int64? {
        let words = text.split(whereSeparator: { $0 == " " || $0 == "-" || $0 == "," })
        switch words.count {
        case 6 where words[5] == "GMT":
            guard let day = number(words[1], digits: 2), let written = number(words[3], digits: words[3].utf8.count == 2 ? 2 : 4) else {
                return nil
            }
            if words[3].utf8.count == 4 {
                return isWeekday(words[0], abbreviated: true) ? moment(year: written, month: words[2], day: day, time: words[4]) : nil
            }
            guard isWeekday(words[0], abbreviated: false) else { return nil }
            let latest = 1970 + now / 31_556_952 + 50
            let year = latest - (((latest - written) % 100) + 100) % 100
            return moment(year: year, month: words[2], day: day, time: words[4])
        case 5:
            guard isWeekday(words[0], abbreviated: true), let day = number(words[2], digits: words[2].utf8.count == 1 ? 1 : 2),
                let year = number(words[4], digits: 4)
            else { return nil }
            return moment(year: year, month: words[1], day: day, time: words[3])
        default: return nil
        }
    }

    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    private static let weekdays = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]

    /// That the day fits the date is not checked.
    private static func isWeekday(_ word: some StringProtocol, abbreviated: Bool) -> Bool {
        weekdays.contains { abbreviated ? $0.prefix(3) == word : $0 == word }
    }

    private static func number(_ word: some StringProtocol, digits: Int) -> Int64? {
        word.utf8.count == digits && word.utf8.allSatisfy { (0x30...0x39).contains($0) } ? Int64(word) : nil
    }

    private static func moment(year: Int64, month: some StringProtocol, day: Int64, time: some StringProtocol) -> Int64? {
        let parts = time.split(separator: ":", omittingEmptySubsequences: false)
        guard let index = months.firstIndex(where: { $0 == month }), parts.count == 3, let hour = number(parts[0], digits: 2),
            let minute = number(parts[1], digits: 2), let second = number(parts[2], digits: 2), hour < 24, minute < 60, second <= 60
        else { return nil }
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        let lengths: [Int64] = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        guard (1...lengths[index]).contains(day) else { return nil }
        // Days before the year, by the rule of leap years since year 1, of which 719,162 lie before 1970.
        let years = year - 1
        let before = years * 365 + floor(years, 4) - floor(years, 100) + floor(years, 400)
        return (before - 719_162 + lengths[..<index].reduce(0, +) + day - 1) * 86_400 + hour * 3600 + minute * 60 + second
    }

    private static func floor(_ value: Int64, _ divisor: Int64) -> Int64 { (value - ((value % divisor) + divisor) % divisor) / divisor }
}
