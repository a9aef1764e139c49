import MillraceCore

/// Reads the cells of a workbook (ECMA-376 part 1, section 18): sheets in their order, a line for each row that has something, values as they
/// are shown, formulas by the result that was stored.
struct XlsxReader {
    private let package: OfficePackage
    private let part: String
    private let writer: PieceWriter
    private var strings = SharedStrings()
    private var formats: [NumberFormat] = []
    private var epoch1904 = false
    private(set) var sheets = 0
    private(set) var warnings: [String] = []

    private struct Sheet {
        let name: String
        let relationship: String
    }

    init(_ package: OfficePackage, part: String, _ writer: PieceWriter) {
        self.package = package
        self.part = part
        self.writer = writer
    }

    mutating func read() throws(MillraceError) {
        var list: [Sheet] = []
        var epoch1904 = false
        let isThere = try package.parse(part) { (event) throws(MillraceError) in
            guard case .start(let tag) = event else { return }
            if tag.name == "workbookPr" { epoch1904 = ["1", "true"].contains(tag["date1904"] ?? "") }
            if tag.name == "sheet", let name = tag["name"], let id = tag.relationship, list.count < 10_000 {
                list.append(Sheet(name: String(name.prefix(200)), relationship: id))
            }
        }
        guard isThere else { throw MillraceError(.documentDamaged, "the workbook has no main part: '\(part.prefix(100))' is missing") }
        self.epoch1904 = epoch1904
        let relationships = try package.relationships(of: part)
        if let target = relationships.first(where: { $0.kind == "sharedStrings" })?.target { strings = try SharedStrings(package, target) }
        if let target = relationships.first(where: { $0.kind == "styles" })?.target { formats = try Self.formats(package, target) }
        let targets = Dictionary(relationships.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        for sheet in list {
            guard let target = targets[sheet.relationship] else { continue }
            sheets += 1
            // A sheet of one chart has no cells.
            guard target.kind == "worksheet" else { continue }
            try cells(of: target.target, sheet.name)
        }
        try writer.flush()
    }

    private mutating func cells(of part: String, _ name: String) throws(MillraceError) {
        var sheet = SheetCells(strings: strings, formats: formats, epoch1904: epoch1904)
        let place = Place(sheet: name)
        let isThere = try package.parse(part) { (event) throws(MillraceError) in
            guard let (number, line) = try sheet.take(event) else { return }
            try writer.append(line, .table, at: place, row: number)
        }
        if !isThere { warnings.append("the sheet '\(name)' is missing in the workbook") }
    }

    /// The format of each style of cells.
    private static func formats(_ package: OfficePackage, _ part: String) throws(MillraceError) -> [NumberFormat] {
        var codes: [Int: NumberFormat] = [:]
        var formats: [NumberFormat] = []
        var isCells = false
        try package.parse(part) { (event) throws(MillraceError) in
            switch event {
            case .start(let tag):
                if tag.name == "cellXfs" { isCells = true }
                if tag.name == "numFmt", let id = tag["numFmtId"].flatMap({ Int($0) }), let code = tag["formatCode"], codes.count < 10_000 {
                    codes[id] = NumberFormat(code: code)
                }
                if tag.name == "xf", isCells, formats.count < 100_000 {
                    let id = tag["numFmtId"].flatMap { Int($0) } ?? 0
                    formats.append(codes[id] ?? NumberFormat(builtIn: id) ?? .general)
                }
            case .end("cellXfs"): isCells = false
            default: break
            }
        }
        return formats
    }
}

/// The texts that cells share, in one stretch of memory.
struct SharedStrings {
    private var bytes: [UInt8] = []
    private var ends: [Int] = []

    /// The most text that is kept: it has to be there as a whole.
    private static let mostBytes = 128 << 20
    private static let most = 8_000_000

    init() {}

    init(_ package: OfficePackage, _ part: String) throws(MillraceError) {
        var bytes: [UInt8] = []
        var ends: [Int] = []
        var isText = false
        var phonetic = 0
        try package.parse(part) { (event) throws(MillraceError) in
            switch event {
            case .start(let tag):
                isText = tag.name == "t"
                // How a Japanese text is read aloud.
                if tag.name == "rPh" { phonetic += 1 }
            case .end("si"): ends.append(bytes.count)
            case .end("rPh"): phonetic -= 1
            case .end("t"): isText = false
            case .text(let text): if isText, phonetic == 0 { bytes += text }
            default: break
            }
            guard bytes.count <= Self.mostBytes, ends.count <= Self.most else {
                throw MillraceError(.documentTooLarge, "the workbook has more text in its cells than is read: split it")
            }
        }
        self.bytes = bytes
        self.ends = ends
    }

    subscript(_ index: Int) -> [UInt8]? {
        guard ends.indices.contains(index) else { return nil }
        return Array(bytes[(index == 0 ? 0 : ends[index - 1])..<ends[index]])
    }
}

/// Where the reading of a sheet is. A value without I/O.
struct SheetCells {
    let strings: SharedStrings
    let formats: [NumberFormat]
    let epoch1904: Bool
    private var row = 0
    private var cells: [[UInt8]] = []
    private var rowBytes = 0
    private var column = 0
    private var type = "n"
    private var style = 0
    private var value: [UInt8] = []
    private var isValue = false
    private var isInCell = false
    private var phonetic = 0

    /// XFD, the last column (ECMA-376 part 1, section 18.3.1.73).
    private static let lastColumn = 16384
    private static let longestRow = 4 << 20

    init(strings: SharedStrings, formats: [NumberFormat], epoch1904: Bool) {
        self.strings = strings
        self.formats = formats
        self.epoch1904 = epoch1904
    }

    /// Takes the next event of the sheet's part and gives the row that is complete with it, if it has something.
    mutating func take(_ event: XMLPullParser.Event) throws(MillraceError) -> (row: Int, line: [UInt8])? {
        switch event {
        case .start(let tag): start(tag)
        case .text(let bytes):
            if isValue, isInCell, phonetic == 0 {
                rowBytes += bytes.count
                guard rowBytes <= Self.longestRow else {
                    throw MillraceError(.documentTooLarge, "a row of the workbook has more than \(Self.longestRow) bytes of text")
                }
                value += bytes
            }
        case .end("v"), .end("t"): isValue = false
        case .end("rPh"): phonetic -= 1
        case .end("c"):
            isInCell = false
            try endCell()
        case .end("row"):
            let line = TableRow.line(cells)
            cells.removeAll(keepingCapacity: true)
            if !line.isEmpty { return (row, line) }
        default: break
        }
        return nil
    }

    private mutating func start(_ tag: XMLTag) {
        switch tag.name {
        case "row":
            row = tag["r"].flatMap { Int($0) }.map { min(max($0, 1), 1 << 30) } ?? row + 1
            cells.removeAll(keepingCapacity: true)
            rowBytes = 0
            column = 0
        case "c":
            isInCell = true
            column = min(tag["r"].flatMap(Self.column) ?? column + 1, Self.lastColumn)
            type = tag["t"] ?? "n"
            style = tag["s"].flatMap { Int($0) } ?? 0
            value = []
        case "v", "t": isValue = true
        case "rPh": phonetic += 1
        default: break
        }
    }

    private mutating func endCell() throws(MillraceError) {
        let text = shown()
        guard !text.isEmpty else { return }
        rowBytes += text.count
        guard rowBytes <= Self.longestRow else {
            throw MillraceError(.documentTooLarge, "a row of the workbook has more than \(Self.longestRow) bytes of text")
        }
        // Cells that are far apart are separated by as many tabs as there are columns between, within reason.
        let wanted = min(column, cells.count + 64)
        while cells.count < wanted { cells.append([]) }
        cells[max(wanted, 1) - 1] = text
    }

    private func shown() -> [UInt8] {
        switch type {
        case "s": return Int(String(decoding: value, as: UTF8.self)).flatMap { strings[$0] } ?? []
        case "b": return Array((value == [0x31] ? "TRUE" : value.isEmpty ? "" : "FALSE").utf8)
        case "n":
            guard let number = Double(String(decoding: TableRow.collapsed(value), as: UTF8.self)), number.isFinite else { return value }
            let format = formats.indices.contains(style) ? formats[style] : .general
            return Array(format.text(number, epoch1904: epoch1904).utf8)
        default: return value
        }
    }

    /// The number of the column that a reference such as `AB12` names, from 1.
    static func column(_ reference: String) -> Int? {
        var column = 0
        for byte in reference.utf8 {
            guard HTMLTokenizer.isLetter(byte) else { break }
            column = column * 26 + Int(byte & 0x1F)
            guard column <= lastColumn else { return nil }
        }
        return column > 0 ? column : nil
    }
}
