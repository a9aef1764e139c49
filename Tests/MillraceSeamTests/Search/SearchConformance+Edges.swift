import Millrace
import MillraceCore
import Testing

extension SearchConformance {
    static let edgeCases: [SearchConformanceCase] = [
        .init(.edges, "emptyIndex_answersEverything") { engine in
            let index = try await engine.index(articles)
            try await index.refresh()
            #expect(try await index.search(SearchQuery()) == SearchResults(hits: [], total: 0))
            #expect(try await index.search(SearchQuery(text: .match("mill"), highlight: .init())) == SearchResults(hits: [], total: 0))
            #expect(try await index.search(SearchQuery(text: .boolean(mustNot: [.phrase("a mill")]))).hits == [])
            #expect(try await index.count(where: nil) == 0)
            #expect(try await index.count(where: .not(.exists("year"))) == 0)
            #expect(try await index.delete(where: .all([])) == 0)
            #expect(try await index.documents(ids: ["1"]) == [])
            try await index.delete(ids: ["1"])
        },
        .init(.vectors, "emptyIndexOfVectors_answersEverything") { engine in
            let index = try await engine.index(vectors)
            #expect(try await index.search(SearchQuery(vector: [1, 0])) == SearchResults(hits: [], total: 0))
            #expect(try await index.write([.init(id: "1", fields: ["body": "mill"])]) == [])
            try await index.refresh()
            #expect(try await index.search(SearchQuery(vector: [1, 0])) == SearchResults(hits: [], total: 0))
        },
        .init(.edges, "everything_isInTheOrderOfIDsWithScoreOne") { engine in
            let index = try await notes(engine, ["b": "x", "a": "y", "C": "z", "10": "", "9": "w"])
            let results = try await index.search(SearchQuery(limit: 3, offset: 1))
            #expect(results.hits.map(\.document.id) == ["9", "C", "a"] && results.total == 5)
            #expect(results.hits.allSatisfy { $0.score == 1 && $0.highlights.isEmpty && $0.document.vector == nil })
        },
        .init(.edges, "limitsAtTheirEdges") { engine in
            let index = try await notes(engine, ["1": "mill", "2": "mill mill", "3": "mill"])
            let query = SearchQuery(text: .match("mill"))
            let allowed = [(1, 0, 1), (1_000, 0, 3), (1, 2, 1), (1, 3, 0), (1_000, 9_000, 0), (1, 9_999, 0), (2, 1, 2)]
            for (limit, offset, count) in allowed {
                var query = query
                (query.limit, query.offset) = (limit, offset)
                let results = try await index.search(query)
                #expect(results.hits.count == count && results.total == 3, "\(limit) from \(offset)")
            }
            for (limit, offset) in [(0, 0), (-1, 0), (1_001, 0), (10, -1), (1, 10_000), (1_000, 9_001), (1, .max)] {
                var query = query
                (query.limit, query.offset) = (limit, offset)
                await refused(.invalidInput, "\(limit) from \(offset)") { _ = try await index.search(query) }
            }
            for candidates in [0, -1, 10_001] {
                await refused { _ = try await index.search(SearchQuery(text: .match("mill"), candidates: candidates)) }
            }
        },
        .init(.edges, "textsAndNestingBeyondTheirBounds_areRefused") { engine in
            let index = try await notes(engine, ["1": "mill"])
            let deep = (0..<20).reduce(SearchQuery.Text.match("mill")) { text, _ in .boolean(must: [text]) }
            let broken: [SearchQuery.Text] = [
                .match(String(repeating: "a", count: 8193)), deep, .boolean(should: Array(repeating: .match("mill"), count: 256)),
            ]
            for text in broken { await refused { _ = try await index.search(SearchQuery(text: text)) } }
            let allowed = (0..<14).reduce(SearchQuery.Text.match("mill")) { text, level in
                .boolean(
                    must: [text, .boolean(should: [.match("mill"), .match("w\(level)")])], should: [.match("x")], mustNot: [.match("y")])
            }
            #expect(try await found(index, allowed) == ["1"])
            let long = String(repeating: "mill wind ", count: 100)
            #expect(try await found(index, .match(long)) == ["1"])
            #expect(try await found(index, .match("mill " + String(repeating: "x", count: 5_000))) == ["1"])
        },
        .init(.edges, "pagesOfManyDocuments_areTheOneBigPage") { engine in
            let index = try await engine.index(articles)
            let count = 2_000
            // Scores of few different values, so that most pages begin and end among equal ones.
            let documents = (0..<count).map { number in
                SearchDocument(
                    id: "d\(number * 7919 % count)",
                    fields: [
                        "body": .string("mill " + String(repeating: "filler ", count: number % 3)), "year": .integer(number % 10),
                        "owner": .string("owner \(number % 100)"),
                    ])
            }
            for start in stride(from: 0, to: count, by: 500) { #expect(try await index.write(Array(documents[start..<start + 500])) == []) }
            try await index.refresh()
            #expect(try await index.count(where: nil) == count)
            #expect(try await index.count(where: .equals("year", 3)) == 200)
            #expect(try await index.count(where: .equals("owner", "owner 77")) == 20)
            let everything = documents.map(\.id).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
            for query in [SearchQuery(text: .match("mill")), SearchQuery(), SearchQuery(text: .match("mill"), filter: .equals("year", 3))] {
                let expected = query.filter == nil ? count : 200
                var whole: [SearchResults.Hit] = []
                for offset in stride(from: 0, to: expected, by: 1_000) {
                    var query = query
                    (query.limit, query.offset) = (1_000, offset)
                    let page = try await index.search(query)
                    #expect(page.total == expected)
                    whole += page.hits
                }
                #expect(whole.count == expected && Set(whole.map(\.document.id)).count == expected)
                if query.text == nil { #expect(whole.map(\.document.id) == everything) }
                #expect(
                    zip(whole, whole.dropFirst()).allSatisfy { a, b in
                        a.score > b.score || a.score == b.score && a.document.id.utf8.lexicographicallyPrecedes(b.document.id.utf8)
                    })
                for (limit, offset) in [(7, 0), (7, 3), (1, 99), (150, 37)] {
                    var query = query
                    (query.limit, query.offset) = (limit, offset)
                    let page = try await index.search(query)
                    #expect(page.hits == Array(whole[offset..<min(offset + limit, expected)]) && page.total == expected)
                }
            }
            #expect(try await index.delete(where: .among("year", [0, 1, 2, 3, 4, 5, 6, 7, 8])) == 1_800)
            try await index.refresh()
            #expect(try await index.search(SearchQuery(text: .match("mill"))).total == 200)
        },
        .init(.edges, "writersAndSearchersAtOnce_seeWholeWrites") { engine in
            let index = try await index(engine, articles, (0..<20).map { .init(id: "\($0)", fields: ["body": "mill 0", "year": 0]) })
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    for round in 1...10 {
                        let batch = (0..<20).map {
                            SearchDocument(id: "\($0)", fields: ["body": .string("mill \(round)"), "year": .integer(round)])
                        }
                        #expect(try await index.write(batch) == [])
                        try await index.refresh()
                    }
                }
                for _ in 0..<3 {
                    group.addTask {
                        for _ in 0..<10 {
                            let hits = try await index.search(SearchQuery(text: .match("mill"), limit: 100)).hits
                            #expect(Set(hits.map(\.document.id)).count == hits.count)
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await index.count(where: .equals("year", 10)) == 20)
            #expect(try await found(index, .match("10")).count == 20)
        },
        .init(.edges, "cancelledTask_isToldSo") { engine in
            let index = try await notes(engine, ["1": "mill"])
            let task = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                _ = try await index.search(SearchQuery(text: .match("mill")))
            }
            await #expect(throws: CancellationError.self) { try await task.value }
        },
    ]
}
