import Millrace
import MillraceCore
import Testing

/// One thing that every search engine does. `run` takes a fresh engine: it holds no indexes, and nobody else uses it.
struct SearchConformanceCase: Sendable, CustomTestStringConvertible {
    /// What of an engine a case is about.
    enum Topic: String, Sendable, CaseIterable {
        case definitions, writes, text, filters, highlights, edges
        /// Needs an engine with vectors.
        case vectors
        /// Needs an engine with vectors and with the fusion of lists.
        case hybrid
    }

    let topic: Topic
    let name: String
    let run: @Sendable (any SearchEngine) async throws -> Void

    init(_ topic: Topic, _ name: String, _ run: @escaping @Sendable (any SearchEngine) async throws -> Void) {
        self.topic = topic
        self.name = name
        self.run = run
    }

    var testDescription: String { "\(topic.rawValue): \(name)" }
}

/// The conformance suite of the search seam: each implementation runs every case with an engine of its own.
enum SearchConformance {
    static let cases: [SearchConformanceCase] =
        definitionCases + writeCases + textCases + languageCases + rankingCases + filterCases + vectorCases + hybridCases + highlightCases
        + edgeCases

    /// The cases for an engine without vectors.
    static let casesWithoutVectors = cases.filter { $0.topic != .vectors && $0.topic != .hybrid }

    /// Articles with texts of both analyses and a filter field of each kind.
    static let articles = SearchIndexDefinition(
        name: "articles", textFields: [.init("title", analysis: .standard), .init("body")],
        filterFields: ["owner": .keyword, "year": .integer, "rating": .double, "public": .boolean])

    /// Texts in one English field.
    static let notes = SearchIndexDefinition(name: "notes", textFields: [.init("body")])

    /// Notes with vectors of two dimensions.
    static let vectors = SearchIndexDefinition(
        name: "vectors", textFields: [.init("body")], filterFields: ["owner": .keyword], vectorDimensions: 2)

    /// An index that holds documents, each of which was stored.
    static func index(
        _ engine: any SearchEngine, _ definition: SearchIndexDefinition, _ documents: [SearchDocument] = [],
        _ location: SourceLocation = #_sourceLocation
    ) async throws -> any SearchIndex {
        let index = try await engine.index(definition)
        if !documents.isEmpty {
            #expect(try await index.write(documents) == [], sourceLocation: location)
            try await index.refresh()
        }
        return index
    }

    /// An index of ``notes`` with these bodies by id.
    static func notes(_ engine: any SearchEngine, _ bodies: KeyValuePairs<String, String>) async throws -> any SearchIndex {
        try await index(engine, notes, bodies.map { SearchDocument(id: $0.key, fields: ["body": .string($0.value)]) })
    }

    /// What a query finds, by id, the best first.
    static func ids(_ index: any SearchIndex, _ query: SearchQuery) async throws -> [String] {
        try await index.search(query).hits.map(\.document.id)
    }

    /// What a text finds, by id, in the order of the ids.
    static func found(_ index: any SearchIndex, _ text: SearchQuery.Text) async throws -> [String] {
        try await ids(index, SearchQuery(text: text, limit: 100)).sorted()
    }

    /// What a filter leaves, by id: by a search and by a count, which must agree.
    static func left(
        _ index: any SearchIndex, _ filter: SearchFilter, _ location: SourceLocation = #_sourceLocation
    ) async throws -> [String] {
        let results = try await index.search(SearchQuery(filter: filter, limit: 100))
        #expect(try await index.count(where: filter) == results.total, sourceLocation: location)
        #expect(results.total == results.hits.count && results.hits.allSatisfy { $0.score == 1 }, sourceLocation: location)
        return results.hits.map(\.document.id)
    }

    /// Expects that something is refused with a code.
    static func refused(
        _ code: ErrorCode = .invalidInput, _ what: String = "", _ location: SourceLocation = #_sourceLocation,
        _ body: () async throws -> Void
    ) async {
        do {
            try await body()
            Issue.record("not refused: \(what)", sourceLocation: location)
        } catch let error as MillraceError {
            #expect(error.code == code, "\(what): \(error)", sourceLocation: location)
            #expect(!error.message.isEmpty, sourceLocation: location)
        } catch {
            Issue.record("\(what): \(error)", sourceLocation: location)
        }
    }

    /// Expects a number to be another within a tolerance.
    static func expect(
        _ value: Double?, near expected: Double, within tolerance: Double = 1e-4, _ location: SourceLocation = #_sourceLocation
    ) {
        #expect(value.map { abs($0 - expected) <= tolerance } == true, "\(value ?? .nan), not \(expected)", sourceLocation: location)
    }
}
