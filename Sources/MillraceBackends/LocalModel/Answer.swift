import Millrace

/// A finished answer: its text, and where in it which source is cited.
struct Answer: Equatable, Sendable {
    private(set) var text = ""
    /// Each citation with the offset in the text's UTF-8 behind which it belongs, in order.
    private(set) var citations: [(offset: Int, citation: Citation)] = []

    mutating func append(_ words: String) { text += words }

    /// Starts a new paragraph.
    mutating func startParagraph() { if !text.isEmpty { text += "\n\n" } }

    mutating func cite(_ citation: Citation) { citations.append((text.utf8.count, citation)) }

    static func == (left: Answer, right: Answer) -> Bool {
        left.text == right.text && left.citations.map(\.offset) == right.citations.map(\.offset)
            && left.citations.map(\.citation) == right.citations.map(\.citation)
    }
}
