import MillraceCore

/// Puts documents into a collection (``PassageCollection``): extracts, cuts into passages, embeds where there is an embedder, and writes.
///
/// ```swift
/// let ingestion = Ingestion(search: search, extractor: documents, embedder: embedder)
/// let summary = try await ingestion.ingest(documents, into: "manuals") { outcome in print(outcome.name, outcome.status) }
/// ```
/// It can be run again at any time, also after it was killed: a document is done when its first passage is in the index, which is written
/// last, and is left alone as long as its content and what its passages are made by stay the same. Nothing of a document is written before
/// all of it could be read. Two runs on one collection at once are not kept apart.
public struct Ingestion: Sendable {
    /// How documents are ingested.
    public struct Settings: Equatable, Sendable {
        /// How documents are cut.
        public var passages = PassageChunker.Settings()
        /// How many documents are worked on at once, at least 1 (default: 2).
        public var concurrent = 2
        /// How many passages are embedded and written at once, at least 1 (default: 64).
        public var batch = 64
        /// The defaults.
        public init() {}
    }

    let search: any SearchEngine
    let extractor: any DocumentExtractor
    let embedder: (any Embedder)?
    let language: SearchIndexDefinition.TextField.Analysis
    let settings: Settings

    /// Creates an ingestion.
    /// - Parameters:
    ///   - search: where the collection is.
    ///   - extractor: reads the documents.
    ///   - embedder: with one, passages are found by meaning, too; a collection keeps to one embedder.
    ///   - language: the language of new collections (default: English).
    ///   - settings: how documents are cut and how many are worked on at once.
    public init(
        search: any SearchEngine, extractor: any DocumentExtractor, embedder: (any Embedder)? = nil,
        language: SearchIndexDefinition.TextField.Analysis = .english, settings: Settings = Settings()
    ) {
        self.search = search
        self.extractor = extractor
        self.embedder = embedder
        self.language = language
        self.settings = settings
    }

    /// Ingests documents.
    /// - Parameters:
    ///   - documents: the documents; names that occur twice are refused.
    ///   - collection: the index's name, by the rules of ``SearchIndexDefinition/name``; it is made if need be.
    ///   - language: the language that the collection must have (default: its own, or that of new ones).
    ///   - startsAnew: whether the collection is removed first, with all that is in it, once it is known that it can be made anew: for another
    ///     embedder or language (default: no).
    ///   - folders: the beginnings of names, such as `manual/`, under which documents that are not among `documents` are deleted
    ///     (default: none).
    ///   - report: told of each document as it is done, one at a time.
    /// - Returns: how many documents there were of each status.
    /// - Throws: ``ErrorCode/invalidInput`` for names that make no sense, ``ErrorCode/conflict`` for an index of another layout, language
    ///   or embedder, what the engine throws: then the next run goes on where this one stopped. `CancellationError`.
    public func ingest(
        _ documents: [IngestionDocument], into collection: String, language: SearchIndexDefinition.TextField.Analysis? = nil,
        startsAnew: Bool = false, deletingMissingUnder folders: [String] = [],
        report: (IngestionOutcome) async throws -> Void = { _ in }
    ) async throws -> [IngestionOutcome.Status: Int] {
        try check(documents)
        let index = startsAnew ? try await newIndex(collection, language) : try await index(collection, language)
        var counts: [IngestionOutcome.Status: Int] = [:]
        func done(_ outcome: IngestionOutcome) async throws {
            counts[outcome.status, default: 0] += 1
            try await report(outcome)
        }
        try await withThrowingTaskGroup(of: IngestionOutcome.self) { group in
            for (number, document) in documents.enumerated() {
                if number >= max(settings.concurrent, 1), let outcome = try await group.next() { try await done(outcome) }
                group.addTask { try await ingest(document, into: index) }
            }
            while let outcome = try await group.next() { try await done(outcome) }
        }
        for folder in folders {
            for name in try await deleteMissing(under: folder, keeping: documents.map(\.name), in: index) {
                try await done(IngestionOutcome(name: name, status: .deleted))
            }
        }
        try await index.refresh()
        return counts
    }

    /// Deletes documents from a collection, by name.
    public func delete(_ names: [String], from collection: String) async throws {
        let index = try await index(collection)
        try await index.refresh()
        for name in names { try await index.delete(where: .equals("document", .string(Self.documentID(name)))) }
        try await index.refresh()
    }

    // MARK: The collection

    private func check(_ documents: [IngestionDocument]) throws(MillraceError) {
        // By their bytes, as ids are: two strings are equal when they only look alike.
        var names: Set<[UInt8]> = []
        for document in documents {
            guard (1...Self.longestName).contains(document.name.utf8.count) else {
                throw MillraceError(.invalidInput, "a document's name has 1 to \(Self.longestName) bytes: '\(document.name.prefix(100))'")
            }
            guard names.insert(Array(document.name.utf8)).inserted else {
                throw MillraceError(.invalidInput, "two documents are called '\(document.name)': ingest them into two collections")
            }
            for (name, value) in document.metadata
            where name.isEmpty || name.utf8.contains(UInt8(ascii: "=")) || name.utf8.count + value.utf8.count > 8191 {
                throw MillraceError(
                    .invalidInput,
                    "the metadata '\(name.prefix(100))' is not a name without '=' and a value, 8,191 bytes together at most")
            }
        }
    }

    private func index(
        _ collection: String, _ wanted: SearchIndexDefinition.TextField.Analysis? = nil
    ) async throws -> any SearchIndex {
        let dimensions = if let known = embedder?.dimensions { known } else { try await askedDimensions() }
        let known = try await search.definition(of: collection)
        let own = known.flatMap(PassageCollection.analysis)
        if let own, let wanted, own != wanted {
            throw MillraceError(
                .conflict,
                "the collection '\(collection)' has the language '\(own.rawValue)', not '\(wanted.rawValue)': choose another name, leave the "
                    + "language out, or ingest all of it anew (millrace ingest --fresh)")
        }
        if own != nil, let known, known.vectorDimensions != dimensions {
            func said(_ dimensions: Int?) -> String { dimensions.map { "vectors of \($0) numbers" } ?? "no vectors" }
            throw MillraceError(
                .conflict,
                "the collection '\(collection)' was ingested with another embedder: it has \(said(known.vectorDimensions)), and search.embedder "
                    + "gives \(said(dimensions)): set that back, choose another name, or ingest all of it anew (millrace ingest --fresh)")
        }
        return try await search.index(
            PassageCollection.definition(name: collection, analysis: own ?? wanted ?? language, dimensions: dimensions))
    }

    /// The length of the embedder's vectors, from one of them; `nil`: there is no embedder.
    private func askedDimensions() async throws -> Int? {
        guard let embedder else { return nil }
        guard let vector = try await embedder.embed(["dimensions"], for: .document).vectors.first else {
            throw MillraceError(.modelError, "the embedder '\(embedder.id)' gave no vector")
        }
        return vector.count
    }

    /// The index of a collection that is empty. What is in it is gone only when nothing is seen to stand in the way of filling it again.
    private func newIndex(_ collection: String, _ wanted: SearchIndexDefinition.TextField.Analysis?) async throws -> any SearchIndex {
        guard let known = try await search.definition(of: collection) else { return try await index(collection, wanted) }
        guard let own = PassageCollection.analysis(of: known) else {
            throw MillraceError(.conflict, "the search index '\(collection)' is no collection of documents: choose another name")
        }
        var definition = PassageCollection.definition(
            name: collection, analysis: wanted ?? own, dimensions: try await askedDimensions())
        // Not every engine keeps every definition.
        definition.name = "fresh-" + ContentDigest(collection).hexadecimal.prefix(32)
        _ = try await search.index(definition)
        try await search.drop(definition.name)
        try await search.drop(collection)
        definition.name = collection
        return try await search.index(definition)
    }

    static let longestName = 8192

    /// The id of a document: its name, or what stands for one that is too long for a passage's id.
    static func documentID(_ name: String) -> String {
        guard name.utf8.count > 400 else { return name }
        return String(decoding: name.utf8.prefix(300), as: UTF8.self) + "~" + ContentDigest(name).hexadecimal
    }

    // MARK: Deletes

    /// How many names a filter holds at once.
    private static let names = 1000

    private func deleteMissing(under folder: String, keeping names: [String], in index: any SearchIndex) async throws -> [String] {
        // All of an index's keywords are compared by their bytes.
        let kept = names.filter { $0.utf8.starts(with: folder.utf8) }.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        var deleted: [String] = []
        try await index.refresh()
        for start in stride(from: 0, through: kept.count, by: Self.names) {
            let end = min(start + Self.names, kept.count)
            // From one kept name to another: together these parts are all names under the folder.
            let among = kept[start..<min(end + 1, kept.count)]
            let missing = SearchFilter.all([
                .range(
                    "source", from: .string(start == 0 ? folder : kept[start]),
                    through: .string(end == kept.count ? folder + "\u{10FFFF}" : kept[end])),
                .not(.among("document", among.map { .string(Self.documentID($0)) })),
            ])
            while true {
                var query = SearchQuery(limit: 1000)
                query.filter = .all([missing, .equals("place", .integer(0))])
                let hits = try await index.search(query).hits
                let ids = hits.compactMap { $0.document.fields["document"]?.string }
                deleted += hits.compactMap { $0.document.fields["source"]?.string }
                // At last also what a killed run has left, which has no first passage.
                try await index.delete(where: hits.isEmpty ? missing : .among("document", ids.map { .string($0) }))
                try await index.refresh()
                if hits.isEmpty { break }
            }
            if end == kept.count { break }
        }
        return deleted
    }
}
