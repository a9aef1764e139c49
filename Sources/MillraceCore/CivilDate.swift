/// A moment's date and time of day in UTC.
///
/// The date comes from Howard Hinnant's `civil_from_days` ("chrono-Compatible Low-Level Date Algorithms").
package struct CivilDate: Equatable, Sendable {
    package let year: Int64
    /// From 1.
    package let month: Int64
    /// Of the month, from 1.
    package let day: Int64
    /// From 0, Sunday.
    package let weekday: Int64
    /// Of the day, from 0.
    package let second: Int64

    /// The date of a moment, in seconds since 1970-01-01T00:00:00Z.
    package init(epochSeconds: Int64) {
        second = ((epochSeconds % 86400) + 86400) % 86400
        let days = (epochSeconds - second) / 86400
        let z = days + 719_468
        let era = (z >= 0 ? z : z - 146_096) / 146_097
        let dayOfEra = z - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        // 1970-01-01 was a Thursday.
        weekday = ((days + 4) % 7 + 7) % 7
    }
}
