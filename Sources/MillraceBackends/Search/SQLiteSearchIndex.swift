import Millrace
import MillraceCore
import MillraceDatabase

/// An index of a ``SQLiteSearchEngine``.
final class SQLiteSearchIndex: SearchIndex {
    let definition: SearchIndexDefinition
    private let engine: SQLiteSearchEngine
    private let tables: SQLiteSearchTables
    private let cache: VectorCache

    init(_ definition: SearchIndexDefinition, _ tables: SQLiteSearchTables, _ engine: SQLiteSearchEngine, _ cache: VectorCache) {
        self.definition = definition
        self.engine = engine
        self.tables = tables
        self.cache = cache
    }

    // MARK: Writes

    func write(_ documents: [SearchDocument]) async throws -> [SearchWriteFailure] {
        let (prepared, failures) = try await engine.read { [definition] (session, cancellation) throws(MillraceError) in
            let analysis = SearchAnalysis(fullText: try session.fullText())
            var prepared: [PreparedDocument] = []
            var failures: [SearchWriteFailure] = []
            for document in documents {
                try cancellation.check()
                let fields = JSONValue.object(document.fields).text
                if let problem = definition.problem(of: document, byteCount: fields.utf8.count) {
                    failures.append(SearchWriteFailure(id: document.id, reason: problem, isRetryable: false))
                } else {
                    prepared.append(try PreparedDocument(document, fields: fields, definition, analysis))
                }
            }
            return (prepared, failures)
        }
        try await change(byteCount: prepared.reduce(0) { $0 + $1.byteCount }) { (changes) throws(MillraceError) in
            for document in prepared { try changes.put(document) }
        }
        return failures
    }

    func delete(ids: [String]) async throws {
        try await change(byteCount: 64 * ids.count) { (changes) throws(MillraceError) in
            for id in ids { try changes.remove(id: id) }
        }
    }

    func delete(where filter: SearchFilter) async throws -> Int {
        try filter.validate(for: definition)
        return try await change(byteCount: 1 << 20) { [definition, tables] (changes) throws(MillraceError) in
            let reading = SQLiteSearchReading(
                session: changes.session, definition: definition, tables: tables, cancellation: SearchCancellation())
            let rows = try reading.rows(filter)
            if rows.count > 0 { try changes.remove(rows) }
            return rows.count
        }
    }

    /// Searches read what is committed, and a write returns after its commit: there is nothing to wait for.
    func refresh() async throws {
        try await read { (_) throws(MillraceError) in }
    }

    // MARK: Reads

    func documents(ids: [String]) async throws -> [SearchDocument] {
        try await read { (reading) throws(MillraceError) in try reading.documents(ids: ids) }
    }

    func count(where filter: SearchFilter?) async throws -> Int {
        try filter?.validate(for: definition)
        return try await read { (reading) throws(MillraceError) in
            if let filter { return try reading.rows(filter).count }
            return try reading.documentCount()
        }
    }

    func search(_ query: SearchQuery) async throws -> SearchResults {
        try query.validate(for: definition)
        return try await read { [cache] (reading) throws(MillraceError) in
            let filter: RowSet?
            if let wanted = query.filter { filter = try reading.rows(wanted) } else { filter = nil }
            let plan: TextPlan?
            if let text = query.text { plan = try reading.plan(text) } else { plan = nil }
            let (rows, total) = try Self.rows(query, plan, filter, reading, cache)
            let highlighter = query.highlight.map(Highlighter.init)
            let phrases = highlighter == nil ? [] : plan?.markedPhrases ?? []
            var hits: [SearchResults.Hit] = []
            for row in rows {
                try reading.cancellation.check()
                guard let document = try reading.document(row.row, includesVector: query.includesVectors) else { continue }
                var hit = SearchResults.Hit(document: document, score: row.score)
                if let highlighter { hit.highlights = try reading.highlights(document, phrases, highlighter) }
                hits.append(hit)
            }
            return SearchResults(hits: hits, total: total)
        }
    }

    /// The rows of the page that is asked for, and how many match.
    private static func rows(
        _ query: SearchQuery, _ plan: TextPlan?, _ filter: RowSet?, _ reading: SQLiteSearchReading, _ cache: VectorCache
    ) throws(MillraceError) -> ([ScoredRow], Int) {
        let end = query.offset + query.limit
        switch (plan, query.vector) {
        case (nil, nil):
            let total: Int
            if let filter { total = filter.count } else { total = try reading.documentCount() }
            return (try reading.rowsByID(filter, limit: query.limit, offset: query.offset), total)
        case (let plan?, nil):
            let (best, total) = try reading.rows(plan, filter, limit: end)
            return (Array(best.dropFirst(query.offset)), total)
        case (nil, let vector?):
            let (best, compared) = try reading.rows(vector, filter, limit: end, cache)
            return (Array(best.dropFirst(query.offset)), min(compared, query.candidateCount))
        case (let plan?, let vector?):
            let (text, _) = try reading.rows(plan, filter, limit: query.candidateCount)
            let (near, _) = try reading.rows(vector, filter, limit: query.candidateCount, cache)
            let fused = HybridFusion(query.fusion).scores(text: text, vector: near)
            return (Array(try reading.best(fused, limit: end).dropFirst(query.offset)), fused.count)
        }
    }

    // MARK: Transactions

    private func read<R: Sendable>(_ body: @escaping @Sendable (SQLiteSearchReading) throws(MillraceError) -> R) async throws -> R {
        try await engine.read { [definition, tables] (session, cancellation) throws(MillraceError) in
            try cancellation.check()
            return try session.readTransaction { () throws(MillraceError) in
                try SQLiteSearchReading.expectIndex(tables.number, definition.name, session)
                return try body(
                    SQLiteSearchReading(session: session, definition: definition, tables: tables, cancellation: cancellation))
            }
        }
    }

    @discardableResult
    private func change<R: Sendable>(
        byteCount: Int, _ body: @escaping @Sendable (inout SQLiteSearchChanges) throws(MillraceError) -> R
    ) async throws -> R {
        let cache = cache
        return try await engine.change(byteCount: byteCount) { [definition, tables] (session) throws(MillraceError) in
            try SQLiteSearchReading.expectIndex(tables.number, definition.name, session)
            var changes = try SQLiteSearchChanges(session, definition, tables)
            let result = try body(&changes)
            return (result, try changes.finish())
        } committed: { _, vectors in
            // Before whoever wrote is told, so that their next search finds it.
            if vectors.generation > 0 { cache.apply(vectors) }
        }.0
    }
}
