import Millrace

/// What a question is about, told by its words alone: no model is asked, and the same conversation always gives the same.
struct QuestionWords: Equatable {
    /// The words that say what it is about, as they were written, each once.
    private(set) var terms: [String] = []
    /// Whether it only makes sense after the question before it.
    private(set) var isFollowUp = false
    /// How it asks, such as `how long` or `when`; `nil`: by none of the words that say so.
    private(set) var interrogative: String?

    /// Words of questions, beside the commonest of all.
    private static let fillers = SearchIndexDefinition.TextField.Analysis.english.stopWords.union(
        """
        what which who whom whose when where why how does do did can could should would may might must shall have has had am been being were i
        you we me my your our us he she his her him them its about also any tell explain describe show give please need want know say says long
        much many more some than so too very there here one ones same else other last ok okay thanks thank hello hi
        """.split { $0 == " " || $0 == "\n" }.map(String.init))
    private static let pronouns: Set<String> = [
        "it", "its", "he", "him", "his", "she", "her", "they", "them", "their", "that", "this", "these", "those", "there", "else", "same",
        "other", "one", "ones",
    ]
    private static let openings: [[String]] = [
        ["and"], ["what", "about"], ["how", "about"], ["or"], ["but"], ["why"], ["then"], ["so"], ["also"], ["und"], ["et"], ["y"],
    ]
    private static let interrogatives: Set<String> = ["how", "when", "who", "whom", "whose", "where", "why", "which", "what"]
    private static let measures: Set<String> = ["long", "much", "many", "often", "far", "old"]
    /// Verbs that say little of what a question is about: `how long does it last`.
    private static let vague: Set<String> = [
        "last", "lasts", "take", "takes", "go", "goes", "happen", "happens", "mean", "means", "work", "works", "apply", "applies", "get",
        "gets", "run", "runs", "hold", "holds",
    ]
    private static let mostTerms = 24

    init(_ text: String) {
        let words = Self.words(text)
        let lower = words.map { $0.lowercased() }
        var seen: Set<String> = []
        for (word, key) in zip(words, lower) where terms.count < Self.mostTerms && !Self.fillers.contains(key) {
            if seen.insert(key).inserted { terms.append(word) }
        }
        if let place = lower.firstIndex(where: Self.interrogatives.contains) {
            let measure = lower[place] == "how" && place + 1 < lower.count && Self.measures.contains(lower[place + 1])
            interrogative = measure ? "how \(lower[place + 1])" : lower[place]
        }
        isFollowUp = terms.isEmpty || lower.contains(where: Self.pronouns.contains) || Self.openings.contains { lower.starts(with: $0) }
    }

    /// A follow-up without the words that only its wording needs; `nil`: there is nothing else in it.
    var shortFollowUp: String? {
        let telling = terms.filter { !Self.vague.contains($0.lowercased()) }
        return telling.isEmpty ? nil : "And \(interrogative.map { $0 + " " } ?? "")\(telling.joined(separator: " "))?"
    }

    /// What to search for: the question, and what a follow-up takes over from the questions before it.
    /// - Parameters:
    ///   - earlier: what the user said before, oldest first.
    ///   - limit: the most keyword queries.
    static func plan(_ question: String, after earlier: [String], limit: Int) -> SearchPlan {
        let own = QuestionWords(question)
        let (topic, between) = own.isFollowUp ? topic(of: earlier) : ([], [])
        let known = Set(own.terms.map { $0.lowercased() })
        let taken = topic.filter { !known.contains($0.lowercased()) }
        guard !taken.isEmpty else { return SearchPlan(keywordQueries: [question], semanticQuery: question) }
        var queries = [(taken + own.terms).joined(separator: " ")]
        let steps = between.filter { !known.contains($0.lowercased()) && !taken.contains($0) }
        if !steps.isEmpty { queries.append((taken + steps + own.terms).joined(separator: " ")) }
        if !own.terms.isEmpty { queries.append(own.terms.joined(separator: " ")) }
        return SearchPlan(
            keywordQueries: Array(queries.prefix(limit)), semanticQuery: "\(question) (\(taken.joined(separator: " ")))", topic: taken)
    }

    /// The terms of the nearest question that stands for itself, and those of the follow-ups since.
    private static func topic(of earlier: [String]) -> (terms: [String], since: [String]) {
        var since: [String] = []
        for text in earlier.reversed() {
            let words = QuestionWords(text)
            if !words.isFollowUp { return (words.terms, since) }
            since += words.terms
        }
        // Nothing but follow-ups, as far as the conversation is known.
        return (since, [])
    }

    /// The sentences of a text that ask something, and the others.
    static func sentences(of text: String) -> (asking: String, telling: String) {
        var sentences: [Substring] = []
        var start = text.startIndex
        for index in text.indices where ".?!？。\n".contains(text[index]) {
            let next = text.index(after: index)
            // A stop within a word or number (`v1.2`) ends nothing.
            guard next == text.endIndex || text[next].isWhitespace || !text[index].isASCII || text[index].isNewline else { continue }
            sentences.append(text[start..<next])
            start = next
        }
        sentences.append(text[start...])
        func joined(_ sentences: [Substring]) -> String {
            sentences.map { $0.drop { $0.isWhitespace } }.filter { !$0.isEmpty }.joined(separator: " ")
        }
        let isAsking = { (sentence: Substring) in
            sentence.last { !$0.isWhitespace }.map { $0 == "?" || $0 == "？" } ?? false
        }
        return (joined(sentences.filter(isAsking)), joined(sentences.filter { !isAsking($0) }))
    }

    /// Words: runs of letters and digits, with the hyphens, stops and apostrophes within them.
    private static func words(_ text: String) -> [String] {
        let scalars = Array(text.unicodeScalars)
        func isLetter(_ place: Int) -> Bool {
            guard scalars.indices.contains(place) else { return false }
            let properties = scalars[place].properties
            return properties.isAlphabetic || properties.numericType != nil || properties.generalCategory == .nonspacingMark
        }
        var words: [String] = []
        var word = String.UnicodeScalarView()
        for place in scalars.indices {
            let isJoint = ["-", ".", "'", "’", "_"].contains(scalars[place]) && isLetter(place - 1) && isLetter(place + 1)
            if isLetter(place) || isJoint {
                word.append(scalars[place])
            } else if !word.isEmpty {
                words.append(String(word))
                word = String.UnicodeScalarView()
            }
        }
        if !word.isEmpty { words.append(String(word)) }
        return words
    }
}
