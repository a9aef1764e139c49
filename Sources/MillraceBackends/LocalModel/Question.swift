/// What is asked, read for an answer by quotation.
struct Question: Equatable, Sendable {
    /// A term to look for.
    struct Term: Equatable, Sendable {
        var term: String
        /// The user's own word.
        var surface: String
        /// 1 for words of the question, less for those of an earlier question that it follows up.
        var weight: Double
    }

    /// The kind of thing that the answer names, which sentences with such a thing are preferred for.
    enum Focus: Equatable, Sendable {
        case none, time, amount, person
    }

    var terms: [Term] = []
    var focus = Focus.none
    var summary: SummaryRequest?
    /// How many quotes are wanted, where the question says so.
    var points: Int?
    /// Whether it does nothing but greet or thank.
    var isGreeting = false
    /// Whether it only makes sense after the question before it.
    var isFollowUp = false
    /// Whether it asks who or what something is.
    var asksForDefinition = false

    /// The work of ranking is terms × sentences; what is asked in more words than these is told by them.
    static let mostTerms = 64
    private static let greetings: Set<String> = Set(
        "hello hi hey hallo hola bonjour ciao salut good morning afternoon evening day thanks thank you there greetings moin servus danke merci gracias"
            .split(separator: " ").map(String.init))
    private static let pronouns: Set<String> = [
        "it", "its", "he", "him", "his", "she", "her", "they", "them", "their", "that", "this", "these", "those", "there", "else",
    ]
    private static let openings = [
        ["and"], ["what", "about"], ["how", "about"], ["or"], ["but"], ["und"], ["et"], ["y"], ["why"], ["since"],
    ]

    /// - Parameters:
    ///   - text: the words that ask.
    ///   - earlier: what was asked before, oldest first.
    init(_ text: String, after earlier: [String] = []) {
        let words = Tokenizer.words(text)
        let surfaces = words.map(\.surface)
        summary = SummaryRequest(text)
        points = summary?.points ?? SummaryRequest.points(in: surfaces)
        focus = Self.focus(surfaces)
        isGreeting = !words.isEmpty && words.count <= 5 && surfaces.allSatisfy { Self.greetings.contains($0) }
        for word in words where terms.count < Self.mostTerms && !word.isStopWord && !terms.contains(where: { $0.term == word.term }) {
            if summary != nil, SummaryRequest.genericTerms.contains(word.term) || Int(word.term) != nil { continue }
            terms.append(Term(term: word.term, surface: word.surface, weight: 1))
        }
        let asksWhat = surfaces.starts(with: ["who"]) || surfaces.starts(with: ["what"]) || surfaces.starts(with: ["define"])
        asksForDefinition = asksWhat && (1...2).contains(terms.count)
        let opens = Self.openings.contains { surfaces.starts(with: $0) }
        isFollowUp = !isGreeting && !words.isEmpty && (opens || terms.isEmpty || surfaces.contains { Self.pronouns.contains($0) })
        if summary == nil, isFollowUp { addTerms(of: earlier) }
    }

    /// Whether a sentence introduces one of the terms, as in `Marta Oldeburg (the landlord)`.
    func isDefined(by sentence: String) -> Bool {
        guard asksForDefinition, sentence.utf8.contains(where: { "(\"“:".utf8.contains($0) }) else { return false }
        let text = sentence.lowercased()
        return terms.contains { term in
            let word = term.surface
            return text.hasPrefix(word + ":")
                || ["(\(word))", "(the \(word))", "“\(word)”", "\"\(word)\"", "“the \(word)”", "\"the \(word)\""].contains {
                    text.contains($0)
                }
        }
    }

    /// Takes over the terms of the nearest earlier question that has any.
    private mutating func addTerms(of earlier: [String]) {
        for text in earlier.reversed().prefix(3) {
            let question = Question(text)
            guard !question.terms.isEmpty, question.summary == nil else { continue }
            // Words of its own change the subject; without any, it is the same question again.
            let weight = terms.isEmpty ? 0.5 : 0.25
            for var term in question.terms where !terms.contains(where: { $0.term == term.term }) {
                term.weight = weight
                terms.append(term)
            }
            return
        }
    }

    private static func focus(_ words: [String]) -> Focus {
        let line = " " + words.joined(separator: " ") + " "
        func asks(_ phrases: String...) -> Bool { phrases.contains { line.contains(" \($0) ") } }
        if asks("when", "what date", "which date", "what day", "deadline", "wann", "quand", "cuándo", "quando") { return .time }
        if asks("how much", "how many", "how long", "how old", "how far", "amount", "wie viel", "wieviel", "combien", "cuánto") {
            return .amount
        }
        if asks("who", "whom", "whose", "wer", "qui", "quién", "chi") { return .person }
        return .none
    }
}

extension Question.Focus {
    private static let calendar: Set<String> = Set(
        """
        january february march april may june july august september october november december monday tuesday wednesday thursday friday saturday
        sunday today tomorrow yesterday noon midnight day days week weeks month months year years morning evening januar februar märz mai juni
        juli oktober dezember janvier février mars avril juin juillet août septembre octobre novembre décembre
        """.split { $0 == " " || $0 == "\n" }.map(String.init))

    /// Whether a sentence names a thing of the kind.
    func isMet(by sentence: String) -> Bool {
        switch self {
        case .none: return false
        case .time:
            return Tokenizer.words(sentence).contains { word in
                Self.calendar.contains(word.surface) && word.surface != "may"
                    || Int(word.surface).map { (1000...2999).contains($0) } ?? false
                    || sentence.contains("May ") && word.surface == "may"
            }
        case .amount: return sentence.unicodeScalars.contains { $0.properties.numericType == .decimal }
        case .person:
            // A capital inside the sentence: a name, more often than not.
            return sentence.split(separator: " ").dropFirst().contains { word in
                word.unicodeScalars.first.map { $0.properties.isUppercase } ?? false && word.count > 1
            }
        }
    }
}
