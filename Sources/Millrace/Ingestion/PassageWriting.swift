import MillraceCore

/// Why one document cannot be read or written, while others can.
struct DocumentFailure: Error {
    let error: any Error
}

/// Writes a document's passages in batches, the first one last: where that is with their version, all are.
struct PassageWriting {
    private let document: IngestionDocument
    private let id: String
    private let version: String
    private let title: String
    private let mimeType: String
    private let batch: Int
    private let embedder: (any Embedder)?
    private let index: any SearchIndex
    /// The first passage of the document's older version.
    private var older: SearchDocument?
    private var waiting: [PassageChunker.Passage] = []
    private var first: SearchDocument?
    /// How many passages there were.
    private(set) var count = 0

    init(
        _ document: IngestionDocument, id: String, version: String, type: DocumentType, title: String?, batch: Int,
        embedder: (any Embedder)?, index: any SearchIndex, older: SearchDocument?
    ) {
        self.document = document
        self.id = id
        self.version = version
        self.title = title.flatMap { $0.isEmpty ? nil : $0 } ?? document.title
        mimeType = type.mimeType ?? document.mimeType ?? "text/plain"
        self.batch = batch
        self.embedder = embedder
        self.index = index
        self.older = older
    }

    mutating func add(_ passages: [PassageChunker.Passage]) async throws {
        waiting += passages
        while waiting.count >= batch { try await write(batch) }
    }

    /// Writes what waits.
    mutating func flush() async throws {
        while !waiting.isEmpty { try await write(min(batch, waiting.count)) }
    }

    /// Writes the first passage.
    func finish() async throws {
        if let first { try await put([first]) }
    }

    private mutating func write(_ size: Int) async throws {
        try Task.checkCancellation()
        let passages = Array(waiting.prefix(size))
        let vectors = try await vectors(of: passages.map(\.text))
        var documents = passages.enumerated().map { offset, passage in
            let passage = CollectionPassage(
                documentID: id, place: count + offset, text: passage.text, title: title, position: passage.position,
                sections: passage.sections,
                source: document.source ?? document.name, mimeType: mimeType, metadata: document.metadata)
            // A vector without a direction says nothing; the passage's words remain.
            let vector = vectors.flatMap { $0[offset].contains { $0 != 0 } ? $0[offset] : nil }
            return PassageCollection.document(passage, version: version, vector: vector)
        }
        if count == 0 { first = documents.removeFirst() }
        if var older {
            // From here on not all of the older version is there: were it to come back, it is not to be taken for done.
            older.fields["version"] = "unfinished"
            try await put([older])
            self.older = nil
        }
        try await put(documents)
        count += size
        waiting.removeFirst(size)
    }

    private func vectors(of texts: [String]) async throws -> [[Float]]? {
        guard let embedder else { return nil }
        do {
            let vectors = try await embedder.embed(texts, for: .document).vectors
            guard vectors.count == texts.count else {
                throw MillraceError(.modelError, "the embedder '\(embedder.id)' gave another number of vectors than of texts")
            }
            return vectors
        } catch { throw DocumentFailure(error: error) }
    }

    private func put(_ documents: [SearchDocument]) async throws {
        guard !documents.isEmpty else { return }
        if let failure = try await index.write(documents).first {
            throw DocumentFailure(error: MillraceError(.storageUnavailable, "a passage could not be indexed: \(failure.reason)"))
        }
    }
}

extension DocumentType {
    /// The media type, as IANA or its owner has it; `nil` for a type that is not known here.
    var mimeType: String? {
        let office = "application/vnd.openxmlformats-officedocument."
        return switch self {
        case .pdf: "application/pdf"
        case .docx: office + "wordprocessingml.document"
        case .xlsx: office + "spreadsheetml.sheet"
        case .pptx: office + "presentationml.presentation"
        case .html: "text/html"
        case .markdown: "text/markdown"
        case .csv: "text/csv"
        case .text: "text/plain"
        default: nil
        }
    }
}
