package import Millrace
import MillraceBackends
import MillraceCore
import MillraceEventLoop
import MillraceHTTPClient

/// What `millrace ingest` does, with the search engine, embedder and extractor of a server's settings. Its calls block: not for a loop.
package struct IngestionAdministration: Sendable {
    /// What is to be ingested.
    package struct Order: Equatable, Sendable {
        package var walk: FolderWalk
        package var collection: String
        /// The language that the collection must have; `nil`: its own, or the settings' for a new one.
        package var language: SearchIndexDefinition.TextField.Analysis?
        package var metadata: [String: String]
        /// Whether documents of the folders are deleted whose files are gone.
        package var deletesMissing: Bool
        /// Whether the collection is removed first, with all that is in it.
        package var startsAnew: Bool

        package init(
            walk: FolderWalk, collection: String, language: SearchIndexDefinition.TextField.Analysis? = nil, metadata: [String: String],
            deletesMissing: Bool, startsAnew: Bool = false
        ) {
            self.walk = walk
            self.collection = collection
            self.language = language
            self.metadata = metadata
            self.deletesMissing = deletesMissing
            self.startsAnew = startsAnew
        }
    }

    private let settings: ServerSettings

    package init(_ settings: ServerSettings) { self.settings = settings }

    /// Ingests files and waits for it.
    /// - Parameters:
    ///   - isInterrupted: asked ten times a second; once it is true, the work ends.
    ///   - report: told of each document as it is done, one at a time, on another thread.
    /// - Throws: ``ErrorCode/configuration`` for what the settings lack; ``ErrorCode/cancelled`` after an interruption; as
    ///   ``Ingestion/ingest(_:into:language:deletingMissingUnder:report:)``.
    package func run(
        _ order: Order, isInterrupted: @escaping @Sendable () -> Bool, report: @escaping @Sendable (IngestionOutcome) -> Void
    ) throws -> [IngestionOutcome.Status: Int] {
        guard settings.dataDirectory != ":memory:" || settings.search.kind == .opensearch || settings.search.path != nil else {
            throw MillraceError(.configuration, "nothing would be kept: name a data directory with --data-dir")
        }
        if settings.search.kind == .sqlite, settings.search.path == nil { try Directories.make(settings.dataDirectory) }
        let blocking = try BlockingExecutor(name: "ingest", threads: settings.ingestion.concurrent + 1)
        defer { blocking.stop() }
        let transport = try ModelAssembly.transport(settings.http, logger: .silent)
        let backends = BackendAssembly(
            settings: settings, transport: transport, plain: try ModelAssembly.client(settings.http), blocking: blocking
        ).make()
        let group = try EventLoopGroup(count: 1)
        try group.start(blockWarningNanoseconds: 0) { _, _, _, _ in }
        defer { group.stop() }
        let executor = group.loops[0].executor
        let ingestion = Result { try makeIngestion(backends, transport, blocking) }
        let documents = order.walk.files.map { file in
            FileDocument(file.path, executor: blocking).document(name: file.name, metadata: order.metadata)
        }
        // A folder that could not be read would look empty.
        let folders = order.deletesMissing && order.walk.problems.isEmpty ? order.walk.folders : []
        let done = Monitor<Result<[IngestionOutcome.Status: Int], any Error>?>(nil)
        let task = Task(executorPreference: executor) {
            var result: Result<[IngestionOutcome.Status: Int], any Error>
            do {
                result = .success(
                    try await ingestion.get().ingest(
                        documents, into: order.collection, language: order.language, startsAnew: order.startsAnew,
                        deletingMissingUnder: folders,
                        report: { report($0) }))
            } catch { result = .failure(error) }
            await backends.close()
            done.update { [result] in
                $0 = result
                return true
            }
        }
        while true {
            if let result = done.wait(nanoseconds: 100_000_000, { $0 }) {
                if case .failure(let error) = result, error is CancellationError { throw MillraceError(.cancelled, "interrupted") }
                return try result.get()
            }
            if isInterrupted() { task.cancel() }
        }
    }

    private func makeIngestion(
        _ backends: Backends, _ transport: any HTTPTransport, _ blocking: BlockingExecutor
    ) throws -> Ingestion {
        guard let search = backends.search else { throw Self.missing("search", backends) }
        guard let extractor = backends.documents else { throw Self.missing("documents", backends) }
        var embedder: (any Embedder)?
        if let id = settings.search.embedder {
            var assembly = try ModelAssembly(
                settings: settings, existing: [LocalLanguageModel(blocking: blocking)], transport: transport, logger: .silent,
                blocking: blocking, aws: backends.aws, secrets: backends.resolver)
            let embedders = try assembly.embedders()
            do throws(MillraceError) { embedder = try embedders.embedder(id) } catch {
                throw MillraceError(.configuration, "search.embedder: \(error.message)")
            }
        }
        return Ingestion(
            search: search, extractor: extractor, embedder: embedder, language: settings.search.language, settings: settings.ingestion)
    }

    private static func missing(_ name: String, _ backends: Backends) -> MillraceError {
        var reason = backends.unavailable[name] ?? "there is none"
        if reason.contains("in use by another engine") {
            reason =
                "the search database is in use, perhaps by a running server: stop it while you ingest, or upload the files to it and have its "
                + "task 'ingest' take them (Docs/ingestion.md)"
        }
        return MillraceError(.configuration, reason)
    }
}
