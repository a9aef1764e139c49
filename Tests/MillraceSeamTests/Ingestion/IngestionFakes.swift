import Millrace
import MillraceCore

/// Reads documents of lines: `# Title` is a heading, `--` a new page, `!code` an error; other lines are text.
struct LineExtractor: DocumentExtractor {
    /// How often a document was read.
    let reads = Locked(0)

    private final class Document: ExtractedDocument {
        let type = DocumentType.markdown
        var summary: DocumentSummary?
        private var lines: [Substring]
        private var position = DocumentPosition(page: 1)
        private var title: String?

        init(_ text: String) {
            lines = text.split(separator: "\n").reversed()
        }

        func next() async throws -> DocumentPiece? {
            while let line = lines.popLast() {
                if line == "--" {
                    position.page? += 1
                } else if line.hasPrefix("!") {
                    throw MillraceError(ErrorCode(rawValue: String(line.dropFirst())), "this document ends badly")
                } else if line.hasPrefix("# ") {
                    title = title ?? String(line.dropFirst(2))
                    position.section = [String(line.dropFirst(2))]
                    return DocumentPiece(text: line.dropFirst(2) + "\n", kind: .heading, position: position)
                } else {
                    return DocumentPiece(text: line + "\n", position: position)
                }
            }
            summary = DocumentSummary(type: type, title: title, warnings: title == nil ? ["it has no title"] : [])
            return nil
        }
    }

    func extract<R>(
        _ description: DocumentDescription, limits: DocumentLimits, from next: @escaping () async throws -> [UInt8]?,
        _ read: (any ExtractedDocument) async throws -> R
    ) async throws -> R {
        reads.withLock { $0 += 1 }
        var bytes: [UInt8] = []
        while let piece = try await next() { bytes += piece }
        return try await read(Document(String(decoding: bytes, as: UTF8.self)))
    }
}

/// Places texts by two of their letters.
struct LetterPlaces: Embedder {
    var id = "letters"
    var dimensions: Int? = 2
    /// Fails for texts with this in them.
    var refuses: String?

    func embed(_ texts: [String], for purpose: EmbeddingPurpose) async throws -> Embeddings {
        if let refuses, texts.contains(where: { $0.contains(refuses) }) { throw MillraceError(.modelError, "the model fell over") }
        let vectors = texts.map { text in [Float(text.utf8.count { $0 == 101 }), Float(text.utf8.count { $0 == 97 })] }
        return Embeddings(vectors: vectors, usage: .unknown, modelID: id)
    }
}

/// An engine that fails at one of its calls, before or behind what it does, and at all later ones: a process that is killed there.
struct KilledEngine: SearchEngine {
    struct Killed: Error {}

    let base: any SearchEngine
    let calls = Locked(0)
    let last: Int
    let isBehind: Bool

    func step<R>(_ body: () async throws -> R) async throws -> R {
        let number = calls.withLock { count in
            count += 1
            return count
        }
        if number > last || number == last && !isBehind { throw Killed() }
        let result = try await body()
        if number == last { throw Killed() }
        return result
    }

    func index(_ definition: SearchIndexDefinition) async throws -> any SearchIndex {
        try await step { KilledIndex(base: try await base.index(definition), engine: self) }
    }
    func definition(of name: String) async throws -> SearchIndexDefinition? {
        try await step { try await base.definition(of: name) }
    }
    func names() async throws -> [String] { try await step { try await base.names() } }
    func drop(_ name: String) async throws { try await step { try await base.drop(name) } }
}

struct KilledIndex: SearchIndex {
    let base: any SearchIndex
    let engine: KilledEngine
    var definition: SearchIndexDefinition { base.definition }

    func write(_ documents: [SearchDocument]) async throws -> [SearchWriteFailure] {
        try await engine.step { try await base.write(documents) }
    }
    func delete(ids: [String]) async throws { try await engine.step { try await base.delete(ids: ids) } }
    func delete(where filter: SearchFilter) async throws -> Int { try await engine.step { try await base.delete(where: filter) } }
    func documents(ids: [String]) async throws -> [SearchDocument] { try await engine.step { try await base.documents(ids: ids) } }
    func search(_ query: SearchQuery) async throws -> SearchResults { try await engine.step { try await base.search(query) } }
    func count(where filter: SearchFilter?) async throws -> Int { try await engine.step { try await base.count(where: filter) } }
    func refresh() async throws { try await engine.step { try await base.refresh() } }
}
