/// Tells what a message asks from what it tells: `My name is Ada. What is my name?` has one of each.
struct MessageReading: Equatable, Sendable {
    /// The sentences that ask for something.
    var asked: [Sentence] = []
    /// The others, which are something to answer from.
    var told: [Sentence] = []

    /// Longer sentences are not taken for a request.
    private static let longestRequest = 400
    private static let imperatives: Set<String> = [
        "tell", "give", "show", "list", "find", "explain", "describe", "name", "say", "compare", "quote", "translate", "write", "please",
        "answer",
        "look", "search", "extract", "what", "when", "where", "who", "whom", "whose", "which", "why", "how", "does", "do", "did", "is",
        "are",
        "was", "were", "can", "could", "will", "would", "should", "has", "have", "may", "must",
    ]

    /// - Parameter sentences: the message's sentences, in order.
    init(_ sentences: [Sentence]) {
        let sentences = Self.splittingSummaryRequest(sentences)
        let questions = sentences.indices.filter { Self.isQuestion(sentences[$0].text) }
        var asking = Set(questions)
        // A pasted text may hold questions of its own: only those at its edges are put to us.
        if sentences.count > 5 { asking = asking.filter { $0 < 2 || $0 >= sentences.count - 2 } }
        for edge in [sentences.indices.first, sentences.indices.last].compactMap({ $0 }) {
            let text = sentences[edge].text
            guard text.utf8.count <= Self.longestRequest else { continue }
            if SummaryRequest(text) != nil || Self.startsLikeRequest(text) { asking.insert(edge) }
        }
        for (position, sentence) in sentences.enumerated() {
            if asking.contains(position) { asked.append(sentence) } else { told.append(sentence) }
        }
    }

    private static func isQuestion(_ text: String) -> Bool {
        guard text.utf8.count <= longestRequest else { return false }
        let end = text.unicodeScalars.reversed().first { !SentenceBoundary.isCloser($0) && $0 != "!" && $0 != "." }
        return end == "?" || end == "？" || end == "؟"
    }

    private static func startsLikeRequest(_ text: String) -> Bool {
        guard let first = Tokenizer.words(text).first else { return false }
        return imperatives.contains(first.surface)
    }

    /// `Summarise this: The river …` is a request and the first sentence of its text.
    private static func splittingSummaryRequest(_ sentences: [Sentence]) -> [Sentence] {
        guard let first = sentences.first, let colon = first.text.utf8.prefix(120).lastIndex(of: UInt8(ascii: ":")) else {
            return sentences
        }
        let request = String(first.text[..<colon])
        let rest = first.text[first.text.utf8.index(after: colon)...]
        let text = UTF8Text(String(rest))
        let trimmed = text.trimmed(0..<text.bytes.count)
        guard SummaryRequest(request) != nil, text.hasWord(trimmed), rest.utf8.first.map({ $0 == 32 || $0 == 10 || $0 == 13 }) ?? false
        else {
            return sentences
        }
        var (head, tail) = (first, first)
        head.text = request
        head.range = first.range.lowerBound..<(first.range.lowerBound + request.utf8.count)
        tail.text = text.string(trimmed)
        let offset = first.range.lowerBound + request.utf8.count + 1
        tail.range = (offset + trimmed.lowerBound)..<(offset + trimmed.upperBound)
        return [head, tail] + sentences.dropFirst()
    }
}
