import MillraceCore

/// What a time zone's clocks showed and will show: a file of the time zone database, read. A value without I/O.
///
/// Source: RFC 9636, "The Time Zone Information Format (TZif)".
struct TimeZoneRules: Equatable, Sendable {
    /// What clocks show for a while.
    struct Local: Equatable, Sendable {
        /// How far they are ahead of UTC, in seconds.
        var offset: Int
        /// What that is called, such as `CEST`.
        var abbreviation: String
    }

    private let times: [Int64]
    private let changes: [Int]
    private let locals: [Local]
    /// What holds after the last of `times`.
    private let footer: DaylightSavingRule?

    private static let damaged = MillraceError(.system, "the time zone database cannot be read: it is damaged, or of another format")

    /// - Throws: ``ErrorCode/system`` for bytes that are no such file.
    init(_ bytes: [UInt8]) throws(MillraceError) {
        var reader = Reader(bytes: bytes)
        var header = try reader.header()
        if header.version >= 2 {
            // The first block is for readers of before, whose times have 32 bits.
            try reader.skip(header.length(timeBytes: 4))
            header = try reader.header()
        }
        let timeBytes = header.version >= 2 ? 8 : 4
        times = try reader.integers(header.timeCount, bytes: timeBytes)
        changes = try reader.integers(header.timeCount, bytes: 1).map { Int($0) }
        var found: [(offset: Int, name: Int)] = []
        for _ in 0..<header.typeCount {
            let offset = try reader.integers(1, bytes: 4)[0]
            _ = try reader.integers(1, bytes: 1)
            found.append((Int(offset), Int(try reader.integers(1, bytes: 1)[0])))
        }
        let names = try reader.bytes(header.characterCount)
        guard !found.isEmpty, changes.allSatisfy({ $0 < found.count }), found.allSatisfy({ $0.name < names.count }) else {
            throw Self.damaged
        }
        locals = found.map { Local(offset: $0.offset, abbreviation: String(decoding: names[$0.name...].prefix { $0 != 0 }, as: UTF8.self)) }
        try reader.skip(header.leapCount * (timeBytes + 4) + header.standardCount + header.universalCount)
        footer = header.version >= 2 ? try reader.footer().flatMap { DaylightSavingRule($0) } : nil
    }

    /// What clocks show at a moment, in seconds since 1970-01-01T00:00:00Z.
    func local(at seconds: Int64) -> Local {
        guard let last = times.last, seconds < last else {
            return footer?.local(at: seconds) ?? changes.last.map { locals[$0] } ?? locals[0]
        }
        // The first type stands for all time before the first change (RFC 9636, 3.2).
        let next = times.firstIndex { $0 > seconds } ?? times.count
        return next == 0 ? locals[0] : locals[changes[next - 1]]
    }

    private struct Header {
        var version = 1
        var universalCount = 0
        var standardCount = 0
        var leapCount = 0
        var timeCount = 0
        var typeCount = 0
        var characterCount = 0

        func length(timeBytes: Int) -> Int {
            timeCount * (timeBytes + 1) + typeCount * 6 + characterCount + leapCount * (timeBytes + 4) + standardCount + universalCount
        }
    }

    private struct Reader {
        let bytes: [UInt8]
        var place = 0

        mutating func bytes(_ count: Int) throws(MillraceError) -> ArraySlice<UInt8> {
            guard count >= 0, count <= bytes.count - place else { throw damaged }
            defer { place += count }
            let slice = bytes[place..<(place + count)]
            return ArraySlice(Array(slice))
        }

        mutating func skip(_ count: Int) throws(MillraceError) { _ = try bytes(count) }

        /// Big-endian integers; those of more than a byte have a sign.
        mutating func integers(_ count: Int, bytes width: Int) throws(MillraceError) -> [Int64] {
            guard count >= 0, count <= bytes.count else { throw damaged }
            let taken = Array(try bytes(count * width))
            return (0..<count).map { number in
                let value = taken[(number * width)..<((number + 1) * width)].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
                return width == 4 ? Int64(Int32(truncatingIfNeeded: value)) : Int64(bitPattern: value)
            }
        }

        mutating func header() throws(MillraceError) -> Header {
            guard Array(try bytes(4)) == Array("TZif".utf8) else { throw damaged }
            var header = Header()
            let version = try bytes(16)
            header.version = version.first.map { $0 == 0 ? 1 : Int($0) - 0x30 } ?? 1
            let counts = try integers(6, bytes: 4).map { Int($0) }
            guard counts.allSatisfy({ (0...100_000).contains($0) }) else { throw damaged }
            (header.universalCount, header.standardCount, header.leapCount) = (counts[0], counts[1], counts[2])
            (header.timeCount, header.typeCount, header.characterCount) = (counts[3], counts[4], counts[5])
            return header
        }

        /// The rule between two line feeds; `nil`: it is empty.
        mutating func footer() throws(MillraceError) -> String? {
            guard place < bytes.count, bytes[place] == 0x0A, let end = bytes[(place + 1)...].firstIndex(of: 0x0A) else { throw damaged }
            let text = String(decoding: bytes[(place + 1)..<end], as: UTF8.self)
            return text.isEmpty ? nil : text
        }
    }
}
