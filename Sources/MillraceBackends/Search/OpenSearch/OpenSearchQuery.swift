import Millrace
import MillraceCore

/// A query in OpenSearch's own language ("Query DSL").
struct OpenSearchQuery {
    let definition: SearchIndexDefinition
    let query: SearchQuery

    // MARK: Whole searches

    /// The search that finds documents by words, by meaning, or by the filter alone.
    var body: JSONValue {
        var body: [String: JSONValue] = [
            "from": .integer(query.offset), "size": .integer(query.limit), "track_total_hits": true, "_source": source,
        ]
        if let vector = query.vector {
            body["query"] = knn(vector)
            body["sort"] = Self.byScore
        } else if let text = query.text {
            body["query"] = filtered(Self.text(text, definition))
            body["sort"] = Self.byScore
            body["highlight"] = highlight
        } else {
            body["query"] = query.filter.map { ["bool": ["filter": [Self.filter($0)]]] } ?? Self.everything
            body["sort"] = Self.byID
        }
        return .object(body)
    }

    /// The search whose hits are all ids and scores of both lists as one. It cannot be sorted by anything beside the score, so that the
    /// page is cut out of it afterwards.
    func hybridBody(_ text: SearchQuery.Text, _ vector: [Float]) -> JSONValue {
        [
            "size": .integer(2 * query.candidateCount), "track_total_hits": true, "_source": false,
            "query": [
                "hybrid": [
                    "queries": [filtered(Self.text(text, definition)), knn(vector)], "pagination_depth": .integer(query.candidateCount),
                ]
            ],
            "search_pipeline": ["phase_results_processors": [processor]],
        ]
    }

    /// The search that gives the documents of a page.
    func pageBody(ids: [String], _ text: SearchQuery.Text) -> JSONValue {
        var body: [String: JSONValue] = ["size": .integer(ids.count), "_source": source, "query": Self.filter(.ids(ids))]
        if var highlight = highlight?.object {
            highlight["highlight_query"] = Self.text(text, definition)
            body["highlight"] = .object(highlight)
        }
        return .object(body)
    }

    private var source: JSONValue { query.includesVectors ? true : ["excludes": ["vector"]] }
    private static let byScore: JSONValue = [["_score": "desc"], ["id": "asc"]]
    private static let byID: JSONValue = [["id": "asc"]]
    static let everything: JSONValue = ["match_all": [:]]

    private func filtered(_ text: JSONValue) -> JSONValue {
        guard let filter = query.filter else { return text }
        return ["bool": ["must": [text], "filter": [Self.filter(filter)]]]
    }

    private func knn(_ vector: [Float]) -> JSONValue {
        var parameters: [String: JSONValue] = ["vector": OpenSearchDocument.json(vector), "k": .integer(query.candidateCount)]
        parameters["filter"] = query.filter.map(Self.filter)
        return ["knn": ["vector": .object(parameters)]]
    }

    private var processor: JSONValue {
        switch query.fusion {
        case .normalized(let text, let vector):
            [
                "normalization-processor": [
                    "normalization": ["technique": "min_max"],
                    "combination": [
                        "technique": "arithmetic_mean",
                        // OpenSearch wants a sum of 1.
                        "parameters": ["weights": [.double(text / (text + vector)), .double(vector / (text + vector))]],
                    ],
                ]
            ]
        case .reciprocalRank(let constant):
            ["score-ranker-processor": ["combination": ["technique": "rrf", "rank_constant": .integer(constant)]]]
        }
    }

    private var highlight: JSONValue? {
        guard let highlight = query.highlight else { return nil }
        let names = highlight.fields.isEmpty ? definition.textFields.map(\.name) : highlight.fields
        let fields = names.map { (OpenSearchIndexLayout.path(of: $0), JSONValue.object([:])) }
        return [
            "fields": .object(Dictionary(fields) { first, _ in first }), "number_of_fragments": .integer(highlight.fragments),
            "fragment_size": .integer(highlight.fragmentLength), "pre_tags": [.string(highlight.before)],
            "post_tags": [.string(highlight.after)], "require_field_match": true,
        ]
    }

    // MARK: Words

    static func text(_ text: SearchQuery.Text, _ definition: SearchIndexDefinition) -> JSONValue {
        switch text {
        case .match(let text, let fields, let requiresAll):
            let whole = multiMatch(text, fields, definition, ["type": "most_fields"])
            guard requiresAll else { return whole }
            // Each word may be in another field, and one that an analysis leaves out is not required. Were all left out, there would be
            // nothing to require: then the whole text matches nothing.
            let words = words(of: text).map {
                multiMatch($0, fields, definition, ["type": "most_fields", "zero_terms_query": "all"])
            }
            return ["bool": ["must": .array(words), "filter": [whole]]]
        case .phrase(let text, let fields):
            // A match in two fields counts twice, as it does for words.
            return multiMatch(text, fields, definition, ["type": "phrase", "tie_breaker": 1.0])
        case .boolean(let must, let should, let mustNot):
            var clauses: [String: JSONValue] = [:]
            if !must.isEmpty { clauses["must"] = .array(must.map { self.text($0, definition) }) }
            if !should.isEmpty { clauses["should"] = .array(should.map { self.text($0, definition) }) }
            if !mustNot.isEmpty { clauses["must_not"] = .array(mustNot.map { self.text($0, definition) }) }
            if must.isEmpty, !should.isEmpty { clauses["minimum_should_match"] = 1 }
            return clauses.isEmpty ? everything : ["bool": .object(clauses)]
        }
    }

    private static func multiMatch(
        _ text: String, _ fields: [String: Double], _ definition: SearchIndexDefinition, _ options: [String: JSONValue]
    ) -> JSONValue {
        let boosts =
            fields.isEmpty
            ? definition.textFields.map { ($0.name, $0.boost) } : fields.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        var match = options
        match["query"] = .string(text)
        match["fields"] = .array(boosts.map { .string("\(OpenSearchIndexLayout.path(of: $0.0))^\($0.1)") })
        return ["multi_match": .object(match)]
    }

    /// What the index's tokenizer makes of a text.
    private static func words(of text: String) -> [String] {
        text.unicodeScalars.split { scalar in
            switch scalar.properties.generalCategory {
            case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter, .nonspacingMark, .spacingMark,
                .enclosingMark, .decimalNumber, .letterNumber, .otherNumber:
                false
            default: true
            }
        }.map { String($0) }
    }

    // MARK: Filters

    static func filter(_ filter: SearchFilter) -> JSONValue {
        switch filter {
        case .equals(let field, let value): ["term": .object([OpenSearchIndexLayout.path(of: field): ["value": value]])]
        case .among(let field, let values): ["terms": .object([OpenSearchIndexLayout.path(of: field): .array(values)])]
        case .range(let field, let from, let through):
            if from == nil, through == nil { self.filter(.exists(field)) } else { range(field, from, through) }
        case .exists(let field): ["exists": ["field": .string(OpenSearchIndexLayout.path(of: field))]]
        case .ids(let ids): ["ids": ["values": .array(ids.map { .string($0) })]]
        case .all(let parts): parts.isEmpty ? everything : ["bool": ["filter": .array(parts.map(self.filter))]]
        case .any(let parts):
            parts.isEmpty ? ["match_none": [:]] : ["bool": ["should": .array(parts.map(self.filter)), "minimum_should_match": 1]]
        case .not(let part): ["bool": ["must_not": [self.filter(part)]]]
        }
    }

    private static func range(_ field: String, _ from: JSONValue?, _ through: JSONValue?) -> JSONValue {
        var bounds: [String: JSONValue] = [:]
        bounds["gte"] = from
        bounds["lte"] = through
        return ["range": .object([OpenSearchIndexLayout.path(of: field): .object(bounds)])]
    }
}
