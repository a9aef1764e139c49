import Millrace
import MillraceCore

/// What a search by words asks of a full-text table: the rows that match, and their scores.
///
/// FTS5 finds the rows by an expression; how often each phrase is in a row then decides the score, so that a part that matches only by half adds
/// nothing, and what is wished but not required adds what it should.
struct TextPlan {
    /// Terms one behind the other in one column.
    struct Phrase: Hashable, Sendable {
        var column: Int
        var terms: [String]
        /// How much it counts.
        var boost: Double
    }

    /// A word of the query in the fields that are searched.
    struct Word: Equatable, Sendable {
        var phrases: [Int]
        var isRequired: Bool
        /// How often the query has it: so much more it counts.
        var count = 1.0
    }

    /// The query, with phrases by their number.
    indirect enum Node: Equatable, Sendable {
        case words([Word], requiresAll: Bool)
        case phrase([Int])
        case boolean(must: [Node], should: [Node], mustNot: [Node])
    }

    /// The most phrases of a plan: each word counts once for each field.
    static let mostPhrases = 4096

    private(set) var phrases: [Phrase] = []
    private var numbers: [Phrase: Int] = [:]
    private(set) var root = Node.phrase([])
    private let definition: SearchIndexDefinition

    /// - Parameter analyse: the words of a text under an analysis, in the same places for each.
    init(
        _ text: SearchQuery.Text, _ definition: SearchIndexDefinition,
        analyse: (String, SearchIndexDefinition.TextField.Analysis) throws(MillraceError) -> [AnalysedWord]
    ) throws(MillraceError) {
        self.definition = definition
        root = try node(text, analyse)
    }

    private mutating func node(
        _ text: SearchQuery.Text, _ analyse: (String, SearchIndexDefinition.TextField.Analysis) throws(MillraceError) -> [AnalysedWord]
    ) throws(MillraceError) -> Node {
        switch text {
        case .match(let text, let boosts, let requiresAll):
            let fields = columns(boosts)
            var words: [Word] = []
            var known: [[String?]: Int] = [:]
            for terms in try terms(text, fields, analyse) {
                if let place = known[terms] {
                    words[place].count += 1
                    continue
                }
                var phrases: [Int] = []
                for (field, term) in zip(fields, terms) {
                    if let term { phrases.append(try number(Phrase(column: field.column, terms: [term], boost: field.boost))) }
                }
                guard !phrases.isEmpty else { continue }
                known[terms] = words.count
                words.append(Word(phrases: phrases, isRequired: !terms.contains(nil)))
            }
            return .words(words, requiresAll: requiresAll && words.contains(where: \.isRequired))
        case .phrase(let text, let boosts):
            let fields = columns(boosts)
            let terms = try terms(text, fields, analyse)
            var numbers: [Int] = []
            for (index, field) in fields.enumerated() {
                let terms = terms.compactMap { $0[index] }
                if !terms.isEmpty { numbers.append(try number(Phrase(column: field.column, terms: terms, boost: field.boost))) }
            }
            return .phrase(numbers)
        case .boolean(let must, let should, let mustNot):
            return .boolean(must: try nodes(must, analyse), should: try nodes(should, analyse), mustNot: try nodes(mustNot, analyse))
        }
    }

    private mutating func nodes(
        _ texts: [SearchQuery.Text], _ analyse: (String, SearchIndexDefinition.TextField.Analysis) throws(MillraceError) -> [AnalysedWord]
    ) throws(MillraceError) -> [Node] {
        var nodes: [Node] = []
        for text in texts { nodes.append(try node(text, analyse)) }
        return nodes
    }

    private func columns(
        _ boosts: [String: Double]
    ) -> [(column: Int, analysis: SearchIndexDefinition.TextField.Analysis, boost: Double)] {
        definition.textFields.enumerated().compactMap { column, field in
            guard let boost = boosts.isEmpty ? field.boost : boosts[field.name] else { return nil }
            return (column, field.analysis, boost)
        }
    }

    /// For each word its term in each field.
    private func terms(
        _ text: String, _ fields: [(column: Int, analysis: SearchIndexDefinition.TextField.Analysis, boost: Double)],
        _ analyse: (String, SearchIndexDefinition.TextField.Analysis) throws(MillraceError) -> [AnalysedWord]
    ) throws(MillraceError) -> [[String?]] {
        var byAnalysis: [SearchIndexDefinition.TextField.Analysis: [AnalysedWord]] = [:]
        for field in fields where byAnalysis[field.analysis] == nil { byAnalysis[field.analysis] = try analyse(text, field.analysis) }
        let count = byAnalysis.values.map(\.count).min() ?? 0
        return (0..<count).map { place in fields.map { byAnalysis[$0.analysis]?[place].term } }
    }

    private mutating func number(_ phrase: Phrase) throws(MillraceError) -> Int {
        if let known = numbers[phrase] { return known }
        guard phrases.count < Self.mostPhrases else {
            throw .invalidSearch("the query has too many words for so many fields: \(Self.mostPhrases) words times fields are searched")
        }
        numbers[phrase] = phrases.count
        phrases.append(phrase)
        return phrases.count - 1
    }

    // MARK: Scores

    /// A row's score by what each phrase adds (0: the row does not have it); `nil`: the row does not match.
    static func score(_ node: Node, _ weights: [Double]) -> Double? {
        switch node {
        case .words(let words, let requiresAll):
            var sum = 0.0
            for word in words {
                let score = word.phrases.reduce(0) { $0 + weights[$1] } * word.count
                if requiresAll, word.isRequired, score == 0 { return nil }
                sum += score
            }
            return sum > 0 ? sum : nil
        case .phrase(let numbers):
            let sum = numbers.reduce(0) { $0 + weights[$1] }
            return sum > 0 ? sum : nil
        case .boolean(let must, let should, let mustNot):
            if mustNot.contains(where: { score($0, weights) != nil }) { return nil }
            if must.isEmpty, should.isEmpty { return 1 }
            var sum = 0.0
            for part in must {
                guard let score = score(part, weights) else { return nil }
                sum += score
            }
            let wished = should.compactMap { score($0, weights) }
            return must.isEmpty && wished.isEmpty ? nil : sum + wished.reduce(0, +)
        }
    }

    /// The phrases that make a row match, for marking them in its text.
    var markedPhrases: [Phrase] {
        var numbers: Set<Int> = []
        Self.gather(root, &numbers)
        return numbers.sorted().map { phrases[$0] }
    }

    private static func gather(_ node: Node, _ numbers: inout Set<Int>) {
        switch node {
        case .words(let words, _): for word in words { numbers.formUnion(word.phrases) }
        case .phrase(let phrases): numbers.formUnion(phrases)
        case .boolean(let must, let should, _): for part in must + should { gather(part, &numbers) }
        }
    }
}
