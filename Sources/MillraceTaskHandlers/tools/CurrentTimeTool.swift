import Millrace
import MillraceCore

/// The tool `current_time`: what the clocks of a place show now.
enum CurrentTimeTool {
    static let name = "current_time"
    /// Where the time zone database is: Debian's tzdata, and nearly everybody's.
    static let directory = "/usr/share/zoneinfo"
    private static let longestFile = 1 << 20

    static func make() throws(MillraceError) -> Tool {
        try Tool(
            name: name, description: "Says the date, the weekday and the time of day now, in a time zone.",
            arguments: [
                "type": "object", "additionalProperties": false,
                "properties": [
                    "time_zone": [
                        "type": "string", "maxLength": 64,
                        "description": "A name such as Europe/Berlin or America/New_York, or an offset such as +05:30 (default: UTC)",
                    ]
                ],
            ]
        ) { arguments, call in
            let zone = arguments["time_zone"]?.string ?? "UTC"
            let now = Timestamp.now().microseconds / 1_000_000
            return try await call.run.runBlocking { try answer(zone, at: now, directory: directory) }
        }
    }

    /// What clocks show, as JSON. It blocks: it reads a small file.
    /// - Parameter seconds: since 1970-01-01T00:00:00Z.
    /// - Throws: ``ErrorCode/invalidInput`` for a time zone that there is not.
    static func answer(_ zone: String, at seconds: Int64, directory: String) throws(MillraceError) -> JSONValue {
        let local = try local(zone, at: seconds, directory: directory)
        let date = CivilDate(epochSeconds: seconds + Int64(local.offset))
        let clock = "\(two(date.second / 3600)):\(two(date.second / 60 % 60)):\(two(date.second % 60))"
        let weekdays = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]
        return [
            "time": .string("\(four(date.year))-\(two(date.month))-\(two(date.day))T\(clock)\(offset(local.offset))"),
            "weekday": .string(weekdays[Int(date.weekday)]), "time_zone": .string(zone), "abbreviation": .string(local.abbreviation),
        ]
    }

    private static func local(_ zone: String, at seconds: Int64, directory: String) throws(MillraceError) -> TimeZoneRules.Local {
        if ["UTC", "Z", "GMT"].contains(zone.uppercased()) { return .init(offset: 0, abbreviation: "UTC") }
        if let offset = Self.offset(zone) { return .init(offset: offset, abbreviation: zone) }
        let bytes: [UInt8]
        do throws(MillraceError) {
            guard isName(zone) else { throw MillraceError(.notFound, "no name") }
            bytes = try BoundedFile.read("\(directory)/\(zone)", limit: longestFile)
        } catch {
            guard BoundedFile.exists(directory) else {
                throw MillraceError(.notFound, "no time zones are installed here: ask for UTC, or for an offset such as +02:00")
            }
            throw MillraceError(
                .invalidInput, "there is no time zone '\(zone)': name one as Europe/Berlin, or an offset such as +02:00")
        }
        return try TimeZoneRules(bytes).local(at: seconds)
    }

    /// A name of the database: it leads nowhere else.
    private static func isName(_ zone: String) -> Bool {
        let parts = zone.split(separator: "/", omittingEmptySubsequences: false)
        return parts.count <= 3
            && parts.allSatisfy { part in
                part.utf8.first.map { (0x41...0x5A).contains($0 & 0xDF) } == true
                    && part.utf8.allSatisfy { (0x41...0x5A).contains($0 & 0xDF) || (0x30...0x39).contains($0) || "_+-".utf8.contains($0) }
            }
    }

    /// `+05:30` in seconds.
    private static func offset(_ text: String) -> Int? {
        let parts = text.dropFirst().split(separator: ":", omittingEmptySubsequences: false)
        guard let sign = text.first, sign == "+" || sign == "-", parts.count == 2,
            parts.allSatisfy({ part in part.utf8.count == 2 && part.utf8.allSatisfy { (0x30...0x39).contains($0) } }),
            let hours = Int(parts[0]), let minutes = Int(parts[1]), hours <= 14, minutes < 60
        else { return nil }
        return (hours * 3600 + minutes * 60) * (sign == "-" ? -1 : 1)
    }

    private static func offset(_ seconds: Int) -> String {
        let minutes = Int64(seconds.magnitude) / 60
        return (seconds < 0 ? "-" : "+") + "\(two(minutes / 60)):\(two(minutes % 60))"
    }

    private static func two(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }
    private static func four(_ number: Int64) -> String { String(repeating: "0", count: max(4 - "\(number)".count, 0)) + "\(number)" }
}
