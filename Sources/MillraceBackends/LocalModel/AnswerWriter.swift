import Millrace

/// Puts finds into words. Every sentence of its own states a fact about the request or the search; all else is quotation.
struct AnswerWriter: Sendable {
    private let material: Material
    private let index: SentenceIndex
    private var question: Question
    private let sentenceLimit: Int
    private let skippedSources: Int

    /// The longest quote, in bytes, that a heading or a line with a colon is extended to.
    private static let longestQuote = 800

    init(_ material: Material, _ index: SentenceIndex, _ question: Question, sentenceLimit: Int, skippedSources: Int) {
        self.material = material
        self.index = index
        self.question = question
        self.sentenceLimit = sentenceLimit
        self.skippedSources = skippedSources
    }

    /// The same writer for a narrower question.
    func asking(_ question: Question) -> AnswerWriter {
        var copy = self
        copy.question = question
        return copy
    }

    // MARK: Answers

    /// Quotes, the best first.
    func quotes(_ picked: [Int], missing: [Question.Term]) -> Answer {
        let found = question.terms.filter { term in !missing.contains { $0.term == term.term } }
        let sources = Set(picked.map { index.sentences[$0].source })
        var answer = Answer()
        if sources.count == 1, let only = sources.first {
            answer.append("On \(Self.names(found)), \(material.sources[only].title) says:")
        } else {
            answer.append("On \(Self.names(found)), \(Self.count(sources.count, "source")) say:")
        }
        quote(picked, in: &answer)
        let words = missing.filter { !Tokenizer.isPair($0.term) }
        if !words.isEmpty {
            answer.startParagraph()
            answer.append("Nothing that I was given mentions \(Self.names(words, joint: "or")).")
        }
        addNotes(to: &answer)
        return answer
    }

    /// A summary's sentences, in the order of the text.
    /// - Parameters:
    ///   - total: how many sentences there were to choose from.
    ///   - wanted: how many the user wants.
    func summary(_ picked: [Int], of total: Int, wanted: Int?, isUnasked: Bool) -> Answer {
        let sources = Set(picked.map { index.sentences[$0].source })
        let title = sources.count == 1 ? sources.first.map { material.sources[$0].title } ?? "" : Self.count(sources.count, "source")
        var answer = Answer()
        if isUnasked { answer.append("You asked nothing about it, so here is a summary. ") }
        if let wanted, picked.count < wanted {
            answer.append(
                "You asked for \(wanted); I found \(Self.count(picked.count, "sentence")) in \(title) that do not repeat each other:")
        } else if picked.count == 1 {
            answer.append("Of the \(Self.count(total, "sentence")) of \(title), this one says the most:")
        } else {
            answer.append("Of the \(Self.count(total, "sentence")) of \(title), these \(picked.count) say the most, in their order:")
        }
        quote(picked, in: &answer)
        addNotes(to: &answer)
        return answer
    }

    /// The sources have nothing on the question.
    func nothingFound(_ ranking: SentenceRanking, isStatement: Bool) -> Answer {
        let found = question.terms.filter { term in !ranking.missing.contains { $0.term == term.term } }
        var answer = Answer()
        answer.append(
            "I looked for \(Self.names(question.terms)) in \(sourceList()), \(Self.count(index.sentences.count, "sentence")) in all, and ")
        if found.isEmpty {
            answer.append("found nothing about \(question.terms.count == 1 ? "it" : "any of them").")
        } else {
            answer.append(
                "found nothing about \(Self.names(ranking.missing, joint: "or")). \(Self.names(found)) "
                    + "\(found.count == 1 ? "is" : "are") mentioned, but only apart from what you ask.")
        }
        answer.append(isStatement ? " If you told me this to remember it, ask me about it later in this conversation." : "")
        answer.append(" I answer by quoting, so I do not guess: ask with words that the text uses, or attach a text that covers it.")
        addNotes(to: &answer)
        return answer
    }

    /// The question has nothing to look for.
    func withoutTerms() -> Answer {
        var answer = Answer()
        answer.append(
            "I am Millrace's embedded model, and I answer by quoting the texts that I am given. I have \(sourceList()), "
                + "\(Self.count(index.sentences.count, "sentence")) in all, but your message has no word that I could look for there. "
                + "Ask about something that the text names, or ask for a summary.")
        addNotes(to: &answer)
        return answer
    }

    /// There is nothing to answer from.
    func withoutMaterial(isStatement: Bool) -> Answer {
        var answer = Answer()
        answer.append("I am Millrace's embedded model: I have no knowledge of my own and answer only by quoting texts that I am given. ")
        let others = material.sources.filter { $0.kind != .message(isCurrent: true) && !$0.text.isEmpty }
        if !others.isEmpty {
            answer.append("I have \(sourceList()): ask about something in there, or ask for a summary.")
        } else if isStatement {
            answer.append(
                "Your message is all that I have in this conversation so far (\(Self.size(material.message.utf8.count))). "
                    + "Ask about it in your next message, or attach a text and ask about that.")
        } else {
            if question.terms.isEmpty {
                answer.append("This request comes with no text to answer from. ")
            } else {
                answer.append("I would look for \(Self.names(question.terms)), but this request comes with no text to look in. ")
            }
            answer.append(
                "Attach a text or paste one into your message and ask about it; for free answers, configure another model and name it in `model_id`."
            )
        }
        addNotes(to: &answer)
        return answer
    }

    // MARK: Quotes

    private func quote(_ picked: [Int], in answer: inout Answer) {
        var covered: Set<Int> = []
        var reference = 0
        for position in picked where !covered.contains(position) {
            let sentence = index.sentences[position]
            let source = material.sources[sentence.source]
            let last = extended(position)
            covered.formUnion(position...last)
            let text =
                last == position
                ? sentence.text : Self.slice(source.text, sentence.range.lowerBound..<index.sentences[last].range.upperBound)
            reference += 1
            // The paragraphs of a part of a text are not those of the text.
            let place = source.place ?? "paragraph \(sentence.paragraph)"
            answer.startParagraph()
            answer.append("“\(text)” — \(source.title), \(place) [\(reference)]")
            answer.cite(
                Citation(
                    documentID: source.id, text: text, section: sentence.heading.map { "\($0), \(place)" } ?? place,
                    citationID: "cit_\(reference)", referenceNumber: reference, documentTitle: source.title))
        }
    }

    /// A heading is quoted with the sentence below it, a line that ends with a colon with what it announces.
    private func extended(_ position: Int) -> Int {
        let first = index.sentences[position]
        let announces = first.text.hasSuffix(":") || first.text.hasSuffix("：")
        guard announces || first.kind == .heading else { return position }
        var last = position
        while last + 1 < index.sentences.count {
            let next = index.sentences[last + 1]
            guard next.source == first.source, next.range.upperBound - first.range.lowerBound <= Self.longestQuote else { break }
            if last > position {
                // After the first one, only the further items of an announced list.
                guard announces, next.kind == .listItem, index.sentences[last].kind == .listItem,
                    next.paragraph == index.sentences[last].paragraph
                else { break }
            }
            last += 1
        }
        return last
    }

    // MARK: Facts in words

    private func addNotes(to answer: inout Answer) {
        for one in material.unreadable {
            answer.startParagraph()
            answer.append("I cannot read \(one.title)\(one.mimeType.map { " (\($0))" } ?? ""): I read text only.")
        }
        if material.skippedBytes > 0 {
            answer.startParagraph()
            answer.append(
                "I looked only at the first \(Self.size(material.promptBytes - material.skippedBytes)); \(Self.size(material.skippedBytes)) were left out."
            )
        }
        if index.sentences.count >= sentenceLimit {
            answer.startParagraph()
            answer.append("I looked only at the first \(index.sentences.count) sentences")
            answer.append(skippedSources > 0 ? " and not at all into \(Self.count(skippedSources, "further source"))." : ".")
        }
    }

    private func sourceList() -> String {
        let used = Set(index.sentences.map(\.source))
        let sources = used.sorted().map { material.sources[$0] }
        let names = sources.prefix(5).map { "\($0.title), \(Self.size($0.text.utf8.count))" }.joined(separator: "; ")
        return "\(Self.count(sources.count, "source")) (\(names)\(sources.count > 5 ? "; …" : ""))"
    }

    private static func names(_ terms: [Question.Term], joint: String = "and") -> String {
        let names = terms.prefix(8).map { "“\($0.surface)”" }
        guard let last = names.last, names.count > 1 else { return names.first ?? "that" }
        return names.dropLast().joined(separator: ", ") + " \(joint) " + last
    }

    private static func count(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }

    private static func size(_ bytes: Int) -> String {
        func tenths(_ unit: Int, _ name: String) -> String { "\(bytes / unit).\(bytes % unit * 10 / unit) \(name)" }
        return bytes < 1024 ? count(bytes, "byte") : bytes < 1 << 20 ? tenths(1024, "KiB") : tenths(1 << 20, "MiB")
    }

    private static func slice(_ text: String, _ range: Range<Int>) -> String {
        let utf8 = text.utf8
        let start = utf8.index(utf8.startIndex, offsetBy: range.lowerBound)
        return String(text[start..<utf8.index(start, offsetBy: range.count)])
    }
}
