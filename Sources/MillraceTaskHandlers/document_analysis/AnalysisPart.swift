import Millrace

/// Passages that a model reads together.
struct AnalysisPart: Equatable, Sendable {
    /// From 1, in the order of the documents.
    var number: Int
    var passages: [CollectionPassage]

    /// Where it stands, in words: `lease.pdf, page 4 to page 9`.
    var place: String {
        guard let first = passages.first, let last = passages.last else { return "" }
        let (start, end) = (first.position.description, last.position.description)
        if first.documentID != last.documentID { return "\(first.title) to \(last.title)" }
        if start.isEmpty { return first.title }
        return start == end || end.isEmpty ? "\(first.title), \(start)" : "\(first.title), \(start) to \(end)"
    }
}

/// Collects passages as they come: all, as long as a model can be given them at once, and in parts from then on. A value without I/O.
struct AnalysisParts: Sendable {
    private let whole: Int
    private let part: Int
    private var waiting: [CollectionPassage] = []
    private var waitingCharacters = 0
    private var count = 0

    /// - Parameters:
    ///   - whole: how many characters a model is given at once.
    ///   - part: how many of them make a part.
    init(whole: Int, part: Int) {
        self.whole = whole
        self.part = part
    }

    /// Whether all that came so far can be given to a model at once.
    var isWhole: Bool { count == 0 && waitingCharacters <= whole }
    /// What came, where all of it is here.
    var passages: [CollectionPassage] { waiting }

    /// Takes a passage and gives the parts that are complete.
    mutating func add(_ passage: CollectionPassage) -> [AnalysisPart] {
        waiting.append(passage)
        waitingCharacters += passage.text.unicodeScalars.count
        guard !isWhole else { return [] }
        return take(keepingLast: true)
    }

    /// The rest, where there were parts before; nothing where all can be given at once.
    mutating func finish() -> [AnalysisPart] { isWhole ? [] : take(keepingLast: false) }

    private mutating func take(keepingLast: Bool) -> [AnalysisPart] {
        var parts: [AnalysisPart] = []
        var passages: [CollectionPassage] = []
        var characters = 0
        func close() {
            guard !passages.isEmpty else { return }
            count += 1
            parts.append(AnalysisPart(number: count, passages: passages))
            passages = []
            characters = 0
        }
        for passage in waiting {
            let length = passage.text.unicodeScalars.count
            if characters + length > part || passages.last.map({ $0.documentID != passage.documentID }) == true { close() }
            passages.append(passage)
            characters += length
        }
        if keepingLast {
            waiting = passages
            waitingCharacters = characters
        } else {
            close()
            waiting = []
            waitingCharacters = 0
        }
        return parts
    }
}
