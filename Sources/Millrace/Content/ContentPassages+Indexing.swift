import MillraceCore

/// How files are put into an index.
extension ContentPassages {
    /// A passage that is to be written.
    private struct Draft {
        var text: String
        var position: String?
    }

    /// How many passages are written at once.
    private static let batch = 100

    /// Cuts a file into passages and writes them, unless they are there.
    func add(_ record: ContentRecord, to index: any SearchIndex, _ principal: Principal, _ report: (Usage) -> Void) async throws {
        let mine = Self.passages(of: record, principal)
        // The last passage is written last: where it is, all are.
        if try await index.count(where: .all([mine, .equals("isLast", .bool(true))])) > 0 { return }
        try await content.read(record.id, principal: principal) { object in
            var waiting: [Draft] = []
            var place = 0
            func write(isEnd: Bool) async throws {
                // One is kept back, so that the last can be told.
                while waiting.count > (isEnd ? 0 : Self.batch) {
                    let drafts = Array(waiting.prefix(Self.batch))
                    let isLast = isEnd && drafts.count == waiting.count
                    try await self.write(drafts, from: place, isEnd: isLast, record, to: index, principal, report)
                    place += drafts.count
                    waiting.removeFirst(drafts.count)
                }
            }
            let form = AttachmentForm(mimeType: record.mimeType)
            if form == .text || form == .markup && extractor == nil {
                guard record.length <= byteLimit else { throw tooLong(record, "\(record.length) bytes") }
                var splitter = PassageSplitter()
                while let piece = try await object.next() {
                    waiting += try splitter.receive(piece).map { Draft(text: $0) }
                    try await write(isEnd: false)
                }
                waiting += try splitter.finish().map { Draft(text: $0) }
            } else {
                guard let extractor else {
                    throw MillraceError(
                        .unsupportedDocument, "'\(record.title ?? record.pointer)' is no plain text, and nothing can read it")
                }
                let description = DocumentDescription(title: record.title, mimeType: record.mimeType)
                try await extractor.extract(description, from: { try await object.next() }) { document in
                    var chunker = PassageChunker()
                    var length = 0
                    while let piece = try await document.next() {
                        length += piece.text.utf8.count
                        guard length <= byteLimit else { throw tooLong(record, "more text than that") }
                        waiting += chunker.receive(piece).map(Self.draft)
                        try await write(isEnd: false)
                    }
                    waiting += chunker.finish().map(Self.draft)
                }
            }
            try await write(isEnd: true)
        }
        try await index.refresh()
        // Whoever has deleted the file meanwhile could not remove what was written later.
        if try await content.record(record.id, principal: principal) == nil {
            try await forget(record, principal: principal)
            throw MillraceError(.notFound, "there is no content '\(record.id)'")
        }
    }

    private static func draft(_ passage: PassageChunker.Passage) -> Draft {
        let position = passage.position.description
        return Draft(text: passage.text, position: position.isEmpty ? nil : position)
    }

    private func tooLong(_ record: ContentRecord, _ found: String) -> MillraceError {
        MillraceError(
            .limitExceeded, "'\(record.title ?? record.pointer)' is too long to be searched: \(found), \(byteLimit) bytes at most")
    }

    private func write(
        _ drafts: [Draft], from place: Int, isEnd: Bool, _ record: ContentRecord, to index: any SearchIndex, _ principal: Principal,
        _ report: (Usage) -> Void
    ) async throws {
        let embedded = try await embedder?.embed(drafts.map(\.text), for: .document)
        if let embedded { report(embedded.usage) }
        let vectors = embedded?.vectors
        guard vectors?.count ?? drafts.count == drafts.count else {
            throw MillraceError(.modelError, "the embedder '\(embedder?.id ?? "")' gave another number of vectors than of texts")
        }
        let documents = drafts.enumerated().map { offset, draft in
            var fields: [String: JSONValue] = [
                "text": .string(draft.text), "owner": .string(principal.id), "content": .string(record.id),
                "place": .integer(place + offset),
                "isLast": .bool(isEnd && offset == drafts.count - 1),
            ]
            if let position = draft.position { fields["position"] = .string(position) }
            return SearchDocument(
                id: "\(record.id)-\(place + offset)", fields: fields,
                vector: vectors.flatMap { $0[offset].contains { $0 != 0 } ? $0[offset] : nil })
        }
        let failures = try await index.write(documents)
        if let failure = failures.first {
            throw MillraceError(
                .storageUnavailable, "a passage of '\(record.title ?? record.pointer)' could not be indexed: \(failure.reason)",
                isRetryable: failure.isRetryable)
        }
    }
}
