import MillraceCore

/// Reads records of fields (RFC 4180), also with other delimiters and other line ends, and tolerates quotes where they should not be. A value
/// without I/O.
struct CSVParser {
    let delimiter: UInt8
    private enum State { case fieldStart, plain, quoted, quoteInQuoted }
    private var state = State.fieldStart
    private var field: [UInt8] = []
    private var record: [[UInt8]] = []
    private var recordBytes = 0
    private var endedInReturn = false

    /// The longest record, in bytes: a quote that nobody closes would take all that follows.
    static let longestRecord = 1 << 20

    init(delimiter: UInt8) { self.delimiter = delimiter }

    /// The delimiter that cuts the first records most evenly: comma, semicolon, tab or bar.
    static func delimiter(of head: [UInt8]) -> UInt8 {
        var best = (delimiter: UInt8(ascii: ","), score: 0)
        for delimiter in [UInt8(ascii: ","), UInt8(ascii: ";"), 0x09, UInt8(ascii: "|")] {
            var parser = CSVParser(delimiter: delimiter)
            var counts: [Int] = []
            // What fails here fails where it can be said.
            try? parser.receive(head) { (record) throws(MillraceError) in
                if counts.count < 50, record.count > 0 { counts.append(record.count) }
            }
            if counts.isEmpty { try? parser.finish { (record) throws(MillraceError) in counts.append(record.count) } }
            guard let usual = counts.max(by: { left, right in counts.count { $0 == left } < counts.count { $0 == right } }), usual > 1
            else {
                continue
            }
            let score = counts.count { $0 == usual } * 1000 / counts.count * min(usual, 100)
            if score > best.score { best = (delimiter, score) }
        }
        return best.delimiter
    }

    /// Takes the next text and gives the records that are complete.
    mutating func receive(_ text: [UInt8], _ take: ([[UInt8]]) throws(MillraceError) -> Void) throws(MillraceError) {
        for byte in text {
            if endedInReturn, byte == 0x0A {
                endedInReturn = false
                continue
            }
            endedInReturn = false
            switch state {
            case .quoted:
                if byte == UInt8(ascii: "\"") { state = .quoteInQuoted } else { try add(byte) }
            case .quoteInQuoted where byte == UInt8(ascii: "\""):
                try add(byte)
                state = .quoted
            case .fieldStart where byte == UInt8(ascii: "\""):
                state = .quoted
            default:
                if byte == delimiter {
                    endField()
                } else if byte == 0x0A || byte == 0x0D {
                    endedInReturn = byte == 0x0D
                    endField()
                    try endRecord(take)
                } else {
                    try add(byte)
                    state = .plain
                }
            }
        }
    }

    /// The record that no line end ends.
    mutating func finish(_ take: ([[UInt8]]) throws(MillraceError) -> Void) throws(MillraceError) {
        guard !record.isEmpty || !field.isEmpty || state != .fieldStart else { return }
        endField()
        try endRecord(take)
    }

    private mutating func add(_ byte: UInt8) throws(MillraceError) {
        field.append(byte)
        recordBytes += 1
        guard recordBytes <= Self.longestRecord else {
            throw MillraceError(
                .documentDamaged, "a record of the CSV is longer than \(Self.longestRecord) bytes: a quotation mark may not be closed")
        }
    }

    private mutating func endField() {
        record.append(field)
        recordBytes += 1
        field.removeAll(keepingCapacity: true)
        state = .fieldStart
    }

    private mutating func endRecord(_ take: ([[UInt8]]) throws(MillraceError) -> Void) throws(MillraceError) {
        defer {
            record.removeAll(keepingCapacity: true)
            recordBytes = 0
        }
        try take(record)
    }
}
