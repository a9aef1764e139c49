import MillraceCore
import Testing

@testable import MillraceHTTPClient

@Suite struct RetryAfterTests {
    /// Sun, 06 Nov 1994 08:49:37 GMT, the example of RFC 9110.
    private let wall = Timestamp(microseconds: 784_111_777_000_000)

    private func milliseconds(_ headers: HTTPClientHeaders) -> Int64? {
        RetryAfter(headers, wall: wall).map { $0.nanoseconds / 1_000_000 }
    }

    @Test(
        arguments: [
            ("0", 0), ("3", 3000), ("120", 120_000), (" 7 ", 7000), ("1.5", 1500), ("0.25", 250), (".5", 500), ("2.", 2000),
            ("1.0000000000001", 1000),
            ("Sun, 06 Nov 1994 08:49:47 GMT", 10_000), ("Sunday, 06-Nov-94 08:50:37 GMT", 60_000), ("Sun Nov  6 09:49:37 1994", 3_600_000),
            ("Sun, 06 Nov 1994 08:49:00 GMT", 0), ("Sat, 01 Jan 1994 00:00:00 GMT", 0),
        ] as [(String, Int64?)])
    func retryAfter_isReadInEveryForm(text: String, expected: Int64?) {
        #expect(milliseconds(["Retry-After": text]) == expected)
    }

    @Test(arguments: ["", " ", "soon", "-1", "1e3", "0x10", "1.2.3", "3 4", ".", "inf", "nan", "Sun, 06 Nov 1994", "٣"])
    func whatCannotBeRead_countsAsAbsent(text: String) {
        #expect(milliseconds(["Retry-After": text]) == nil)
    }

    @Test func moreThanFits_saturates() {
        #expect(RetryAfter(["Retry-After": "99999999999999999999999"], wall: wall) == RetryAfter(nanoseconds: .max))
        #expect(RetryAfter(["Retry-After": "9223372036.9"], wall: wall) == RetryAfter(nanoseconds: .max))
        #expect(RetryAfter(["Retry-After": "Fri, 31 Dec 9999 23:59:59 GMT"], wall: wall) == RetryAfter(nanoseconds: .max))
    }

    @Test func millisecondsOfOpenAI_goFirst() {
        #expect(milliseconds(["Retry-After": "3", "retry-after-ms": "250"]) == 250)
        #expect(RetryAfter(["Retry-After-Ms": "12.5"], wall: wall) == RetryAfter(nanoseconds: 12_500_000))
        #expect(milliseconds(["Retry-After": "3", "retry-after-ms": "soon"]) == 3000)
        #expect(milliseconds([:]) == nil)
    }
}

@Suite struct HTTPDateParserTests {
    @Test(
        arguments: [
            ("Thu, 01 Jan 1970 00:00:00 GMT", 0), ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777),
            ("Tue, 29 Feb 2000 23:59:59 GMT", 951_868_799),
            ("Wed, 31 Dec 1969 23:59:59 GMT", -1), ("Fri, 31 Dec 9999 23:59:59 GMT", 253_402_300_799),
            ("Sat, 31 Dec 2016 23:59:60 GMT", 1_483_228_800),
            ("Mon, 01 Jan 0001 00:00:00 GMT", -62_135_596_800), ("Sun Nov 16 08:49:37 1994", 784_975_777),
        ] as [(String, Int64)])
    func aDate_isSecondsSinceTheEpoch(text: String, seconds: Int64) {
        #expect(HTTPDateParser.epochSeconds(text, now: 0) == seconds)
    }

    /// RFC 9110: more than 50 years ahead means the century before.
    @Test(arguments: [("26", 2026), ("76", 2076), ("77", 1977), ("99", 1999), ("00", 2000)])
    func twoDigitsOfAYear_areAtMost50YearsAhead(written: String, year: Int64) {
        let now: Int64 = 1_795_000_000  // November 2026
        let text = "Thursday, 01-Jan-\(written) 00:00:00 GMT"
        #expect(HTTPDateParser.epochSeconds(text, now: now).map { CivilDate(epochSeconds: $0).year } == year)
    }

    @Test func twoDigitsShortlyBeforeACentury_canMeanTheNext() {
        let date = HTTPDateParser.epochSeconds("Saturday, 01-Jan-05 00:00:00 GMT", now: 941_000_000)
        #expect(date.map { CivilDate(epochSeconds: $0).year } == 2005)
    }

    @Test(arguments: [
        "", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 UTC", "Son, 06 Nov 1994 08:49:37 GMT", "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 06 nov 1994 08:49:37 GMT", "Sun, 31 Nov 1994 08:49:37 GMT", "Sun, 29 Feb 1900 08:49:37 GMT", "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 Nov 1994 08:60:00 GMT", "Sun, 06 Nov 1994 08:49:61 GMT", "Sun, 06 Nov 1994 08:49 GMT", "Sun, 06 Nov 94 08:49:37 GMT",
        "Sun, 06 Nov 1994 8:49:37 GMT", "Sun, 00 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-1994 08:49:37 GMT", "a b c d e", "a b c d e GMT",
    ])
    func whatIsNoDate_isNil(text: String) {
        #expect(HTTPDateParser.epochSeconds(text, now: 0) == nil)
    }

    /// The formatter's own arithmetic is the counterpart, over 400 years: through every date and all forms of leap years.
    @Test func daysOfFourCenturies_comeBack() {
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        for day in stride(from: Int64(-25_567), to: 120_530, by: 13) {
            let date = CivilDate(epochSeconds: day * 86_400 + 3723)
            let text = "Mon, \(date.day < 10 ? "0" : "")\(date.day) \(months[Int(date.month) - 1]) \(date.year) 01:02:03 GMT"
            let seconds = HTTPDateParser.epochSeconds(text, now: 0)
            if seconds != day * 86_400 + 3723 { Issue.record("\(text)") }
        }
    }
}
