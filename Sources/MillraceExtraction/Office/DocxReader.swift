import MillraceCore

/// Reads the text of a text document (ECMA-376 part 1, section 17): paragraphs, headings as sections, lists, rows of tables as lines,
/// text boxes behind the paragraph that holds them, foot- and endnotes at the end. Deleted, hidden and field text is left out.
struct DocxReader {
    private let package: OfficePackage
    private let part: String
    private let writer: PieceWriter
    private var body: Body

    init(_ package: OfficePackage, part: String, _ writer: PieceWriter) {
        self.package = package
        self.part = part
        self.writer = writer
        body = Body(styles: DocxStyles())
    }

    mutating func read() throws(MillraceError) {
        let relationships = try package.relationships(of: part)
        if let styles = relationships.first(where: { $0.kind == "styles" }) { body = Body(styles: try DocxStyles(package, styles.target)) }
        guard try parse(part) else {
            throw MillraceError(.documentDamaged, "the document has no text part: '\(part.prefix(100))' is missing")
        }
        try body.finish(writer)
        for kind in ["footnotes", "endnotes"] {
            guard let notes = relationships.first(where: { $0.kind == kind }) else { continue }
            body.beginNotes()
            try parse(notes.target)
            try body.finish(writer)
        }
        try writer.flush()
    }

    @discardableResult
    private mutating func parse(_ part: String) throws(MillraceError) -> Bool {
        try package.parse(part) { (event) throws(MillraceError) in
            switch event {
            case .start(let tag): try self.body.start(tag, self.writer)
            case .end(let name): try self.body.end(name, self.writer)
            case .text(let bytes): try self.body.text(bytes, self.writer)
            }
        }
    }
}

extension DocxReader {
    /// Where the reading of a part is.
    struct Body {
        private let styles: DocxStyles
        private var place = Place()
        private var isNotes = false
        /// The paragraphs that are open: a text box's stands within another.
        private var paragraphs: [Paragraph] = []
        /// The rows that are open, the innermost table's last: the cells so far.
        private var rows: [[[UInt8]]] = []
        /// How deep within an element whose content is not read.
        private var skipped = 0
        private var isText = false
        private var isHidden = false
        /// Text boxes that wait for the end of the outermost paragraph.
        private var boxes: [[UInt8]] = []

        private struct Paragraph {
            var text: [UInt8] = []
            var level: Int?
            var isListItem = false
            var isContinued = false
            /// How many rows were open when it began: those are not its own.
            let rows: Int
        }

        private static let longestBlock = 32 << 10
        private static let mostCells = 4096
        /// Deleted text, the alternative for old readers of what is there already, instructions of fields, formulas of pictures.
        private static let skipping: Set<String> = [
            "del", "moveFrom", "Fallback", "instrText", "delText", "delInstrText", "rPrChange", "pPrChange",
        ]

        init(styles: DocxStyles) { self.styles = styles }

        mutating func beginNotes() {
            isNotes = true
            place = Place()
        }

        mutating func start(_ tag: XMLTag, _ writer: PieceWriter) throws(MillraceError) {
            if skipped > 0 || Self.skipping.contains(tag.name) {
                skipped += 1
                return
            }
            switch tag.name {
            case "p": paragraphs.append(Paragraph(rows: rows.count))
            case "pStyle":
                if let last = paragraphs.indices.last, let id = tag["val"] {
                    paragraphs[last].level = paragraphs[last].level ?? styles.level(id)
                }
            case "outlineLvl":
                if let last = paragraphs.indices.last, let level = tag["val"].flatMap({ Int($0) }), (0...8).contains(level) {
                    paragraphs[last].level = level + 1
                }
            case "numId": if let last = paragraphs.indices.last { paragraphs[last].isListItem = tag["val"] != "0" }
            case "r": isHidden = false
            case "vanish": isHidden = !["0", "false", "off"].contains(tag["val"] ?? "")
            case "t": isText = true
            case "tab", "ptab": if !isInTabStops { add([0x09]) }
            case "br", "cr": add([0x0A])
            case "noBreakHyphen": add(Array("‑".utf8))
            case "sym": add(Self.symbol(tag))
            case "tabs": isInTabStops = true
            case "tbl": try flushOuter(writer)
            case "tr": if rows.count < 64 { rows.append([]) } else { throw Self.tooDeep }
            case "tc": if let last = rows.indices.last, rows[last].count < Self.mostCells { rows[last].append([]) }
            default: break
            }
        }

        private var isInTabStops = false

        mutating func end(_ name: String, _ writer: PieceWriter) throws(MillraceError) {
            if skipped > 0 {
                skipped -= 1
                return
            }
            switch name {
            case "t": isText = false
            case "tabs": isInTabStops = false
            case "r": isHidden = false
            case "p": try endParagraph(writer)
            case "tr": try endRow(writer)
            default: break
            }
        }

        mutating func text(_ bytes: [UInt8], _ writer: PieceWriter) throws(MillraceError) {
            guard skipped == 0, isText, !isHidden else { return }
            add(bytes)
            // A paragraph may be as long as the document.
            if let last = paragraphs.indices.last, last == 0, rows.isEmpty, paragraphs[last].text.count >= Self.longestBlock {
                let part = take(last)
                paragraphs[last].isContinued = true
                try writer.append(raw: part, kind, at: place)
            }
        }

        mutating func finish(_ writer: PieceWriter) throws(MillraceError) {
            while !paragraphs.isEmpty { try endParagraph(writer) }
            while !rows.isEmpty { try endRow(writer) }
        }

        // MARK: Blocks

        private static let tooDeep = MillraceError(.documentDamaged, "the document has tables within tables, deeper than any reader shows")

        private var kind: Piece.Kind { isNotes ? .note : .text }

        private mutating func add(_ bytes: [UInt8]) {
            guard !isHidden, let last = paragraphs.indices.last else { return }
            paragraphs[last].text += bytes
        }

        /// The text of a paragraph, which is left empty.
        private mutating func take(_ index: Int) -> [UInt8] {
            defer { paragraphs[index].text = [] }
            let isItem = paragraphs[index].isListItem && !paragraphs[index].isContinued && !paragraphs[index].text.isEmpty
            return (isItem ? Array("- ".utf8) : []) + paragraphs[index].text
        }

        /// A table within a paragraph's text box stands behind what the paragraph has so far.
        private mutating func flushOuter(_ writer: PieceWriter) throws(MillraceError) {
            if paragraphs.count == 1, rows.isEmpty { try writer.append(take(0), kind, at: place) }
        }

        private mutating func endParagraph(_ writer: PieceWriter) throws(MillraceError) {
            guard let last = paragraphs.indices.last else { return }
            let text = take(last)
            let paragraph = paragraphs.removeLast()
            if rows.count > paragraph.rows {
                // Malformed: rows that begin within a paragraph end with it.
                rows.removeSubrange(paragraph.rows...)
            }
            if let row = rows.indices.last {
                // In a table all is the cell's.
                guard let cell = rows[row].indices.last else { return }
                if !rows[row][cell].isEmpty { rows[row][cell].append(0x20) }
                rows[row][cell] += text
                if rows[row][cell].count > Self.longestBlock { try spill(row, cell, writer) }
            } else if !paragraphs.isEmpty {
                boxes.append(text)
                if boxes.count > 1000 { try emitBoxes(writer) }
            } else if paragraph.isContinued {
                try writer.append(raw: text + [0x0A], kind, at: place)
                try emitBoxes(writer)
            } else {
                if let level = paragraph.level, !isNotes, !text.allSatisfy({ $0 <= 0x20 }) {
                    let line = TableRow.collapsed(text)
                    place.enter(String(decoding: line, as: UTF8.self), level: level)
                    try writer.append(line, .heading, at: place)
                } else {
                    try writer.append(text, kind, at: place)
                }
                try emitBoxes(writer)
            }
        }

        private mutating func emitBoxes(_ writer: PieceWriter) throws(MillraceError) {
            for box in boxes { try writer.append(box, kind, at: place) }
            boxes = []
        }

        /// A cell that is longer than a block is one of its own.
        private mutating func spill(_ row: Int, _ cell: Int, _ writer: PieceWriter) throws(MillraceError) {
            try writer.append(rows[row][cell], isNotes ? .note : .table, at: place)
            rows[row][cell] = []
        }

        private mutating func endRow(_ writer: PieceWriter) throws(MillraceError) {
            guard let row = rows.popLast() else { return }
            let line = TableRow.line(row)
            // A table within a cell is the cell's text.
            if let outer = rows.indices.last, let cell = rows[outer].indices.last {
                if !rows[outer][cell].isEmpty { rows[outer][cell].append(0x20) }
                rows[outer][cell] += line.map { $0 == 0x09 ? 0x20 : $0 }
                if rows[outer][cell].count > Self.longestBlock { try spill(outer, cell, writer) }
            } else {
                try writer.append(line, isNotes ? .note : .table, at: place)
                try emitBoxes(writer)
            }
        }

        /// A character of a symbol font, which such a font's private area shows as something else.
        private static func symbol(_ tag: XMLTag) -> [UInt8] {
            guard let code = tag["char"].flatMap({ UInt32($0, radix: 16) }), !(0xF000...0xF0FF).contains(code),
                let scalar = Unicode.Scalar(code)
            else { return [] }
            return Array(String(scalar).utf8)
        }
    }
}
