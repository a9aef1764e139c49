import Millrace
import MillraceCore

/// Takes a stretch out of a document's text as it comes: some pages, from a character on, up to a length. A value without I/O.
struct DocumentStretch {
    /// The pages or slides; `nil`: all of the text.
    let pages: ClosedRange<Int>?
    /// How many characters of these pages are left out first.
    let offset: Int
    /// The most characters.
    let limit: Int

    private var left: Int
    private var room: Int
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
        self.limit = limit
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
            // Marks are not of the text, and not counted.
            text += (text.isEmpty ? "" : "\n") + "[\(marked)]\n"
        }
        let taken = rest.prefix(room)
        text.unicodeScalars.append(contentsOf: taken)
        room -= taken.count
        if taken.count < rest.count { (isCut, isFull) = (true, true) }
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
        var members: [String: JSONValue] = ["title": .string(title), "text": .string(text)]
        if text.isEmpty { members["note"] = offset > 0 ? "there is no more text" : "there is no text: the pages may be pictures" }
        if let count = summary?.pageCount { members["page_count"] = .integer(count) }
        if isCut { members["next_offset"] = .integer(offset + limit - room) }
        return .object(members)
    }
}
