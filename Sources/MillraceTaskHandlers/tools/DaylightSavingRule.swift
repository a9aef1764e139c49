import MillraceCore

/// When clocks are changed each year, such as `CET-1CEST,M3.5.0,M10.5.0/3`. A value.
///
/// Source: POSIX.1-2024, "Environment Variables", `TZ`, with the longer times of RFC 9636, 3.3.1.
struct DaylightSavingRule: Equatable, Sendable {
    /// A day of the year and a time of it.
    struct Change: Equatable, Sendable {
        enum Day: Equatable, Sendable {
            /// Of a month the nth such weekday; the fifth is the last.
            case weekday(month: Int, week: Int, day: Int)
            /// From 1; 29 February is never counted.
            case julian(Int)
            /// From 0; 29 February is counted.
            case ordinal(Int)
        }
        var day: Day
        /// In seconds, by the clocks before the change.
        var time: Int
    }

    let standard: TimeZoneRules.Local
    let daylight: TimeZoneRules.Local?
    let start: Change
    let end: Change

    /// - Returns: `nil` for a text that is no such rule.
    init?(_ text: String) {
        var reader = Reader(bytes: Array(text.utf8))
        guard let name = reader.name(), let offset = reader.time() else { return nil }
        standard = TimeZoneRules.Local(offset: -offset, abbreviation: name)
        // The rules of the United States, where a text has none.
        var changes = (
            Change(day: .weekday(month: 3, week: 2, day: 0), time: 7200), Change(day: .weekday(month: 11, week: 1, day: 0), time: 7200)
        )
        guard !reader.isAtEnd else {
            (daylight, start, end) = (nil, changes.0, changes.1)
            return
        }
        guard let summer = reader.name() else { return nil }
        var ahead = -offset + 3600
        if !reader.isAtEnd, reader.peek != UInt8(ascii: ",") {
            guard let given = reader.time() else { return nil }
            ahead = -given
        }
        daylight = TimeZoneRules.Local(offset: ahead, abbreviation: summer)
        if !reader.isAtEnd {
            guard reader.take(","), let first = reader.change(), reader.take(","), let second = reader.change(), reader.isAtEnd else {
                return nil
            }
            changes = (first, second)
        }
        (start, end) = changes
    }

    /// What clocks show at a moment, in seconds since 1970-01-01T00:00:00Z.
    func local(at seconds: Int64) -> TimeZoneRules.Local {
        guard let daylight else { return standard }
        let year = CivilDate(epochSeconds: seconds + Int64(standard.offset)).year
        let begins = Self.moment(start, year) - Int64(standard.offset)
        let ends = Self.moment(end, year) - Int64(daylight.offset)
        // South of the equator summer goes over the year's end.
        let isDaylight = begins < ends ? seconds >= begins && seconds < ends : seconds >= begins || seconds < ends
        return isDaylight ? daylight : standard
    }

    /// A change as if its clocks were UTC's.
    private static func moment(_ change: Change, _ year: Int64) -> Int64 {
        let newYear = days(year, 1)
        let day: Int64
        switch change.day {
        case .julian(let number):
            day = newYear + Int64(number) - 1 + (isLeap(year) && number >= 60 ? 1 : 0)
        case .ordinal(let number): day = newYear + Int64(number)
        case .weekday(let month, let week, let weekday):
            let first = days(year, Int64(month))
            let firstWeekday = CivilDate(epochSeconds: first * 86400).weekday
            var found = first + (Int64(weekday) - firstWeekday + 7) % 7 + Int64(week - 1) * 7
            let next = month == 12 ? days(year + 1, 1) : days(year, Int64(month) + 1)
            while found >= next { found -= 7 }
            day = found
        }
        return day * 86400 + Int64(change.time)
    }

    private static func isLeap(_ year: Int64) -> Bool { year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) }

    /// Days from 1970-01-01 to the first of a month.
    private static func days(_ year: Int64, _ month: Int64) -> Int64 {
        let before = year - 1
        let leaps = before / 4 - before / 100 + before / 400 - (1969 / 4 - 1969 / 100 + 1969 / 400)
        let lengths: [Int64] = [31, isLeap(year) ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        return (year - 1970) * 365 + leaps + lengths.prefix(Int(month) - 1).reduce(0, +)
    }

    private struct Reader {
        let bytes: [UInt8]
        var place = 0

        var isAtEnd: Bool { place >= bytes.count }
        var peek: UInt8? { isAtEnd ? nil : bytes[place] }

        mutating func take(_ character: Unicode.Scalar) -> Bool {
            guard peek == UInt8(ascii: character) else { return false }
            place += 1
            return true
        }

        /// Letters, or anything between `<` and `>`.
        mutating func name() -> String? {
            let isQuoted = take("<")
            let start = place
            while let byte = peek, isQuoted ? byte != UInt8(ascii: ">") : (0x41...0x5A).contains(byte & 0xDF) { place += 1 }
            let name = String(decoding: bytes[start..<place], as: UTF8.self)
            if isQuoted, !take(">") { return nil }
            return name.utf8.count >= 3 ? name : nil
        }

        mutating func number() -> Int? {
            let start = place
            while let byte = peek, (0x30...0x39).contains(byte), place - start < 4 { place += 1 }
            return Int(String(decoding: bytes[start..<place], as: UTF8.self))
        }

        /// `[+-]hh[:mm[:ss]]`, in seconds.
        mutating func time() -> Int? {
            let isNegative = take("-")
            if !isNegative { _ = take("+") }
            guard let hours = number(), hours <= 167 else { return nil }
            var seconds = hours * 3600
            for unit in [60, 1] where take(":") {
                guard let count = number(), count < 60 else { return nil }
                seconds += count * unit
            }
            return isNegative ? -seconds : seconds
        }

        mutating func change() -> Change? {
            let day: Change.Day
            if take("M") {
                guard let month = number(), (1...12).contains(month), take("."), let week = number(), (1...5).contains(week), take("."),
                    let weekday = number(), (0...6).contains(weekday)
                else { return nil }
                day = .weekday(month: month, week: week, day: weekday)
            } else if take("J") {
                guard let number = number(), (1...365).contains(number) else { return nil }
                day = .julian(number)
            } else {
                guard let number = number(), (0...365).contains(number) else { return nil }
                day = .ordinal(number)
            }
            guard take("/") else { return Change(day: day, time: 7200) }
            return time().map { Change(day: day, time: $0) }
        }
    }
}
