import MillraceCore

/// Reads Markdown (CommonMark 0.31): it stays as it is, and its headings, `#` and underlined ones, are the sections. A value without I/O.
struct MarkdownReader: ByteReader {
    private var decoder = CharacterDecoder()
    private var splitter = LineSplitter()
    private var place = Place()
    private var fence: (byte: UInt8, count: Int)?
    /// A line of text that an underline would make a heading.
    private var held: [UInt8]?
    private var isFirstLine = true
    /// Whether these are the settings that some tools put before a text, between lines of `---`.
    private var isInFrontMatter = false
    private(set) var title: String?

    var warnings: [String] { decoder.warnings }

    mutating func receive(_ bytes: [UInt8], _ writer: PieceWriter) throws(MillraceError) {
        try take(decoder.decode(bytes), writer)
    }

    mutating func finish(_ writer: PieceWriter) throws(MillraceError) {
        try take(decoder.finish(), writer)
        var splitter = splitter
        try splitter.finish { (line, begins, ends) throws(MillraceError) in try self.line(line, begins, ends, writer) }
        try release(writer)
        try writer.flush()
    }

    private mutating func take(_ text: [UInt8], _ writer: PieceWriter) throws(MillraceError) {
        var splitter = splitter
        try splitter.receive(text) { (line, begins, ends) throws(MillraceError) in try self.line(line, begins, ends, writer) }
        self.splitter = splitter
    }

    private mutating func release(_ writer: PieceWriter) throws(MillraceError) {
        guard let held else { return }
        self.held = nil
        try writer.append(raw: held + [0x0A], at: place)
    }

    private mutating func line(_ line: [UInt8], _ begins: Bool, _ ends: Bool, _ writer: PieceWriter) throws(MillraceError) {
        defer { isFirstLine = false }
        guard begins, ends else {
            try release(writer)
            return try writer.append(raw: ends ? line + [0x0A] : line, at: place)
        }
        let content = Self.trimmed(line)
        if isInFrontMatter || isFirstLine && content == Array("---".utf8) {
            if !isFirstLine, content == Array("---".utf8) || content == Array("...".utf8) {
                isInFrontMatter = false
            } else {
                isInFrontMatter = true
                if title == nil { title = Self.frontMatterTitle(content) }
            }
            return try writer.append(raw: line + [0x0A], at: place)
        }
        if let open = fence {
            if Self.run(content, of: open.byte) >= open.count, content.allSatisfy({ $0 == open.byte }) { fence = nil }
            return try writer.append(raw: line + [0x0A], at: place)
        }
        let isIndented = line.starts(with: Array("    ".utf8)) || line.first == 0x09
        if !isIndented, let first = content.first, first == UInt8(ascii: "`") || first == UInt8(ascii: "~"),
            Self.run(content, of: first) >= 3
        {
            try release(writer)
            fence = (first, Self.run(content, of: first))
            return try writer.append(raw: line + [0x0A], at: place)
        }
        if !isIndented, let (level, heading) = Self.heading(content) {
            try release(writer)
            return try enter(heading, level, line, writer)
        }
        if let text = held, !isIndented, let level = Self.underline(content) {
            held = nil
            return try enter(Self.trimmed(text), level, text + [0x0A] + line, writer)
        }
        try release(writer)
        // What begins a list, a quote or a table is no heading.
        let isText = !isIndented && !content.isEmpty && !"-*+>|<=".utf8.contains(content[0])
        if isText { held = line } else { try writer.append(raw: line + [0x0A], at: place) }
    }

    private mutating func enter(_ heading: [UInt8], _ level: Int, _ line: [UInt8], _ writer: PieceWriter) throws(MillraceError) {
        let text = String(decoding: heading, as: UTF8.self)
        place.enter(text, level: level)
        if title == nil, level == 1 { title = text }
        try writer.append(raw: line + [0x0A], .heading, at: place)
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0D }

    static func trimmed(_ line: [UInt8]) -> [UInt8] {
        guard let first = line.firstIndex(where: { !isSpace($0) }), let last = line.lastIndex(where: { !isSpace($0) }) else { return [] }
        return Array(line[first...last])
    }

    private static func run(_ line: [UInt8], of byte: UInt8) -> Int { line.prefix { $0 == byte }.count }

    private static func heading(_ content: [UInt8]) -> (Int, [UInt8])? {
        let level = run(content, of: UInt8(ascii: "#"))
        guard (1...6).contains(level), content.count > level, isSpace(content[level]) else { return nil }
        var text = trimmed(Array(content[level...]))
        // A closing row of marks belongs to none.
        let closing = text.reversed().prefix { $0 == UInt8(ascii: "#") }.count
        if closing > 0, closing == text.count || isSpace(text[text.count - closing - 1]) { text = trimmed(Array(text.dropLast(closing))) }
        return text.isEmpty ? nil : (level, text)
    }

    private static func underline(_ content: [UInt8]) -> Int? {
        guard let first = content.first, content.allSatisfy({ $0 == first }) else { return nil }
        return first == UInt8(ascii: "=") ? 1 : first == UInt8(ascii: "-") && content.count >= 2 ? 2 : nil
    }

    private static func frontMatterTitle(_ content: [UInt8]) -> String? {
        let name = Array("title:".utf8)
        guard content.starts(with: name) else { return nil }
        let value = trimmed(Array(content[name.count...])).filter { $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "'") }
        return value.isEmpty ? nil : String(decoding: value, as: UTF8.self)
    }
}
