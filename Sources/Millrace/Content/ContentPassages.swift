import MillraceCore

/// Finds the passages of uploaded texts that a question is about: texts that are too long to be given to a model whole.
///
/// A text is cut into passages and put into a ``SearchIndex`` when it is first asked about. Every passage carries its owner, and every search
/// asks for the owner's only.
public struct ContentPassages: Sendable {
    /// A part of a text.
    public struct Passage: Equatable, Sendable {
        /// The file that it stands in.
        public var contentID: String
        /// Its place among the file's passages, from 0.
        public var place: Int
        /// Its text.
        public var text: String
    }

    private let content: ContentStore
    private let search: any SearchEngine
    private let embedder: (any Embedder)?
    private let byteLimit: Int

    /// - Parameters:
    ///   - content: where the texts are.
    ///   - search: where their passages are put; the index's name begins with `content-`.
    ///   - embedder: with one, passages are found by meaning, too.
    ///   - byteLimit: how long a text may be, in bytes (default: 32 MiB).
    public init(content: ContentStore, search: any SearchEngine, embedder: (any Embedder)? = nil, byteLimit: Int = 32 << 20) {
        self.content = content
        self.search = search
        self.embedder = embedder
        self.byteLimit = byteLimit
    }

    /// The passages of files that fit a question best, in the order of files and places.
    /// - Parameter report: told what each call of the embedder has consumed.
    /// - Throws: ``ErrorCode/limitExceeded`` for a text that is too long, ``ErrorCode/invalidInput`` for a file that is no text in UTF-8,
    ///   what the stores throw.
    public func find(
        _ question: String, in records: [ContentRecord], limit: Int, principal: Principal, report: (Usage) -> Void = { _ in }
    ) async throws -> [Passage] {
        guard !records.isEmpty, !question.isEmpty else { return [] }
        let index = try await index()
        for record in records { try await add(record, to: index, principal, report) }
        var query = SearchQuery(text: .match(question), limit: limit)
        query.filter = .all([
            .equals("owner", .string(principal.id)), .among("content", records.map { .string($0.id) }),
        ])
        if let embedder {
            let embedded = try await embedder.embed([question], for: .query)
            report(embedded.usage)
            query.vector = embedded.vectors.first
        }
        let hits = try await index.search(query).hits
        let order = Dictionary(records.enumerated().map { ($0.element.id, $0.offset) }, uniquingKeysWith: { first, _ in first })
        return hits.compactMap { hit -> Passage? in
            let fields = hit.document.fields
            guard let id = fields["content"]?.string, let place = fields["place"]?.integer, let text = fields["text"]?.string else {
                return nil
            }
            return Passage(contentID: id, place: place, text: text)
        }.sorted { (order[$0.contentID] ?? 0, $0.place) < (order[$1.contentID] ?? 0, $1.place) }
    }

    /// Drops the passages of a file.
    public func forget(_ record: ContentRecord, principal: Principal) async throws {
        try await index().delete(where: Self.passages(of: record, principal))
    }

    private func index() async throws -> any SearchIndex {
        var definition = SearchIndexDefinition(
            name: "content-words", textFields: [.init("text")],
            filterFields: ["owner": .keyword, "content": .keyword, "place": .integer, "isLast": .boolean])
        if let embedder {
            // Vectors of different models are not to be compared: each has an index of its own.
            let name = embedder.id.lowercased().map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "-" }
            let dimensions = try await dimensions(of: embedder)
            definition.name = "content-\(String(name).prefix(80))-\(dimensions)"
            definition.vectorDimensions = dimensions
        }
        return try await search.index(definition)
    }

    private func dimensions(of embedder: any Embedder) async throws -> Int {
        if let dimensions = embedder.dimensions { return dimensions }
        return try await embedder.embed(["dimensions"], for: .document).vectors.first?.count ?? 0
    }

    private static func passages(of record: ContentRecord, _ principal: Principal) -> SearchFilter {
        .all([.equals("owner", .string(principal.id)), .equals("content", .string(record.id))])
    }

    // MARK: Indexing

    /// How many passages are written at once.
    private static let batch = 100

    private func add(_ record: ContentRecord, to index: any SearchIndex, _ principal: Principal, _ report: (Usage) -> Void) async throws {
        let mine = Self.passages(of: record, principal)
        // The last passage is written last: where it is, all are.
        if try await index.count(where: .all([mine, .equals("isLast", .bool(true))])) > 0 { return }
        guard record.length <= byteLimit else {
            throw MillraceError(
                .limitExceeded,
                "'\(record.title ?? record.pointer)' is too long to be searched: \(record.length) bytes, \(byteLimit) at most")
        }
        try await content.read(record.id, principal: principal) { object in
            var splitter = PassageSplitter()
            var waiting: [String] = []
            var place = 0
            while let piece = try await object.next() {
                waiting += try splitter.receive(piece)
                // One is kept back, so that the last can be told.
                while waiting.count > Self.batch {
                    try await write(Array(waiting.prefix(Self.batch)), from: place, isEnd: false, record, to: index, principal, report)
                    place += Self.batch
                    waiting.removeFirst(Self.batch)
                }
            }
            waiting += try splitter.finish()
            try await write(waiting, from: place, isEnd: true, record, to: index, principal, report)
        }
        try await index.refresh()
    }

    private func write(
        _ texts: [String], from place: Int, isEnd: Bool, _ record: ContentRecord, to index: any SearchIndex, _ principal: Principal,
        _ report: (Usage) -> Void
    ) async throws {
        guard !texts.isEmpty else { return }
        let embedded = try await embedder?.embed(texts, for: .document)
        if let embedded { report(embedded.usage) }
        let vectors = embedded?.vectors
        let documents = texts.enumerated().map { offset, text in
            SearchDocument(
                id: "\(record.id)-\(place + offset)",
                fields: [
                    "text": .string(text), "owner": .string(principal.id), "content": .string(record.id), "place": .integer(place + offset),
                    "isLast": .bool(isEnd && offset == texts.count - 1),
                ], vector: vectors.flatMap { $0[offset].contains { $0 != 0 } ? $0[offset] : nil })
        }
        let failures = try await index.write(documents)
        if let failure = failures.first {
            throw MillraceError(
                .storageUnavailable, "a passage of '\(record.title ?? record.pointer)' could not be indexed: \(failure.reason)",
                isRetryable: failure.isRetryable)
        }
    }
}
