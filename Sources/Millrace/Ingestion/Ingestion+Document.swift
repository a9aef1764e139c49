import MillraceCore

/// The way of one document.
extension Ingestion {
    /// What a document's reading gave.
    private struct Reading {
        /// All passages; `nil`: there are too many to be kept in memory.
        var passages: [PassageChunker.Passage]?
        var count: Int
        var type: DocumentType
        var summary: DocumentSummary?
    }

    /// How many passages of a document are kept in memory. Of more the document is read once more.
    private static let kept = 256

    /// Changes when passages are made in another way.
    private static let layout = 1

    func ingest(_ document: IngestionDocument, into index: any SearchIndex) async throws -> IngestionOutcome {
        var outcome = IngestionOutcome(name: document.name, status: .failed)
        let version: String
        do { version = try await self.version(of: document) } catch { return try failed(outcome, error) }
        let id = Self.documentID(document.name)
        // Nothing of a document was ever written without its second passage or, where it has only one, its first.
        let known = try await index.documents(ids: [PassageCollection.id(id, 0), PassageCollection.id(id, 1)])
        let older = known.first { $0.id == PassageCollection.id(id, 0) }
        if older?.fields["version"]?.string == version {
            outcome.status = .unchanged
            return outcome
        }

        let reading: Reading
        do { reading = try await read(document) } catch {
            guard let error = error.error as? MillraceError, error.code == .unsupportedDocument else {
                return try failed(outcome, error.error)
            }
            if !known.isEmpty { try await delete(id, older, from: index) }
            outcome.status = .skipped
            outcome.reason = error.message
            return outcome
        }
        outcome.warnings = reading.summary?.warnings ?? []
        guard reading.count > 0 else {
            if !known.isEmpty { try await delete(id, older, from: index) }
            outcome.status = .skipped
            outcome.reason = "it has no text"
            return outcome
        }

        var writing = PassageWriting(
            document, id: id, version: version, type: reading.type, title: reading.summary?.title, batch: max(settings.batch, 1),
            embedder: embedder, index: index, older: older)
        do {
            if let passages = reading.passages {
                try await writing.add(passages)
            } else {
                // The writing is copied into the closure and back: it belongs to one task all the time.
                writing = try await extract(document, writing) { writing, passages, _ in try await writing.add(passages) }.state
            }
            try await writing.flush()
            if !known.isEmpty {
                try await index.refresh()
                try await index.delete(
                    where: .all([
                        .equals("document", .string(id)), .not(.equals("version", .string(version))), .not(.equals("place", .integer(0))),
                    ]))
            }
            try await writing.finish()
        } catch let failure as DocumentFailure {
            // Of a document that was not there nothing is to be found; if that fails, too, the next run replaces it all the same.
            if older == nil { try? await delete(id, nil, from: index) }
            return try failed(outcome, failure.error)
        }
        outcome.status = .indexed
        outcome.passages = writing.count
        return outcome
    }

    /// What the passages are made of and by: whatever changes it has them made anew.
    private func version(of document: IngestionDocument) async throws -> String {
        let hash = try await document.contentHash()
        let metadata = document.metadata.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        let passages = settings.passages
        let parts = [
            "\(Self.layout)", "\(passages.characters)", "\(passages.overlap)", embedder?.id ?? "", document.title, document.source ?? "",
            document.mimeType ?? "", JSONValue.array(metadata.map { .string($0) }).text,
        ]
        return "\(hash)-\(ContentDigest(JSONValue.array(parts.map { .string($0) }).text).hexadecimal)"
    }

    // MARK: Reading

    private func read(_ document: IngestionDocument) async throws(DocumentFailure) -> Reading {
        let start = Reading(passages: [], count: 0, type: .text)
        var (reading, type, summary): (Reading, DocumentType, DocumentSummary?)
        do {
            (reading, type, summary) = try await extract(document, start) { reading, passages, _ in
                reading.count += passages.count
                reading.passages?.append(contentsOf: passages)
                if reading.count > Self.kept { reading.passages = nil }
            }
        } catch { throw error as? DocumentFailure ?? DocumentFailure(error: error) }
        reading.type = type
        reading.summary = summary
        return reading
    }

    /// Extracts a document and hands its passages on as they come.
    /// - Throws: what `take` throws; ``DocumentFailure`` for all that its bytes and its extraction throw.
    private func extract<State>(
        _ document: IngestionDocument, _ start: State,
        _ take: (inout State, [PassageChunker.Passage], DocumentType) async throws -> Void
    ) async throws -> (state: State, type: DocumentType, summary: DocumentSummary?) {
        var result: (State, DocumentType, DocumentSummary?)?
        var refusal: (any Error)?
        let description = DocumentDescription(title: document.title, mimeType: document.mimeType)
        do {
            try await document.read { next in
                result = try await extractor.extract(description, from: next) { extracted in
                    var chunker = PassageChunker(settings.passages)
                    var state = start
                    func hand(_ passages: [PassageChunker.Passage]) async throws {
                        do { try await take(&state, passages, extracted.type) } catch {
                            refusal = error
                            throw error
                        }
                    }
                    while let piece = try await extracted.next() {
                        let passages = chunker.receive(piece)
                        if !passages.isEmpty { try await hand(passages) }
                    }
                    try await hand(chunker.finish())
                    return (state, extracted.type, extracted.summary)
                }
            }
        } catch { throw refusal ?? DocumentFailure(error: error) }
        guard let result else { throw MillraceError(.internal, "'\(document.name)' was not read") }
        return result
    }

    // MARK: Failures

    /// Deletes a document of which `older` is the first passage.
    private func delete(_ id: String, _ older: SearchDocument?, from index: any SearchIndex) async throws {
        // An engine may have deleted some of it only, when it fails.
        if let older { try await index.delete(ids: [older.id]) }
        try await index.refresh()
        try await index.delete(where: .equals("document", .string(id)))
    }

    /// A document's failure as its outcome; a cancelled run ends.
    private func failed(_ outcome: IngestionOutcome, _ error: any Error) throws -> IngestionOutcome {
        try Task.checkCancellation()
        if error is CancellationError { throw error }
        var outcome = outcome
        outcome.status = .failed
        outcome.reason = (error as? MillraceError)?.message ?? "\(error)"
        return outcome
    }
}
