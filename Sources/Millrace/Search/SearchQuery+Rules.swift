package import MillraceCore

/// What every engine holds queries to, so that they refuse alike.
extension SearchQuery {
    /// The most documents that lead up to a page's end, and that a list of a hybrid search holds.
    package static let deepest = 10_000

    /// How many documents each list holds at most.
    package var candidateCount: Int { max(candidates, offset + limit) }

    /// - Throws: ``ErrorCode/invalidInput`` for the first rule that the query breaks.
    package func validate(for definition: SearchIndexDefinition) throws(MillraceError) {
        guard (1...1_000).contains(limit) else { throw .invalidSearch("a search returns 1 to 1,000 documents, not \(limit)") }
        guard offset >= 0, offset <= Self.deepest - limit else {
            throw .invalidSearch("the offset \(offset) is below 0, or more than \(Self.deepest) with the limit \(limit)")
        }
        guard (1...Self.deepest).contains(candidates) else {
            throw .invalidSearch("there are 1 to \(Self.deepest) candidates, not \(candidates)")
        }
        if let text {
            guard !definition.textFields.isEmpty else { throw .invalidSearch("the index '\(definition.name)' has no text fields") }
            var budget = Text.Budget()
            try text.validate(for: definition, depth: 1, &budget)
        }
        if let vector, let problem = definition.problem(ofVector: vector) {
            throw .invalidSearch("the query cannot be searched for: \(problem)")
        }
        try fusion.validate()
        try filter?.validate(for: definition)
        try highlight?.validate(for: definition)
    }
}

extension SearchQuery.Text {
    /// How much of what is bounded has been used.
    fileprivate struct Budget {
        var parts = 256
        var bytes = 8192
    }

    fileprivate func validate(for definition: SearchIndexDefinition, depth: Int, _ budget: inout Budget) throws(MillraceError) {
        budget.parts -= 1
        switch self {
        case .match(let text, let fields, _), .phrase(let text, let fields):
            budget.bytes -= text.utf8.count
            for (name, boost) in fields {
                guard definition.textFields.contains(where: { $0.name == name }) else { throw definition.noTextField(name) }
                guard boost > 0, boost.isFinite else { throw .invalidSearch("the boost of the field '\(name)' is not above 0") }
            }
        case .boolean(let must, let should, let mustNot):
            guard depth < 16 else { throw .invalidSearch("the query nests deeper than 16 levels") }
            for part in [must, should, mustNot].joined() { try part.validate(for: definition, depth: depth + 1, &budget) }
        }
        guard budget.parts >= 0, budget.bytes >= 0 else {
            throw .invalidSearch("the query has more than 256 parts, or more than 8,192 bytes of text")
        }
    }
}

extension SearchQuery.Fusion {
    fileprivate func validate() throws(MillraceError) {
        switch self {
        case .normalized(let text, let vector):
            guard text >= 0, vector >= 0, text + vector > 0, (text + vector).isFinite else {
                throw .invalidSearch("the weights of a fusion are finite, not below 0 and not both 0")
            }
        case .reciprocalRank(let constant):
            guard (1...10_000).contains(constant) else { throw .invalidSearch("the constant of a fusion is 1 to 10,000, not \(constant)") }
        }
    }
}

extension SearchQuery.Highlight {
    fileprivate func validate(for definition: SearchIndexDefinition) throws(MillraceError) {
        for name in fields where !definition.textFields.contains(where: { $0.name == name }) { throw definition.noTextField(name) }
        guard (1...100).contains(fragments), (20...10_000).contains(fragmentLength) else {
            throw .invalidSearch("there are 1 to 100 passages of 20 to 10,000 characters, not \(fragments) of \(fragmentLength)")
        }
        guard before.utf8.count <= 256, after.utf8.count <= 256 else { throw .invalidSearch("a mark has at most 256 bytes") }
    }
}

extension SearchFilter {
    /// How much of what is bounded has been used.
    private struct Budget {
        var conditions = 1_000
        var values = 10_000
    }

    /// - Throws: ``ErrorCode/invalidInput`` for the first rule that the filter breaks.
    package func validate(for definition: SearchIndexDefinition) throws(MillraceError) {
        var budget = Budget()
        try validate(for: definition, depth: 1, &budget)
    }

    private func validate(for definition: SearchIndexDefinition, depth: Int, _ budget: inout Budget) throws(MillraceError) {
        budget.conditions -= 1
        switch self {
        case .equals(let field, let value):
            try definition.validate([value], of: field)
        case .among(let field, let values):
            budget.values -= values.count
            try definition.validate(values, of: field)
        case .range(let field, let from, let through):
            try definition.validate([from, through].compactMap { $0 }, of: field)
            guard definition.filterFields[field] != .boolean else { throw .invalidSearch("the booleans of '\(field)' have no ranges") }
        case .exists(let field): try definition.validate([], of: field)
        case .ids(let ids): budget.values -= ids.count
        case .all(let parts), .any(let parts):
            guard depth < 32 else { throw .invalidSearch("the filter nests deeper than 32 levels") }
            for part in parts { try part.validate(for: definition, depth: depth + 1, &budget) }
        case .not(let part):
            guard depth < 32 else { throw .invalidSearch("the filter nests deeper than 32 levels") }
            try part.validate(for: definition, depth: depth + 1, &budget)
        }
        guard budget.conditions >= 0, budget.values >= 0 else {
            throw .invalidSearch("the filter has more than 1,000 conditions, or 10,000 values")
        }
    }
}

extension SearchIndexDefinition {
    fileprivate func noTextField(_ field: String) -> MillraceError {
        let fields = textFields.map(\.name).joined(separator: ", ")
        return .invalidSearch("the index '\(name)' has no text field '\(field)'; its text fields: \(fields)")
    }

    fileprivate func validate(_ values: [JSONValue], of field: String) throws(MillraceError) {
        guard let kind = filterFields[field] else {
            let fields = filterFields.keys.sorted().joined(separator: ", ")
            throw .invalidSearch("the index '\(name)' has no field '\(field)' to filter by; those it has: \(fields)")
        }
        for value in values {
            if let problem = kind.problem(of: value) { throw .invalidSearch("the field '\(field)' \(problem)") }
        }
    }
}
