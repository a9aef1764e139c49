import MillraceCore

/// Reads a web page as a reader sees its text: without scripts and styles, paragraphs as blocks, headings as sections, rows of tables as lines.
struct HTMLReader: ByteReader {
    private var decoder: CharacterDecoder
    private var tokenizer = HTMLTokenizer()
    private var place = Place()
    private var text: [UInt8] = []
    /// How deep within elements whose content is not shown.
    private var hidden: [String] = []
    private var heading: Int?
    private var preformatted = 0
    private var list: [Int?] = []
    /// The cells of the rows that are open, the innermost table's last.
    private var rows: [[[UInt8]]] = []
    private var titleText: [UInt8]?
    private(set) var title: String?
    private let unknownCharset: String?

    private static let longestBlock = 16 << 10
    private static let mostCells = 4096
    /// Elements are nested deeper only by somebody who tries it.
    private static let deepest = 512

    /// - Parameter head: the beginning of the document, which may name its encoding.
    init(head: [UInt8]) {
        let charset = HTMLCharset.declared(in: head)
        let encoding = charset.flatMap(HTMLCharset.encoding)
        decoder = CharacterDecoder(encoding)
        unknownCharset = encoding == nil ? charset : nil
    }

    var warnings: [String] {
        guard let unknownCharset else { return decoder.warnings }
        return ["the page says that it is in '\(unknownCharset)', which is not read: letters beyond ASCII may be wrong"] + decoder.warnings
    }

    mutating func receive(_ bytes: [UInt8], _ writer: PieceWriter) throws(MillraceError) {
        tokenizer.receive(decoder.decode(bytes))
        try take(writer)
    }

    mutating func finish(_ writer: PieceWriter) throws(MillraceError) {
        tokenizer.receive(decoder.finish())
        tokenizer.finish()
        try take(writer)
        while !rows.isEmpty { try endTable(writer) }
        try endBlock(writer)
        try writer.flush()
    }

    private mutating func take(_ writer: PieceWriter) throws(MillraceError) {
        while let token = tokenizer.next() {
            switch token {
            case .text(let bytes): try add(bytes, writer)
            case .start(let name): try start(name, writer)
            case .end(let name): try end(name, writer)
            }
        }
    }

    private mutating func add(_ bytes: [UInt8], _ writer: PieceWriter) throws(MillraceError) {
        if let known = titleText {
            titleText? += bytes.prefix(max(1024 - known.count, 0))
            return
        }
        guard hidden.isEmpty else { return }
        if preformatted > 0 {
            text += bytes
        } else {
            for byte in bytes {
                if byte > 0x20 {
                    text.append(byte)
                } else if let last = text.last, last > 0x20 {
                    text.append(0x20)
                }
            }
        }
        // A layout's cell may hold a whole page.
        if text.count >= Self.longestBlock { try flushText(writer) }
    }

    private mutating func start(_ name: String, _ writer: PieceWriter) throws(MillraceError) {
        if name == "title", hidden.allSatisfy({ $0 == "head" }), title == nil { titleText = [] }
        if Self.hiding.contains(name) {
            if hidden.count < Self.deepest { hidden.append(name) }
            return
        }
        // A body begins, whether or not the head was closed.
        if Self.blocks.contains(name) || name == "body" { hidden.removeAll { $0 == "head" } }
        guard hidden.isEmpty else { return }
        switch name {
        case "br", "hr": lineBreak()
        case "h1", "h2", "h3", "h4", "h5", "h6":
            try endBlock(writer)
            heading = name.utf8.last.map { Int($0) - 0x30 }
        case "ul", "ol":
            try endBlock(writer)
            if list.count < Self.deepest { list.append(name == "ol" ? 0 : nil) }
        case "li":
            try endBlock(writer)
            text += Array(marker().utf8)
        case "pre", "listing":
            try endBlock(writer)
            preformatted = min(preformatted + 1, Self.deepest)
        case "table":
            // What stands in a cell before a table of its own is a block.
            if !rows.isEmpty { try endRow(writer) }
            try endBlock(writer)
            if rows.count < Self.deepest { rows.append([]) }
        case "tr": if rows.isEmpty { try endBlock(writer) } else { try endRow(writer) }
        case "td", "th": try endCell(writer)
        default: if Self.blocks.contains(name) { try boundary(writer) }
        }
    }

    private mutating func end(_ name: String, _ writer: PieceWriter) throws(MillraceError) {
        if name == "title", let bytes = titleText {
            let collapsed = TableRow.collapsed(bytes)
            if !collapsed.isEmpty { title = String(decoding: collapsed, as: UTF8.self) }
            titleText = nil
        }
        if Self.hiding.contains(name) {
            if let place = hidden.lastIndex(of: name) { hidden.removeSubrange(place...) }
            return
        }
        guard hidden.isEmpty else { return }
        switch name {
        case "h1", "h2", "h3", "h4", "h5", "h6": try endBlock(writer)
        case "ul", "ol":
            try endBlock(writer)
            if !list.isEmpty { list.removeLast() }
        case "pre", "listing":
            try endBlock(writer)
            preformatted = max(preformatted - 1, 0)
        case "tr": try endRow(writer)
        case "table": try endTable(writer)
        default: if Self.blocks.contains(name) { try boundary(writer) }
        }
    }

    // MARK: Blocks

    private func isInCell() -> Bool { rows.last.map { !$0.isEmpty } ?? false }

    /// A block begins or ends; within a cell it is a space.
    private mutating func boundary(_ writer: PieceWriter) throws(MillraceError) {
        if isInCell() { lineBreak() } else { try endBlock(writer) }
    }

    private mutating func lineBreak() {
        while text.last == 0x20 { text.removeLast() }
        if !text.isEmpty { text.append(0x0A) }
    }

    private mutating func marker() -> String {
        guard let last = list.indices.last, let number = list[last] else { return "- " }
        list[last] = number + 1
        return "\(number + 1). "
    }

    private mutating func endBlock(_ writer: PieceWriter) throws(MillraceError) {
        defer { heading = nil }
        if isInCell() { return lineBreak() }
        try flushText(writer)
    }

    private mutating func flushText(_ writer: PieceWriter) throws(MillraceError) {
        while let last = text.last, last <= 0x20 { text.removeLast() }
        defer { text.removeAll(keepingCapacity: true) }
        guard text.contains(where: { $0 > 0x20 }) else { return }
        guard let level = heading else { return try writer.append(text, at: place) }
        let line = TableRow.collapsed(text)
        place.enter(String(decoding: line, as: UTF8.self), level: level)
        try writer.append(line, .heading, at: place)
    }

    // MARK: Tables

    private mutating func endCell(_ writer: PieceWriter) throws(MillraceError) {
        guard let last = rows.indices.last else { return try endBlock(writer) }
        if rows[last].isEmpty {
            // Between rows there is nothing, or what somebody forgot to put in a cell.
            rows[last] = [[]]
            let stray = text
            text = []
            if stray.contains(where: { $0 > 0x20 }) { try writer.append(stray, at: place) }
        } else if rows[last].count < Self.mostCells {
            rows[last][rows[last].count - 1] = text
            rows[last].append([])
            text = []
        } else {
            text.append(0x20)
        }
    }

    private mutating func endRow(_ writer: PieceWriter) throws(MillraceError) {
        guard let last = rows.indices.last, !rows[last].isEmpty else { return try endBlock(writer) }
        rows[last][rows[last].count - 1] = text
        text = []
        let line = TableRow.line(rows[last])
        rows[last] = []
        try writer.append(line, .table, at: place)
    }

    private mutating func endTable(_ writer: PieceWriter) throws(MillraceError) {
        guard !rows.isEmpty else { return try endBlock(writer) }
        try endRow(writer)
        rows.removeLast()
    }

    // MARK: Elements

    private static let hiding: Set<String> = [
        "head", "title", "script", "style", "template", "svg", "math", "iframe", "object", "noembed", "noframes", "audio", "video",
        "canvas",
        "datalist",
    ]
    private static let blocks: Set<String> = [
        "address", "article", "aside", "blockquote", "body", "button", "caption", "center", "dd", "details", "dialog", "dir", "div", "dl",
        "dt",
        "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hgroup", "hr", "html",
        "legend",
        "li", "listing", "main", "menu", "nav", "ol", "optgroup", "option", "p", "plaintext", "pre", "search", "section", "select",
        "summary",
        "table", "tbody", "td", "textarea", "tfoot", "th", "thead", "tr", "ul", "xmp",
    ]
}
