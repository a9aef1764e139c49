import Millrace
import MillraceCore

/// Takes a stretch out of a document's text as it comes: some pages, from a character on, up to a length. A value without I/O.
struct DocumentStretch {
    /// The pages or slides; `nil`: all of the text.
    let pages: ClosedRange<Int>?
    /// How many characters of these pages are left out first.
    let offset: Int

    private var left: Int
    /// How many characters the text may still take within JSON, where some take two or six.
    private var room: Int
    /// How many of the pages' characters are in the text.
    private var taken = 0
    private var text = ""
    private var place = DocumentPosition()
    private var hasPages = false
    private var lastPage = 0
    private(set) var isFull = false
    /// Whether something of the stretch is left.
    private var isCut = false

    init(pages: ClosedRange<Int>?, offset: Int, limit: Int) {
        self.pages = pages
        self.offset = offset
        left = offset
        room = limit
    }

    mutating func receive(_ piece: DocumentPiece) {
        let page = piece.position.page ?? piece.position.slide
        if let page {
            hasPages = true
            lastPage = max(lastPage, page)
            if let pages {
                if page > pages.upperBound { isFull = true }
                guard pages.contains(page) else { return }
            }
        } else if pages != nil {
            // A document without pages has none that could be meant.
            isFull = true
            return
        }
        let scalars = piece.text.unicodeScalars
        let count = scalars.count
        guard left < count else { return left -= count }
        let rest = scalars.dropFirst(left)
        left = 0
        guard room > 0 else {
            (isCut, isFull) = (true, true)
            return
        }
        let marked = DocumentPosition(page: piece.position.page, slide: piece.position.slide, sheet: piece.position.sheet)
        if marked != place {
            place = marked
            // Marks are not of the text: they take room, and don't count towards the offset.
            let mark = (text.isEmpty ? "" : "\n") + "[\(String("\(marked)".unicodeScalars.prefix(80)))]\n"
            text += mark
            room -= mark.unicodeScalars.reduce(0) { $0 + Self.length($1) }
        }
        for scalar in rest {
            room -= Self.length(scalar)
            guard room >= 0 || taken == 0 else {
                (isCut, isFull) = (true, true)
                return
            }
            text.unicodeScalars.append(scalar)
            taken += 1
        }
    }

    /// How many characters one takes within JSON (RFC 8259, section 7).
    private static func length(_ scalar: Unicode.Scalar) -> Int {
        switch scalar {
        case "\"", "\\", "\n", "\r", "\t": 2
        default: scalar.value < 0x20 ? 6 : 1
        }
    }

    /// What was taken, for a model.
    /// - Parameter summary: of the whole document, where all of it was read.
    /// - Throws: ``ErrorCode/invalidInput`` where there is nothing of the kind in the document.
    func result(title: String, _ summary: DocumentSummary?) throws(MillraceError) -> JSONValue {
        if let pages, text.isEmpty, offset == 0 {
            guard hasPages else { throw MillraceError(.invalidInput, "'\(title)' has no pages: leave first_page and last_page out") }
            guard lastPage >= pages.lowerBound else {
                throw MillraceError(.invalidInput, "'\(title)' has only \(lastPage) pages with text")
            }
        }
        var members: [String: JSONValue] = ["title": .string(String(title.unicodeScalars.prefix(200))), "text": .string(text)]
        if text.isEmpty { members["note"] = offset > 0 ? "there is no more text" : "there is no text: the pages may be pictures" }
        if let count = summary?.pageCount { members["page_count"] = .integer(count) }
        if isCut { members["next_offset"] = .integer(offset + taken) }
        return .object(members)
    }
}
