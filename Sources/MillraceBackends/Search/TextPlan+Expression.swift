/// The language of FTS5 has no query for what does not match, so a plan is either an expression, or everything but one.
extension TextPlan {
    /// Rows that a full-text table can find.
    indirect enum Expression: Equatable, Sendable {
        case phrase(Int)
        case and([Expression])
        case or([Expression])
        case difference(Expression, Expression)
    }

    /// Which rows match.
    enum Match: Equatable, Sendable {
        case nothing
        case rows(Expression)
        /// `nil`: all rows.
        case allBut(Expression?)
    }

    /// The rows that the query matches.
    var match: Match { Self.match(root) }

    /// The rows that have one of the phrases; `nil` without phrases.
    var anyPhrase: Expression? { Self.or(phrases.indices.map { .phrase($0) }) }

    /// An expression in FTS5's language, and which phrase stands at each of its places.
    func text(_ expression: Expression) -> (text: String, phrases: [Int]) {
        var text = ""
        var order: [Int] = []
        write(expression, &text, &order)
        return (text, order)
    }

    private func write(_ expression: Expression, _ text: inout String, _ order: inout [Int]) {
        switch expression {
        case .phrase(let number):
            order.append(number)
            let phrase = phrases[number]
            // Terms have no quotes, since no tokenizer lets one through; should one ever, doubling keeps it a letter like others.
            text += "c\(phrase.column) : \"\(phrase.terms.joined(separator: " ").replacing("\"", with: "\"\""))\""
        case .and(let parts): write(parts, " AND ", &text, &order)
        case .or(let parts): write(parts, " OR ", &text, &order)
        case .difference(let from, let what): write([from, what], " NOT ", &text, &order)
        }
    }

    private func write(_ parts: [Expression], _ separator: String, _ text: inout String, _ order: inout [Int]) {
        text += "("
        for (index, part) in parts.enumerated() {
            if index > 0 { text += separator }
            write(part, &text, &order)
        }
        text += ")"
    }

    // MARK: The algebra

    private static func match(_ node: Node) -> Match {
        switch node {
        case .words(let words, let requiresAll):
            guard requiresAll else { return any(words.flatMap(\.phrases).map { .rows(.phrase($0)) }) }
            let required = words.filter(\.isRequired).map { word in any(word.phrases.map { .rows(.phrase($0)) }) }
            return wishing(all(required), any(words.filter { !$0.isRequired }.flatMap(\.phrases).map { .rows(.phrase($0)) }))
        case .phrase(let numbers): return any(numbers.map { .rows(.phrase($0)) })
        case .boolean(let must, let should, let mustNot):
            let wished = any(should.map(match))
            let found = must.isEmpty ? (should.isEmpty ? .allBut(nil) : wished) : wishing(all(must.map(match)), wished)
            return mustNot.isEmpty ? found : all([found, inverse(any(mustNot.map(match)))])
        }
    }

    /// The same rows as `match`, with the phrases of what is wished for in the expression, so that they are counted.
    private static func wishing(_ match: Match, _ wished: Match) -> Match {
        guard case .rows(let rows) = match, case .rows(let more) = wished else { return match }
        return .rows(.and([rows, .or([rows, more])]))
    }

    private static func all(_ matches: [Match]) -> Match {
        var found: [Expression] = []
        var excluded: [Expression] = []
        for match in matches {
            switch match {
            case .nothing: return .nothing
            case .rows(let rows): found.append(rows)
            case .allBut(let rows): if let rows { excluded.append(rows) }
            }
        }
        guard let rows = and(found) else { return .allBut(or(excluded)) }
        return .rows(or(excluded).map { .difference(rows, $0) } ?? rows)
    }

    private static func any(_ matches: [Match]) -> Match {
        var found: [Expression] = []
        var excluded: [Expression]?
        for match in matches {
            switch match {
            case .nothing: break
            case .rows(let rows): found.append(rows)
            case .allBut(nil): return .allBut(nil)
            case .allBut(let rows?): excluded = (excluded ?? []) + [rows]
            }
        }
        if let excluded = excluded.flatMap(and) { return .allBut(or(found).map { .difference(excluded, $0) } ?? excluded) }
        return or(found).map { .rows($0) } ?? .nothing
    }

    private static func inverse(_ match: Match) -> Match {
        switch match {
        case .nothing: .allBut(nil)
        case .rows(let rows): .allBut(rows)
        case .allBut(nil): .nothing
        case .allBut(let rows?): .rows(rows)
        }
    }

    private static func and(_ parts: [Expression]) -> Expression? { parts.count < 2 ? parts.first : .and(parts) }
    private static func or(_ parts: [Expression]) -> Expression? { parts.count < 2 ? parts.first : .or(parts) }
}
