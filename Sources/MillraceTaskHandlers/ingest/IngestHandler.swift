public import Millrace
import MillraceCore

/// `ingest`: puts uploaded files into a collection, as `millrace ingest` does with files on the disk.
///
/// A request names the files by their pointers, in its message or its context, and the collection by an item of its context:
/// `{"type": "collection", "name": "manuals", "metadata": {"team": "sales"}}`. A file's name in the collection is its title.
public struct IngestHandler: TaskHandler {
    /// `ingest`.
    public let name = "ingest"
    /// What it does, in a sentence.
    public let description = "Puts uploaded files into a collection that is searched"
    /// It may take an hour.
    public let options = TaskHandlerOptions(longestRunSeconds: 3600)

    private let content: ContentStore
    private let ingestion: Ingestion
    private let settings: LiveSettings<IngestSettings>
    /// The collections that a run writes into now: two runs on one would be in each other's way.
    private let busy = Locked<Set<String>>([])

    /// Creates the handler.
    /// - Parameters:
    ///   - content: the files that pointers name.
    ///   - ingestion: what ingests them.
    ///   - settings: which collections may be written into (default: none).
    public init(content: ContentStore, ingestion: Ingestion, settings: LiveSettings<IngestSettings> = LiveSettings()) {
        self.content = content
        self.ingestion = ingestion
        self.settings = settings
    }

    /// Ingests the files of a request: a `document` for each that is in the collection, a `status` for each that is not, and at the end
    /// `metadata` with how many there were of each status.
    /// - Throws: ``ErrorCode/invalidInput`` for a request without files or collection, or a collection that is not in the settings;
    ///   ``ErrorCode/conflict`` (retryable) while another run writes into it; ``ErrorCode/handlerError`` where no file could be ingested.
    public func handle(_ request: TaskRequest, _ context: RunContext) async throws {
        let (collection, metadata) = try order(request)
        let files = try await files(request, context)
        guard busy.withLock({ $0.insert(collection).inserted }) else {
            throw MillraceError(
                .conflict, "another run ingests into '\(collection)': try again when it has ended", isRetryable: true)
        }
        defer { _ = busy.withLock { $0.remove(collection) } }

        let count = files.count
        try await context.emit(.status("ingesting", message: "Ingesting \(count) file\(count == 1 ? "" : "s") into \(collection)"))
        let documents = files.map { document($0, metadata, context.principal) }
        // By their bytes: names that only look alike are two.
        let records = Dictionary(zip(documents.map { Array($0.name.utf8) }, files), uniquingKeysWith: { first, _ in first })
        var failures: [String] = []
        let counts = try await ingestion.ingest(documents, into: collection) { outcome in
            guard let record = records[Array(outcome.name.utf8)] else { return }
            switch outcome.status {
            case .indexed, .unchanged:
                try await context.emit(
                    .document(
                        DocumentReference(
                            documentID: outcome.name, title: record.title ?? outcome.name, pointer: record.pointer,
                            mimeType: record.mimeType)))
            case .skipped, .failed, .deleted:
                let message = "\(outcome.name) is left out: \(outcome.reason ?? "it cannot be read")"
                failures.append(message)
                try await context.emit(.status("document_\(outcome.status.rawValue)", message: message))
            }
        }
        if failures.count == files.count { throw MillraceError(.handlerError, failures[0]) }
        var facts: [String: JSONValue] = ["collection": .string(collection)]
        for status in IngestionOutcome.Status.allCases where status != .deleted { facts[status.rawValue] = .integer(counts[status] ?? 0) }
        try await context.emit(.metadata(facts))
    }

    // MARK: The request

    private func order(_ request: TaskRequest) throws -> (collection: String, metadata: [String: String]) {
        let items = request.context.filter { $0.type == "collection" }
        guard items.count == 1, let name = items[0].fields["name"]?.string else {
            throw MillraceError(
                .invalidInput, #"name the collection by one item of the context: {"type": "collection", "name": "manuals"}"#)
        }
        let allowed = settings.current.collections
        guard allowed.contains(name) else {
            throw MillraceError(
                .invalidInput, "the collection '\(name.prefix(128))' is not among those that may be written into (ingestConfig.collections)"
            )
        }
        var metadata: [String: String] = [:]
        for (key, value) in items[0].fields["metadata"]?.object ?? [:] {
            guard let text = value.string else {
                throw MillraceError(.invalidInput, "the metadata '\(key.prefix(100))' is no text")
            }
            metadata[key] = text
        }
        return (name, metadata)
    }

    private func files(_ request: TaskRequest, _ context: RunContext) async throws -> [ContentRecord] {
        let attachments = request.message.parts.compactMap { part -> Attachment? in
            if case .document(let attachment) = part { attachment } else { nil }
        }
        var records: [ContentRecord] = []
        for attachment in attachments + request.context.compactMap(\.attachment) {
            guard let pointer = attachment.pointer else {
                throw MillraceError(.invalidInput, "upload the files first (POST /api/v1/content), and name their pointers")
            }
            guard var record = try await content.record(pointer, principal: context.principal) else {
                throw MillraceError(.notFound, "there is no content '\(pointer.prefix(200))'")
            }
            record.title = attachment.title ?? record.title
            if !records.contains(where: { $0.id == record.id }) { records.append(record) }
        }
        guard !records.isEmpty else { throw MillraceError(.invalidInput, "name the files to ingest by their pointers, as documents") }
        return records
    }

    private func document(_ record: ContentRecord, _ metadata: [String: String], _ principal: Principal) -> IngestionDocument {
        let title = record.title.flatMap { $0.isEmpty ? nil : $0 } ?? record.pointer
        return IngestionDocument(
            name: title, title: title, source: record.pointer, mimeType: record.mimeType, metadata: metadata,
            contentHash: { record.entityTag },
            read: { body in try await read(record, principal, body) })
    }

    private func read(
        _ record: ContentRecord, _ principal: Principal, _ body: (_ next: @escaping () async throws -> [UInt8]?) async throws -> Void
    ) async throws {
        try await content.read(record.pointer, principal: principal) { object in try await body { try await object.next() } }
    }
}
