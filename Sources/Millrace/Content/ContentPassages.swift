import MillraceCore

/// Finds the passages of uploaded texts that a question is about: texts that are too long to be given to a model whole.
///
/// A text is cut into passages and put into a ``SearchIndex`` when it is first asked about; what is no plain text goes through an extractor.
/// Every passage carries its owner, and every search asks for the owner's only.
public struct ContentPassages: Sendable {
    /// A part of a text.
    public struct Passage: Equatable, Sendable {
        /// The file that it stands in.
        public var contentID: String
        /// Its place among the file's passages, from 0.
        public var place: Int
        /// Its text.
        public var text: String
        /// Where it stands, such as `page 3`; `nil` in a plain text.
        public var position: String?
    }

    let content: ContentStore
    private let search: any SearchEngine
    let embedder: (any Embedder)?
    let extractor: (any DocumentExtractor)?
    private let language: SearchIndexDefinition.TextField.Analysis
    let byteLimit: Int
    /// The length of the embedder's vectors, once it is known: an embedder that does not say it is asked once.
    private let knownDimensions = Locked<Int?>(nil)

    /// How much of a question is searched for, in bytes: engines bound the words of a query.
    private static let questionBytes = 4096

    /// - Parameters:
    ///   - content: where the texts are.
    ///   - search: where their passages are put; the index's name begins with `content-`.
    ///   - embedder: with one, passages are found by meaning, too.
    ///   - extractor: reads what is no plain text, such as PDF; without it such files are refused.
    ///   - language: the texts' language (default: English).
    ///   - byteLimit: how long a text may be, in bytes (default: 32 MiB).
    public init(
        content: ContentStore, search: any SearchEngine, embedder: (any Embedder)? = nil, extractor: (any DocumentExtractor)? = nil,
        language: SearchIndexDefinition.TextField.Analysis = .english, byteLimit: Int = 32 << 20
    ) {
        self.content = content
        self.search = search
        self.embedder = embedder
        self.extractor = extractor
        self.language = language
        self.byteLimit = byteLimit
    }

    /// The passages of files that fit a question best, in the order of files and places. Of a long question the first 4 KiB count.
    /// - Parameter report: told what each call of the embedder has consumed.
    /// - Throws: ``ErrorCode/limitExceeded`` for a text that is too long, ``ErrorCode/invalidInput`` for a file that is no text in UTF-8,
    ///   what the extractor and the stores throw.
    public func find(
        _ question: String, in records: [ContentRecord], limit: Int, principal: Principal, report: (Usage) -> Void = { _ in }
    ) async throws -> [Passage] {
        guard !records.isEmpty, !question.isEmpty else { return [] }
        let question = Self.beginning(of: question)
        let index = try await index(report)
        for record in records { try await add(record, to: index, principal, report) }
        var query = SearchQuery(text: .match(question), limit: limit)
        query.filter = .all([
            .equals("owner", .string(principal.id)), .among("content", records.map { .string($0.id) }),
        ])
        if let embedder {
            let embedded = try await embedder.embed([question], for: .query)
            report(embedded.usage)
            query.fusion = RetrievalRequest.defaultFusion
            // A question that says nothing to the embedder has no direction to search in; its words remain.
            query.vector = embedded.vectors.first.flatMap { vector in vector.contains { $0 != 0 } ? vector : nil }
        }
        let hits = try await index.search(query).hits
        let order = Dictionary(records.enumerated().map { ($0.element.id, $0.offset) }, uniquingKeysWith: { first, _ in first })
        return hits.compactMap { hit -> Passage? in
            let fields = hit.document.fields
            guard let id = fields["content"]?.string, let place = fields["place"]?.integer, let text = fields["text"]?.string else {
                return nil
            }
            return Passage(contentID: id, place: place, text: text, position: fields["position"]?.string)
        }.sorted { (order[$0.contentID] ?? 0, $0.place) < (order[$1.contentID] ?? 0, $1.place) }
    }

    /// Drops the passages of a file in all such indexes, also those of another embedder or language. The embedder of now is not asked.
    public func forget(_ record: ContentRecord, principal: Principal) async throws {
        for name in try await search.names() where name.hasPrefix(Self.namePrefix) {
            do {
                guard let definition = try await search.definition(of: name), let language = definition.textFields.first?.analysis,
                    definition == Self.definition(name, definition.vectorDimensions, language)
                else { continue }
                try await search.index(definition).delete(where: Self.passages(of: record, principal))
            } catch let error as MillraceError where error.code == .conflict || error.code == .notFound {
                // Somebody else's index, or one that was dropped meanwhile.
            }
        }
    }

    private static let namePrefix = "content-"

    private static func definition(
        _ name: String, _ dimensions: Int?, _ language: SearchIndexDefinition.TextField.Analysis
    ) -> SearchIndexDefinition {
        SearchIndexDefinition(
            name: name, textFields: [.init("text", analysis: language)],
            filterFields: ["owner": .keyword, "content": .keyword, "place": .integer, "isLast": .boolean], vectorDimensions: dimensions)
    }

    private func index(_ report: (Usage) -> Void) async throws -> any SearchIndex {
        let suffix = language == .english ? "" : "-" + language.rawValue
        guard let embedder else { return try await search.index(Self.definition("\(Self.namePrefix)words\(suffix)", nil, language)) }
        // Vectors of different models are not to be compared: each has an index of its own.
        let name = embedder.id.lowercased().map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "-" }
        let dimensions = try await dimensions(of: embedder, report)
        return try await search.index(
            Self.definition("\(Self.namePrefix)\(String(name).prefix(80))-\(dimensions)\(suffix)", dimensions, language))
    }

    private func dimensions(of embedder: any Embedder, _ report: (Usage) -> Void) async throws -> Int {
        if let known = embedder.dimensions ?? knownDimensions.withLock({ $0 }) { return known }
        let embedded = try await embedder.embed(["dimensions"], for: .document)
        report(embedded.usage)
        guard let found = embedded.vectors.first?.count else {
            throw MillraceError(.modelError, "the embedder '\(embedder.id)' gave no vector")
        }
        knownDimensions.withLock { $0 = found }
        return found
    }

    /// The first bytes of a question, cut between characters.
    private static func beginning(of question: String) -> String {
        guard question.utf8.count > questionBytes else { return question }
        var bytes = question.utf8.prefix(questionBytes + 1)
        // The byte behind the cut tells whether a character goes on.
        while let last = bytes.popLast(), last & 0xC0 == 0x80 {}
        return String(decoding: bytes, as: UTF8.self)
    }

    static func passages(of record: ContentRecord, _ principal: Principal) -> SearchFilter {
        .all([.equals("owner", .string(principal.id)), .equals("content", .string(record.id))])
    }
}
