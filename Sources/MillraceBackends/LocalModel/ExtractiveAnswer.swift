import Millrace

/// Answers from a request's material by quoting it: reads the question, ranks or summarises, and hands the finds to the writer.
struct ExtractiveAnswer: Sendable {
    /// The most quotes of an answer that names no number.
    private static let usualQuotes = 4
    /// Further sentences must come this close to the best one.
    private static let closeness = 0.55
    /// Below this share of the question's weight a sentence has a word in common with it, not an answer.
    private static let leastCoverage = 0.2
    /// The same when the sources lack one of the question's words altogether: a garden is not answered by whatever names the tenant.
    private static let leastCoverageWithGap = 0.35
    /// How many candidates the removal of repetitions looks at.
    private static let candidates = 50
    /// A topic that more than this share of the sentences has is the text's own, and a summary about it is one of the text.
    private static let topicShare = 0.3

    private(set) var answer = Answer()
    /// Terms read and sentences compared, for tests of the time bound.
    private(set) var work = 0

    /// - Parameters:
    ///   - sentenceLimit: the most sentences to look at.
    ///   - check: called now and then; when it throws, the work ends.
    init(_ material: Material, sentenceLimit: Int, check: () throws -> Void = {}) throws {
        let splitter = SentenceSplitter()
        var sentences: [Sentence] = []
        var asked: [Sentence] = []
        var askedBefore: [String] = []
        var skippedSources = 0
        for (number, source) in material.sources.enumerated() {
            try check()
            guard sentences.count < sentenceLimit else {
                skippedSources += 1
                continue
            }
            let parts = splitter.split(source.text, source: number, limit: sentenceLimit - sentences.count)
            guard case .message(let isCurrent) = source.kind else {
                sentences += parts
                continue
            }
            let reading = MessageReading(parts)
            if isCurrent { asked = reading.asked } else { askedBefore += reading.asked.map(\.text) }
            sentences += reading.told
        }

        let pasted = sentences.filter { material.sources[$0.source].kind == .message(isCurrent: true) }
        var question = Question(asked.map(\.text).joined(separator: " "), after: askedBefore)
        let hasDocument = material.sources.contains { $0.kind == .document }
        let wantsNothing = asked.isEmpty
        if wantsNothing, pasted.count <= 5, !pasted.isEmpty {
            // A few words without a request are what to look for, not what to look in.
            question = Question(pasted.map(\.text).joined(separator: " "), after: askedBefore)
            sentences.removeAll { material.sources[$0.source].kind == .message(isCurrent: true) }
        }
        let index = try SentenceIndex(sentences, check: check)
        work += index.work
        let writer = AnswerWriter(material, index, question, sentenceLimit: sentenceLimit, skippedSources: skippedSources)

        if sentences.isEmpty || question.isGreeting {
            answer = writer.withoutMaterial(isStatement: wantsNothing && !pasted.isEmpty && !question.isGreeting)
        } else if question.summary != nil || (wantsNothing && (pasted.count > 5 || (pasted.isEmpty && hasDocument))) {
            answer = try summary(question, index, material, writer, isUnasked: question.summary == nil, check: check)
        } else {
            answer = try quotation(question, index, writer, isStatement: wantsNothing, check: check)
        }
    }

    private mutating func quotation(
        _ question: Question, _ index: SentenceIndex, _ writer: AnswerWriter, isStatement: Bool, check: () throws -> Void
    ) throws -> Answer {
        guard !question.terms.isEmpty else { return writer.withoutTerms() }
        let ranking = try SentenceRanking(question, in: index, check: check)
        work += index.sentences.count * question.terms.count
        let least = ranking.missing.isEmpty ? Self.leastCoverage : Self.leastCoverageWithGap
        guard let best = ranking.candidates.first(where: { $0.coverage >= least }) else {
            return writer.nothingFound(ranking, isStatement: isStatement)
        }
        let wanted = question.points
        var seen: Set<String> = []
        var close: [(sentence: Int, score: Double)] = []
        for candidate in ranking.candidates where candidate.coverage >= least {
            guard close.count < Self.candidates, wanted != nil || candidate.score >= best.score * Self.closeness else { break }
            // A text that repeats itself must not fill the candidates with one sentence.
            if seen.insert(index.sentences[candidate.sentence].text).inserted { close.append((candidate.sentence, candidate.score)) }
        }
        let picked = MarginalRelevance().pick(wanted ?? Self.usualQuotes, from: close, in: index, work: &work)
        return writer.quotes(picked, missing: ranking.missing)
    }

    private mutating func summary(
        _ question: Question, _ index: SentenceIndex, _ material: Material, _ writer: AnswerWriter, isUnasked: Bool,
        check: () throws -> Void
    ) throws -> Answer {
        // What is pasted beside the request is what it means; then what is attached; the conversation only when there is nothing else.
        func isPasted(_ n: Int) -> Bool { material.sources[index.sentences[n].source].kind == .message(isCurrent: true) }
        func isDocument(_ n: Int) -> Bool { material.sources[index.sentences[n].source].kind == .document }
        let hasPasted = index.sentences.indices.contains(where: isPasted)
        let hasDocument = index.sentences.indices.contains(where: isDocument)
        let isCandidate: (Int) -> Bool = { hasDocument ? isDocument($0) || isPasted($0) && isUnasked : hasPasted ? isPasted($0) : true }
        let count = index.sentences.indices.count { isCandidate($0) && index.sentences[$0].kind != .heading }

        // "Summarise what it says about the deposit" is a question about the deposit.
        var topic = question
        let titles = Set(material.sources.flatMap { Tokenizer.terms($0.title) })
        topic.terms.removeAll { term in
            guard let number = index.number(of: term.term), !titles.contains(term.term) else { return true }
            return Double(index.documentFrequency[Int(number)]) > max(2, Double(index.sentences.count) * Self.topicShare)
        }
        if !topic.terms.isEmpty, !isUnasked {
            topic.points = question.points ?? Self.usualQuotes
            let focused = try quotation(topic, index, writer.asking(topic), isStatement: false, check: check)
            if !focused.citations.isEmpty { return focused }
        }
        try check()
        let summary = CentroidSummary(of: index, count: question.points ?? CentroidSummary.usualLength(of: count), isCandidate: isCandidate)
        work += summary.work
        return writer.summary(summary.sentences, of: count, wanted: question.points, isUnasked: isUnasked)
    }
}
