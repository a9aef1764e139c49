import MillraceCore

/// Reads the text of a presentation (ECMA-376 part 1, section 19): slides in their order, their titles as sections, rows of tables as lines,
/// the speaker's notes behind each slide.
struct PptxReader {
    private let package: OfficePackage
    private let part: String
    private let writer: PieceWriter
    private(set) var slides = 0

    init(_ package: OfficePackage, part: String, _ writer: PieceWriter) {
        self.package = package
        self.part = part
        self.writer = writer
    }

    mutating func read() throws(MillraceError) {
        var order: [String] = []
        let isThere = try package.parse(part) { (event) throws(MillraceError) in
            if case .start(let tag) = event, tag.name == "sldId", let id = tag.relationship, order.count < 100_000 { order.append(id) }
        }
        guard isThere else { throw MillraceError(.documentDamaged, "the presentation has no main part: '\(part.prefix(100))' is missing") }
        let targets = Dictionary(
            try package.relationships(of: part).map { ($0.id, $0.target) }, uniquingKeysWith: { first, _ in first })
        for id in order {
            guard let target = targets[id] else { continue }
            slides += 1
            let place = try shapes(of: target, Place(slide: slides), isNotes: false)
            if let notes = try package.relationships(of: target).first(where: { $0.kind == "notesSlide" }) {
                _ = try shapes(of: notes.target, place, isNotes: true)
            }
        }
        try writer.flush()
    }

    /// - Returns: the place, with the slide's title if it has one.
    private func shapes(of part: String, _ place: Place, isNotes: Bool) throws(MillraceError) -> Place {
        var slide = Slide(place: place, isNotes: isNotes)
        try package.parse(part) { (event) throws(MillraceError) in
            switch event {
            case .start(let tag): slide.start(tag)
            case .end(let name): try slide.end(name, writer)
            case .text(let bytes): slide.text(bytes)
            }
        }
        return slide.place
    }
}

extension PptxReader {
    /// Where the reading of a slide is.
    private struct Slide {
        var place: Place
        let isNotes: Bool
        /// What the shape is for, such as `title`; `nil`: it is no placeholder.
        private var placeholder: String?
        private var paragraph: [UInt8]?
        private var shape: [[UInt8]] = []
        private var shapeBytes = 0
        private var row: [[UInt8]]?
        private var isText = false
        private var skipped = 0

        /// The most text of one shape that waits for its end, which only a title needs.
        private static let longestShape = 64 << 10

        init(place: Place, isNotes: Bool) {
            self.place = place
            self.isNotes = isNotes
        }

        mutating func start(_ tag: XMLTag) {
            if skipped > 0 || tag.name == "Fallback" {
                skipped += 1
                return
            }
            switch tag.name {
            case "sp", "graphicFrame", "cxnSp": placeholder = nil
            case "ph": placeholder = tag["type"] ?? "body"
            case "p": paragraph = []
            case "t": isText = true
            case "br": paragraph?.append(0x0A)
            case "tr": row = []
            case "tc": if let count = row?.count, count < 4096 { row?.append([]) }
            default: break
            }
        }

        mutating func end(_ name: String, _ writer: PieceWriter) throws(MillraceError) {
            if skipped > 0 {
                skipped -= 1
                return
            }
            switch name {
            case "t": isText = false
            case "p":
                guard let text = paragraph else { return }
                paragraph = nil
                if let cell = row?.indices.last {
                    if row?[cell].isEmpty == false { row?[cell].append(0x20) }
                    row?[cell] += text
                } else {
                    shape.append(text)
                    shapeBytes += text.count
                    if shapeBytes > Self.longestShape { try endShape(writer) }
                }
            case "tr":
                if let cells = row { try writer.append(TableRow.line(cells), .table, at: place) }
                row = nil
            case "sp", "graphicFrame": try endShape(writer)
            default: break
            }
        }

        mutating func text(_ bytes: [UInt8]) {
            if skipped == 0, isText { paragraph? += bytes }
        }

        private mutating func endShape(_ writer: PieceWriter) throws(MillraceError) {
            defer {
                shape = []
                shapeBytes = 0
            }
            switch placeholder {
            // Numbers, dates and running heads stand on every slide; a notes page shows the slide's own picture.
            case "sldNum", "dt", "ftr", "hdr", "sldImg": return
            case "title",
                "ctrTitle" where !isNotes:
                let title = TableRow.collapsed(Array(shape.joined(separator: [0x20])))
                guard !title.isEmpty else { return }
                place.enter(String(decoding: title, as: UTF8.self), level: 1)
                try writer.append(title, .heading, at: place)
            default: for text in shape { try writer.append(text, isNotes ? .note : .text, at: place) }
            }
        }
    }
}
