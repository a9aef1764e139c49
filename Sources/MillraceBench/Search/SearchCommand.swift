import Glibc
import Millrace
import MillraceBackends
import MillraceCore

/// `millrace-bench search`: what the embedded engine finds for each query, as runs that evaluation programs read, and what that costs.
/// `.ci/search-quality` makes passages and queries, and judges the runs.
struct SearchCommand: Sendable {
    let options: SearchOptions

    func run() throws -> Int32 {
        try Files.makeDirectory(options.runs)
        let directory = try Files.makeTemporaryDirectory(in: options.workDirectory)
        defer { Files.removeTree(directory) }
        let done = Monitor<Result<Void, any Error>?>(nil)
        Task.detached {
            var result: Result<Void, any Error> = .success(())
            do { try await measure(directory) } catch { result = .failure(error) }
            done.update { [result] in
                $0 = result
                return true
            }
        }
        while true {
            if let result = done.wait(nanoseconds: 1_000_000_000, { $0 }) {
                try result.get()
                return 0
            }
        }
    }

    private func measure(_ directory: String) async throws {
        let passages = try SearchMaterial.read(options.passages)
        let queries = try SearchMaterial.read(options.queries)
        let engine = try SQLiteSearchEngine(path: directory + "/search.sqlite")
        do {
            try await words(engine, passages, queries)
            try await collection(
                engine, "local", passages, queries, try await local(passages.map(\.whole)), try await local(queries.map(\.text)))
            let given = (passages.compactMap(\.vector), queries.compactMap(\.vector))
            if given.0.count == passages.count, given.1.count == queries.count {
                try await collection(engine, "given", passages, queries, given.0, given.1)
            }
        } catch {
            await engine.close()
            throw error
        }
        await engine.close()
    }

    /// All in one field, as other engines have it; and the times.
    private func words(_ engine: SQLiteSearchEngine, _ passages: [SearchMaterial], _ queries: [SearchMaterial]) async throws {
        let index = try await engine.index(SearchIndexDefinition(name: "words", textFields: [.init("text")]))
        let indexing = try await Self.timed {
            try await Self.write(passages.map { SearchDocument(id: $0.id, fields: ["text": .string($0.whole)]) }, to: index)
        }
        try await list("words", index, queries) { SearchQuery(text: .match($0.text), limit: options.depth) }
        let searching = try await Self.timed {
            for _ in 0..<options.repetitions {
                for query in queries { _ = try await index.search(SearchQuery(text: .match(query.text))) }
            }
        }
        let searches = Double(queries.count * options.repetitions)
        let times: JSONValue = [
            "passages": .integer(passages.count), "indexing_seconds": .double(indexing.wall), "indexing_cpu_seconds": .double(indexing.cpu),
            "searches": .double(searches), "searching_seconds": .double(searching.wall), "searching_cpu_seconds": .double(searching.cpu),
        ]
        try Files.write(times.text + "\n", to: options.runs + "/times.json")
    }

    /// As `millrace ingest` and `rag_oss` have it: fields of their own weights, and vectors.
    private func collection(
        _ engine: SQLiteSearchEngine, _ name: String, _ passages: [SearchMaterial], _ queries: [SearchMaterial], _ meanings: [[Float]],
        _ asked: [[Float]]
    ) async throws {
        let index = try await engine.index(PassageCollection.definition(name: name, dimensions: meanings.first?.count))
        let documents = zip(passages, meanings).map { passage, vector in
            var document = PassageCollection.document(
                CollectionPassage(
                    documentID: passage.id, place: 0, text: passage.text, title: passage.title,
                    position: DocumentPosition(section: passage.section), source: passage.id), version: "",
                vector: vector.contains { $0 != 0 } ? vector : nil)
            document.id = passage.id
            return document
        }
        try await Self.write(documents, to: index)
        let vectors = Dictionary(zip(queries.map(\.id), asked), uniquingKeysWith: { first, _ in first })
        func vector(_ query: SearchMaterial) -> [Float]? { vectors[query.id].flatMap { $0.contains { $0 != 0 } ? $0 : nil } }
        if name == "local" {
            try await list("keyword", index, queries) { Self.query($0.text, PassageCollection.weights, options.depth) }
            for weights in options.weights {
                let fields = Dictionary(uniqueKeysWithValues: zip(["text", "title", "section"], weights).filter { $0.1 > 0 })
                let name = "keyword-" + weights.map { "\($0)" }.joined(separator: "-")
                try await list(name, index, queries) { Self.query($0.text, fields, options.depth) }
            }
        }
        try await list("semantic-\(name)", index, queries) { query in
            vector(query).map { SearchQuery(vector: $0, limit: options.depth) }
        }
        var fusions: [(String, SearchQuery.Fusion)] = [("rrf", .reciprocalRank(constant: 60))]
        for weight in [10, 20, 30, 50] {
            fusions.append(("normalized\(weight)", .normalized(textWeight: Double(100 - weight) / 100, vectorWeight: Double(weight) / 100)))
        }
        for (fusion, kind) in fusions {
            try await list("hybrid-\(name)-\(fusion)", index, queries) { query in
                var asked = Self.query(query.text, PassageCollection.weights, options.depth)
                asked.vector = vector(query)
                asked.fusion = kind
                return asked
            }
        }
    }

    private static func query(_ text: String, _ fields: [String: Double], _ depth: Int) -> SearchQuery {
        SearchQuery(text: .match(text, fields: fields), limit: depth)
    }

    private func local(_ texts: [String]) async throws -> [[Float]] {
        let embedder = LocalEmbedder()
        var vectors: [[Float]] = []
        for text in texts { vectors += try await embedder.embed([text.isEmpty ? " " : text], for: .document).vectors }
        return vectors
    }

    /// Writes a run in TREC's format.
    private func list(
        _ name: String, _ index: any SearchIndex, _ queries: [SearchMaterial], _ query: (SearchMaterial) -> SearchQuery?
    ) async throws {
        var lines = ""
        for material in queries {
            guard let asked = query(material) else { continue }
            for (place, hit) in try await index.search(asked).hits.enumerated() {
                lines += "\(material.id) Q0 \(hit.document.id) \(place + 1) \(hit.score) \(name)\n"
            }
        }
        try Files.write(lines, to: "\(options.runs)/\(name).run")
    }

    private static func write(_ documents: [SearchDocument], to index: any SearchIndex) async throws {
        for start in stride(from: 0, to: documents.count, by: 500) {
            let failures = try await index.write(Array(documents[start..<min(start + 500, documents.count)]))
            if let failure = failures.first { throw MillraceError(.invalidInput, "\(failure.id): \(failure.reason)") }
        }
    }

    private static func timed(_ body: () async throws -> Void) async rethrows -> (wall: Double, cpu: Double) {
        let (wall, cpu) = (seconds(CLOCK_MONOTONIC), seconds(CLOCK_PROCESS_CPUTIME_ID))
        try await body()
        return (seconds(CLOCK_MONOTONIC) - wall, seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu)
    }

    private static func seconds(_ clock: clockid_t) -> Double {
        var time = timespec()
        clock_gettime(clock, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}
