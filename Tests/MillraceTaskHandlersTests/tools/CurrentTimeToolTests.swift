import FoundationEssentials
import Millrace
import MillraceCore
import Testing

@testable import MillraceTaskHandlers

@Suite struct CurrentTimeToolTests {
    /// A file of the time zone database: an empty block of version 1, and one of 64 bits.
    private static func file(_ times: [(Int64, Int)], _ locals: [(Int32, String)], footer: String) -> [UInt8] {
        func big<T: FixedWidthInteger>(_ value: T) -> [UInt8] { withUnsafeBytes(of: value.bigEndian) { Array($0) } }
        func header(_ counts: [Int32]) -> [UInt8] { Array("TZif2".utf8) + [UInt8](repeating: 0, count: 15) + counts.flatMap { big($0) } }
        let names = locals.map { Array($0.1.utf8) + [0] }
        var bytes = header([0, 0, 0, 0, 1, 1]) + big(Int32(0)) + [0, 0, 0]
        bytes += header([0, 0, 0, Int32(times.count), Int32(locals.count), Int32(names.joined().count)])
        bytes += times.flatMap { big($0.0) } + times.map { UInt8($0.1) }
        var place = 0
        for (local, name) in zip(locals, names) {
            bytes += big(local.0) + [0, UInt8(place)]
            place += name.count
        }
        return bytes + names.joined() + Array("\n\(footer)\n".utf8)
    }

    private static let berlin = file(
        [(0, 1), (1_000_000, 0)], [(3600, "CET"), (7200, "CEST")], footer: "CET-1CEST,M3.5.0,M10.5.0/3")

    @Test(arguments: [
        (-5, 3600, "CET"), (0, 7200, "CEST"), (999_999, 7200, "CEST"), (1_000_000, 3600, "CET"),
        // 2026-03-29 and 2026-10-25, 01:00 UTC.
        (1_774_745_999, 3600, "CET"), (1_774_746_000, 7200, "CEST"), (1_792_889_999, 7200, "CEST"), (1_792_890_000, 3600, "CET"),
    ]) func moments_haveWhatTheFileAndItsRuleSay(seconds: Int64, offset: Int, name: String) throws {
        #expect(try TimeZoneRules(Self.berlin).local(at: seconds) == .init(offset: offset, abbreviation: name))
    }

    @Test(arguments: [
        // Sydney: summer goes over the new year; 2026-04-04 and 2026-10-03, 16:00 UTC.
        ("AEST-10AEDT,M10.1.0,M4.1.0/3", 1_767_225_600, 39600), ("AEST-10AEDT,M10.1.0,M4.1.0/3", 1_775_318_399, 39600),
        ("AEST-10AEDT,M10.1.0,M4.1.0/3", 1_775_318_400, 36000), ("AEST-10AEDT,M10.1.0,M4.1.0/3", 1_791_043_199, 36000),
        ("AEST-10AEDT,M10.1.0,M4.1.0/3", 1_791_043_200, 39600),
        ("EST5EDT,M3.2.0,M11.1.0", 1_772_953_199, -18000), ("EST5EDT,M3.2.0,M11.1.0", 1_772_953_200, -14400),
        ("EST5EDT", 1_772_953_200, -14400),
        ("<+0545>-5:45", 0, 20700), ("IST-5:30", 1_800_000_000, 19800), ("<-03>3<-02>,M3.5.0/-2,M10.5.0/-1", 1_774_746_000, -7200),
        // 2028-03-01 is day 60 of a Julian count and 60 of an ordinal one, in a leap year.
        ("AAA0BBB,J60/0,J300/0", 1_835_481_599, 0), ("AAA0BBB,J60/0,J300/0", 1_835_481_600, 3600),
        ("AAA0BBB,60/0,300/0", 1_835_481_600, 3600),
    ]) func rule_isThatOfPOSIX(text: String, seconds: Int64, offset: Int) throws {
        #expect(try #require(DaylightSavingRule(text)).local(at: seconds).offset == offset)
    }

    @Test(arguments: ["", "CE-1", "CET", "CET-1CEST,M3.5.0", "CET-1CEST,M13.5.0,M10.5.0", "CET-1CEST,M3.5.0,M10.5.0x", "<CET-1", "CET-200"])
    func otherText_isNoRule(text: String) { #expect(DaylightSavingRule(text) == nil) }

    @Test func fileCutAnywhere_isRefused() {
        for length in 0..<Self.berlin.count {
            #expect(throws: MillraceError.self) { _ = try TimeZoneRules(Array(Self.berlin[..<length])) }
        }
    }

    @Test func fileWithAnyByteChanged_isReadOrRefused() {
        for place in Self.berlin.indices {
            for value: UInt8 in [0, 1, 0x2D, 0x7F, 0x80, 0xFF] {
                var bytes = Self.berlin
                bytes[place] = value
                let rules = try? TimeZoneRules(bytes)
                for moment: Int64 in [-4_000_000_000, 0, 1_000_000, 1_784_000_000] { _ = rules?.local(at: moment) }
            }
        }
    }

    @Test func answer_isInThePlacesTime() throws {
        let folder = FileManager.default.temporaryDirectory.path() + "millrace-zones-\(Identifier.make(prefix: "t"))"
        try FileManager.default.createDirectory(atPath: folder + "/Europe", withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try Data(Self.berlin).write(to: URL(filePath: folder + "/Europe/Berlin"))
        func answer(_ zone: String) throws -> JSONValue { try CurrentTimeTool.answer(zone, at: 1_784_000_000, directory: folder) }
        #expect(
            try answer("Europe/Berlin") == [
                "time": "2026-07-14T05:33:20+02:00", "weekday": "Tuesday", "time_zone": "Europe/Berlin", "abbreviation": "CEST",
            ])
        #expect(try answer("utc")["time"] == "2026-07-14T03:33:20+00:00")
        #expect(try answer("-09:30")["time"] == "2026-07-13T18:03:20-09:30")
        for zone in ["Europe/Bonn", "../etc/passwd", "/etc/passwd", "Europe/../Europe/Berlin", "", "Europe/", "+1:00", "+15:00", "+01:60"] {
            #expect { _ = try answer(zone) } throws: { ($0 as? MillraceError)?.message.contains("there is no time zone '\(zone)'") == true }
        }
        #expect { _ = try CurrentTimeTool.answer("Europe/Berlin", at: 0, directory: folder + "/none") } throws: {
            ($0 as? MillraceError)?.code == .notFound
        }
    }
}
