import MillraceCore

/// Where in a passage's text another section of its document begins.
public struct SectionStart: Equatable, Sendable {
    /// In bytes of UTF-8.
    public var offset: Int
    /// The headings above what follows, the outermost first.
    public var section: [String]
    /// Creates a mark.
    public init(offset: Int, section: [String]) {
        self.offset = offset
        self.section = section
    }
}

/// A passage of a document that stands in a collection: what is found, and what is cited.
public struct CollectionPassage: Equatable, Sendable {
    /// The document's id, the same as long as its name in the collection is.
    public var documentID: String
    /// The passage's place among the document's, from 0.
    public var place: Int
    /// Its text, as it stands in the document: what is quoted from it is compared with this.
    public var text: String
    /// The document's title, or its name where it gives itself none.
    public var title: String
    /// Where the text begins.
    public var position: DocumentPosition
    /// The further sections that begin in it: short ones share a passage.
    public var sections: [SectionStart]
    /// Where the whole document is: its name in the collection (`manual/setup.md`), a `content://` pointer or a URL.
    public var source: String
    /// What the document is, such as `application/pdf`.
    public var mimeType: String
    /// What is known of the document besides, to be filtered by: names to values, each `name=value` at most 8,192 bytes of UTF-8 together.
    public var metadata: [String: String]

    /// Creates a passage.
    public init(
        documentID: String, place: Int, text: String, title: String, position: DocumentPosition = DocumentPosition(),
        sections: [SectionStart] = [], source: String,
        mimeType: String = "text/plain", metadata: [String: String] = [:]
    ) {
        self.documentID = documentID
        self.place = place
        self.text = text
        self.title = title
        self.position = position
        self.sections = sections
        self.source = source
        self.mimeType = mimeType
        self.metadata = metadata
    }
}

/// The layout of an index that documents are ingested into: what `millrace ingest` writes and retrieval reads.
///
/// Every passage is a document of the index. Its `text` is searched, and with more weight its `title` and `section`, the headings above it.
public enum PassageCollection {
    /// The definition of a collection's index.
    /// - Parameters:
    ///   - name: the collection's, by the rules of ``SearchIndexDefinition/name``.
    ///   - analysis: how words are made out of its texts.
    ///   - dimensions: the length of the embedder's vectors; `nil`: passages are found by words only.
    public static func definition(
        name: String, analysis: SearchIndexDefinition.TextField.Analysis = .english, dimensions: Int? = nil
    ) -> SearchIndexDefinition {
        SearchIndexDefinition(
            name: name,
            textFields: [
                .init("text", analysis: analysis), .init("title", analysis: analysis, boost: 2),
                .init("section", analysis: analysis, boost: 1.5),
            ],
            filterFields: [
                "document": .keyword, "place": .integer, "page": .integer, "source": .keyword, "mimeType": .keyword, "metadata": .keyword,
                "version": .keyword,
            ], vectorDimensions: dimensions)
    }

    /// How much a match in each field counts, found by `.ci/search-quality`; the definition's own weights are older than it, and stay so that
    /// collections need not be ingested anew.
    package static let weights = ["text": 1, "title": 0.3, "section": 0.5]

    /// How words are made in a collection with that definition; `nil`: it is no collection's.
    package static func analysis(of definition: SearchIndexDefinition) -> SearchIndexDefinition.TextField.Analysis? {
        guard let analysis = definition.textFields.first?.analysis else { return nil }
        let own = self.definition(name: definition.name, analysis: analysis, dimensions: definition.vectorDimensions)
        return own == definition ? analysis : nil
    }

    /// A passage as a document of the index.
    /// - Parameters:
    ///   - version: what the document's passages were made of: they are replaced together when it changes.
    ///   - vector: what the passage means; `nil`: it is found by words only.
    public static func document(_ passage: CollectionPassage, version: String, vector: [Float]? = nil) -> SearchDocument {
        let position = passage.position
        var fields: [String: JSONValue] = [
            "text": .string(passage.text), "title": .string(passage.title), "document": .string(passage.documentID),
            "place": .integer(passage.place), "source": .string(passage.source), "mimeType": .string(passage.mimeType),
            "version": .string(version), "metadata": .array(passage.metadata.map { .string("\($0)=\($1)") }.sorted { $0.text < $1.text }),
        ]
        if !position.section.isEmpty {
            fields["section"] = .string(position.section.joined(separator: "\n"))
            fields["headings"] = .array(position.section.map { .string($0) })
        }
        if !passage.sections.isEmpty {
            fields["sections"] = .array(
                passage.sections.map { .array([.integer($0.offset)] + $0.section.map { JSONValue.string($0) }) })
        }
        if let page = position.page { fields["page"] = .integer(page) }
        if let slide = position.slide { fields["slide"] = .integer(slide) }
        if let sheet = position.sheet { fields["sheet"] = .string(sheet) }
        if let rows = position.rows { fields["rows"] = .array([.integer(rows.lowerBound), .integer(rows.upperBound)]) }
        if let lines = position.lines { fields["lines"] = .array([.integer(lines.lowerBound), .integer(lines.upperBound)]) }
        return SearchDocument(id: id(passage.documentID, passage.place), fields: fields, vector: vector)
    }

    /// The passage that a document of the index holds; `nil`: it is of another layout.
    public static func passage(_ document: SearchDocument) -> CollectionPassage? {
        let fields = document.fields
        guard let documentID = fields["document"]?.string, let place = fields["place"]?.integer, let text = fields["text"]?.string else {
            return nil
        }
        let headings = fields["headings"]?.array?.compactMap(\.string) ?? []
        var metadata: [String: String] = [:]
        for case .string(let pair) in fields["metadata"]?.array ?? [] {
            // By bytes: an equals sign and an accent behind it are one character.
            let parts = pair.utf8.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 2 { metadata[String(decoding: parts[0], as: UTF8.self)] = String(decoding: parts[1], as: UTF8.self) }
        }
        return CollectionPassage(
            documentID: documentID, place: place, text: text, title: fields["title"]?.string ?? documentID,
            position: DocumentPosition(
                page: fields["page"]?.integer, slide: fields["slide"]?.integer, section: headings, sheet: fields["sheet"]?.string,
                rows: range(fields["rows"]), lines: range(fields["lines"])),
            sections: (fields["sections"]?.array ?? []).compactMap { mark in
                guard let parts = mark.array, let offset = parts.first?.integer else { return nil }
                return SectionStart(offset: offset, section: parts.dropFirst().compactMap(\.string))
            },
            source: fields["source"]?.string ?? documentID, mimeType: fields["mimeType"]?.string ?? "text/plain", metadata: metadata)
    }

    /// Where a byte of a passage's text stands: its position with the section that has begun there.
    package static func position(in passage: CollectionPassage, at offset: Int) -> DocumentPosition {
        var position = passage.position
        if let begun = passage.sections.last(where: { $0.offset <= offset }) { position.section = begun.section }
        return position
    }

    /// The id of a passage in the index.
    public static func id(_ documentID: String, _ place: Int) -> String { "\(documentID)#\(place)" }

    private static func range(_ value: JSONValue?) -> ClosedRange<Int>? {
        guard let bounds = value?.array?.compactMap(\.integer), bounds.count == 2, bounds[0] <= bounds[1] else { return nil }
        return bounds[0]...bounds[1]
    }
}
