import MillraceCore

/// Reads CSV: a line for each record, its fields separated by tabs.
struct CSVReader: ByteReader {
    private var decoder = CharacterDecoder()
    private var parser: CSVParser?
    private var head: [UInt8] = []
    private var row = 0

    /// The delimiter is found in this many bytes.
    private static let headBytes = 32 << 10

    var title: String? { nil }
    var warnings: [String] { decoder.warnings }

    mutating func receive(_ bytes: [UInt8], _ writer: PieceWriter) throws(MillraceError) {
        try take(decoder.decode(bytes), writer)
    }

    mutating func finish(_ writer: PieceWriter) throws(MillraceError) {
        try take(decoder.finish(), writer)
        if parser == nil { try begin(writer) }
        var parser = parser
        try parser?.finish { (record) throws(MillraceError) in try self.record(record, writer) }
        try writer.flush()
    }

    private mutating func take(_ text: [UInt8], _ writer: PieceWriter) throws(MillraceError) {
        guard parser != nil else {
            head += text
            if head.count >= Self.headBytes { try begin(writer) }
            return
        }
        try parse(text, writer)
    }

    private mutating func begin(_ writer: PieceWriter) throws(MillraceError) {
        parser = CSVParser(delimiter: CSVParser.delimiter(of: Array(head.prefix(Self.headBytes))))
        let text = head
        head = []
        try parse(text, writer)
    }

    private mutating func parse(_ text: [UInt8], _ writer: PieceWriter) throws(MillraceError) {
        guard var parser else { return }
        try parser.receive(text) { (record) throws(MillraceError) in try self.record(record, writer) }
        self.parser = parser
    }

    private mutating func record(_ fields: [[UInt8]], _ writer: PieceWriter) throws(MillraceError) {
        row += 1
        try writer.append(TableRow.line(fields), .table, at: Place(), row: row)
    }
}
