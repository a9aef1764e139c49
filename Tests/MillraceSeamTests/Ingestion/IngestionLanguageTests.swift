import Millrace
import MillraceBackends
import MillraceCore
import MillraceCounterparts
import Testing

@Suite(.ownThreads) struct IngestionLanguageTests {
    private func document(_ name: String, _ text: String) -> IngestionDocument {
        IngestionDocument(name: name, title: name, metadata: [:], contentHash: { text }) { body in
            var bytes: [UInt8]? = Array(text.utf8)
            try await body { bytes.take() }
        }
    }

    @Test func collection_keepsTheLanguageThatItWasMadeWith() async throws {
        let search = try SQLiteSearchEngine(path: ":memory:")
        let german = Ingestion(search: search, extractor: LineExtractor(), language: .german)
        let plain = Ingestion(search: search, extractor: LineExtractor(), language: .standard)
        _ = try await german.ingest([document("a", "Die Verträge")], into: "de")
        // What is configured later is for new collections.
        _ = try await plain.ingest([document("b", "Ein Vertrag")], into: "de")
        _ = try await plain.ingest([document("b", "Ein Vertrag")], into: "de", language: .german)
        _ = try await plain.ingest([document("c", "les élèves")], into: "fr", language: .french)
        try await plain.delete(["none"], from: "de")
        for (collection, words, found) in [("de", "vertrags", ["a", "b"]), ("de", "die ein", []), ("fr", "élève", ["c"])] {
            let retriever = Retriever(search: search, collection: collection)
            let results = try await retriever.retrieve(RetrievalRequest(keywordQueries: [words], mode: .keyword))
            #expect(results.sources.flatMap { $0.passages.map(\.source) }.sorted() == found, "\(words)")
        }
        await #expect {
            _ = try await german.ingest([document("d", "x")], into: "de", language: .french)
        } throws: { error in
            let error = error as? MillraceError
            return error?.code == .conflict && error?.message.contains("has the language 'german', not 'french'") == true
        }
    }
}
