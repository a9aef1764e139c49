import Glibc
import Millrace
import MillraceCore
import Testing

extension SearchConformance {
    /// Notes whose vectors point into a direction, in degrees; their lengths differ, which must not matter.
    private static func compass(_ entries: [(id: String, body: String, degrees: Float?)]) -> [SearchDocument] {
        entries.enumerated().map { number, entry in
            let length = Float(number + 1) * 0.5
            let vector = entry.degrees.map { [length * cos($0 * .pi / 180), length * sin($0 * .pi / 180)] }
            return SearchDocument(
                id: entry.id, fields: ["body": .string(entry.body), "owner": number.isMultiple(of: 2) ? "even" : "odd"], vector: vector)
        }
    }

    private static func score(degrees: Double) -> Double { (1 + cos(degrees * .pi / 180)) / 2 }

    static let vectorCases: [SearchConformanceCase] = [
        .init(.vectors, "nearest_byCosine_withScores") { engine in
            let degrees: [Float] = [90, 0, 180, 45, 135, 20]
            let index = try await index(
                engine, vectors, compass(degrees.map { ("\(Int($0))", "mill", $0) } + [("none", "mill", nil)]))
            let results = try await index.search(SearchQuery(vector: [3, 0]))
            #expect(results.hits.map(\.document.id) == ["0", "20", "45", "90", "135", "180"] && results.total == 6)
            for hit in results.hits { expect(hit.score, near: score(degrees: Double(hit.document.id) ?? .nan)) }
            #expect(results.hits.allSatisfy { $0.document.vector == nil && $0.highlights.isEmpty })
            #expect(try await ids(index, SearchQuery(vector: [0, -0.001], limit: 2)) == ["0", "180"], "equal scores by id")
        },
        .init(.vectors, "limitAndOffset_cutTheList") { engine in
            let index = try await index(engine, vectors, compass((0..<10).map { ("\($0)", "mill", Float($0) * 10) }))
            let page = try await index.search(SearchQuery(vector: [1, 0], limit: 3, offset: 4))
            #expect(page.hits.map(\.document.id) == ["4", "5", "6"] && page.total == 10)
            #expect(try await ids(index, SearchQuery(vector: [1, 0], candidates: 2, limit: 3, offset: 1)) == ["1", "2", "3"])
            let few = try await ids(index, SearchQuery(vector: [1, 0], candidates: 4, limit: 4))
            #expect(few == ["0", "1", "2", "3"])
            #expect(try await ids(index, SearchQuery(vector: [1, 0], limit: 5, offset: 20)) == [])
        },
        .init(.vectors, "filter_comesBeforeTheNearest") { engine in
            let index = try await index(engine, vectors, compass((0..<40).map { ("\($0)", "mill", Float($0) * 4) }))
            let query = SearchQuery(vector: [1, 0], candidates: 3, filter: .equals("owner", "odd"), limit: 3)
            #expect(try await ids(index, query) == ["1", "3", "5"])
            #expect(try await ids(index, SearchQuery(vector: [1, 0], filter: .ids(["39", "7"]))) == ["7", "39"])
            #expect(try await ids(index, SearchQuery(vector: [1, 0], filter: .any([]))) == [])
        },
        .init(.vectors, "vectors_comeBackWhereTheyAreAskedFor") { engine in
            let vector: [Float] = [0.3, -12.5]
            let index = try await index(engine, vectors, [.init(id: "1", fields: ["body": "mill"], vector: vector)])
            let found = [
                try await index.documents(ids: ["1"]).first?.vector,
                try await index.search(SearchQuery(text: .match("mill"), includesVectors: true)).hits.first?.document.vector,
                try await index.search(SearchQuery(vector: [1, 1], includesVectors: true)).hits.first?.document.vector,
                try await index.search(SearchQuery(includesVectors: true)).hits.first?.document.vector,
            ]
            for back in found {
                #expect(back?.count == 2)
                for (number, expected) in zip(back ?? [], vector) { expect(Double(number), near: Double(expected), within: 1e-5) }
            }
            #expect(try await index.search(SearchQuery(text: .match("mill"))).hits.first?.document.vector == nil)
        },
        .init(.vectors, "replacedAndDeletedVectors_areForgotten") { engine in
            let index = try await index(
                engine, vectors, compass([("a", "mill", 0), ("b", "mill", 10), ("c", "mill", 20), ("d", "mill", 30)]))
            #expect(try await ids(index, SearchQuery(vector: [1, 0])) == ["a", "b", "c", "d"])
            #expect(
                try await index.write([.init(id: "a", fields: ["body": "mill"], vector: [0, 1]), .init(id: "b", fields: ["body": "mill"])])
                    == [])
            try await index.refresh()
            #expect(try await ids(index, SearchQuery(vector: [1, 0])) == ["c", "d", "a"])
            try await index.delete(ids: ["c"])
            try await index.refresh()
            #expect(try await ids(index, SearchQuery(vector: [1, 0])) == ["d", "a"])
            try await index.delete(where: .all([]))
            try await index.refresh()
            #expect(try await ids(index, SearchQuery(vector: [1, 0])) == [])
            #expect(try await index.write([.init(id: "e", fields: [:], vector: [5, 5])]) == [])
            try await index.refresh()
            #expect(try await ids(index, SearchQuery(vector: [1, 0])) == ["e"])
        },
        .init(.vectors, "manyDimensions_areScoredExactly") { engine in
            let count = 387
            let definition = SearchIndexDefinition(name: "wide", textFields: [], vectorDimensions: count)
            func vector(_ seed: Int) -> [Float] { (0..<count).map { Float(($0 * 7919 + seed * 104_729) % 1009) / 504.5 - 1 } }
            let index = try await index(engine, definition, (0..<30).map { .init(id: "\($0)", fields: [:], vector: vector($0)) })
            let wanted = vector(17).enumerated().map { $1 + ($0.isMultiple(of: 3) ? 0.1 : 0) }
            func cosine(_ a: [Float], _ b: [Float]) -> Double {
                let dot = { (a: [Float], b: [Float]) in zip(a, b).reduce(0.0) { $0 + Double($1.0) * Double($1.1) } }
                return dot(a, b) / (dot(a, a) * dot(b, b)).squareRoot()
            }
            let hits = try await index.search(SearchQuery(vector: wanted, limit: 30)).hits
            #expect(hits.count == 30 && hits.first?.document.id == "17")
            for hit in hits { expect(hit.score, near: (1 + cosine(wanted, vector(Int(hit.document.id) ?? 0))) / 2) }
            #expect(zip(hits, hits.dropFirst()).allSatisfy { $0.score >= $1.score })
        },
        .init(.vectors, "vectorsThatMakeNoSense_areRefused") { engine in
            let index = try await engine.index(vectors)
            for vector: [Float] in [[], [1], [1, 2, 3], [0, 0], [.nan, 1], [1, -.infinity]] {
                await refused { _ = try await index.search(SearchQuery(vector: vector)) }
            }
            let without = try await engine.index(notes)
            await refused { _ = try await without.search(SearchQuery(vector: [1, 0])) }
            let wordless = try await engine.index(SearchIndexDefinition(name: "wordless", textFields: [], vectorDimensions: 2))
            await refused { _ = try await wordless.search(SearchQuery(text: .match("mill"))) }
        },
    ]

    /// `mill` is found in a, b and e, e being clearly the worst; nearest to the east are d, c, b, a, by 10, 20, 40 and 80 degrees.
    private static let mills = compass([
        ("a", "mill mill mill", 80), ("b", "mill", 40), ("c", "water", 20), ("d", "steam", 10),
        ("e", "one mill among so many other words that nobody would ever call this text about anything particular whatsoever", nil),
    ])

    static let hybridCases: [SearchConformanceCase] = [
        .init(.hybrid, "normalized_isTheMeanOfBothListsScores") { engine in
            let index = try await index(engine, vectors, mills)
            let text = try await index.search(SearchQuery(text: .match("mill"))).hits
            #expect(text.map(\.document.id) == ["a", "b", "e"])
            let (best, middle, worst) = (text[0].score, text[1].score, text[2].score)
            let near = { (degrees: Double) in
                (score(degrees: degrees) - score(degrees: 80)) / (score(degrees: 10) - score(degrees: 80))
            }
            for (textWeight, vectorWeight) in [(0.5, 0.5), (3.0, 1.0), (0.0, 1.0), (1.0, 0.0)] {
                let results = try await index.search(
                    SearchQuery(
                        text: .match("mill"), vector: [1, 0], fusion: .normalized(textWeight: textWeight, vectorWeight: vectorWeight)))
                let expected: [String: (Double, Double)] = [
                    "a": (1, 0.001), "b": ((middle - worst) / (best - worst), near(40)), "c": (0, near(20)), "d": (0, 1), "e": (0.001, 0),
                ]
                #expect(results.total == 5 && results.hits.count == 5)
                #expect(zip(results.hits, results.hits.dropFirst()).allSatisfy { $0.score >= $1.score })
                for hit in results.hits {
                    guard let (words, meaning) = expected[hit.document.id] else { continue }
                    let fused = (textWeight * words + vectorWeight * meaning) / (textWeight + vectorWeight)
                    expect(hit.score, near: fused, within: 1e-3)
                }
            }
        },
        .init(.hybrid, "listsOfOneOrOfEqualScores_countAsOne") { engine in
            let index = try await index(
                engine, vectors,
                compass([("a", "wind", 90), ("b", "wind", 0), ("c", "water", 0), ("d", "oven", nil)]))
            let one = try await index.search(SearchQuery(text: .match("water"), vector: [1, 0])).hits
            #expect(one.map(\.document.id) == ["c", "b", "a"])
            for (hit, expected) in zip(one, [1, 0.5, 0.0005]) { expect(hit.score, near: expected) }
            let equal = try await index.search(SearchQuery(text: .match("wind"), vector: [1, 0], filter: .ids(["a", "b", "d"]))).hits
            #expect(equal.map(\.document.id) == ["b", "a"])
            for (hit, expected) in zip(equal, [1, 0.5005]) { expect(hit.score, near: expected) }
            let noWords = try await index.search(SearchQuery(text: .match("nothing"), vector: [0, 1], limit: 1))
            #expect(noWords.hits.map(\.document.id) == ["a"] && noWords.total == 3)
            expect(noWords.hits.first?.score, near: 0.5)
        },
        .init(.hybrid, "reciprocalRank_isExact") { engine in
            let index = try await index(engine, vectors, mills)
            // By words a, b, e; by meaning d, c, b, a.
            for constant in [60, 1] {
                let k = Double(constant)
                let expected: [String: Double] = [
                    "a": 1 / (k + 1) + 1 / (k + 4), "b": 1 / (k + 2) + 1 / (k + 3), "c": 1 / (k + 2), "d": 1 / (k + 1), "e": 1 / (k + 3),
                ]
                let hits = try await index.search(
                    SearchQuery(text: .match("mill"), vector: [1, 0], fusion: .reciprocalRank(constant: constant))
                ).hits
                let order = expected.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map(\.key)
                #expect(hits.map(\.document.id) == order)
                for hit in hits { expect(hit.score, near: expected[hit.document.id] ?? .nan, within: 1e-6) }
            }
        },
        .init(.hybrid, "equalFusedScores_areInTheOrderOfIDs_andPagesFollow") { engine in
            let index = try await index(engine, vectors, compass([("b", "mill", nil), ("a", "oven", 0), ("c", "stove", nil)]))
            let query = SearchQuery(text: .match("mill"), vector: [1, 0], fusion: .reciprocalRank(constant: 60))
            #expect(try await ids(index, query) == ["a", "b"])
            var page = query
            (page.limit, page.offset) = (1, 1)
            let second = try await index.search(page)
            #expect(second.hits.map(\.document.id) == ["b"] && second.total == 2)
        },
        .init(.hybrid, "filterAndHighlight_holdForBothLists") { engine in
            let index = try await index(engine, vectors, mills)
            let results = try await index.search(
                SearchQuery(text: .match("mill"), vector: [1, 0], filter: .equals("owner", "odd"), highlight: .init()))
            #expect(Set(results.hits.map(\.document.id)) == ["b", "d"] && results.total == 2)
            for hit in results.hits {
                #expect(hit.highlights == (hit.document.id == "b" ? ["body": ["<em>mill</em>"]] : [:]))
            }
        },
        .init(.hybrid, "candidates_boundBothLists") { engine in
            let index = try await index(engine, vectors, mills)
            let results = try await index.search(
                SearchQuery(text: .match("mill"), vector: [1, 0], fusion: .reciprocalRank(constant: 60), candidates: 1, limit: 1))
            #expect(results.hits.map(\.document.id) == ["a"] && results.total == 2)
        },
        .init(.hybrid, "fusionsThatMakeNoSense_areRefused") { engine in
            let index = try await engine.index(vectors)
            let broken: [SearchQuery.Fusion] = [
                .reciprocalRank(constant: 0), .reciprocalRank(constant: 10_001), .normalized(textWeight: 0, vectorWeight: 0),
                .normalized(textWeight: -1, vectorWeight: 2), .normalized(textWeight: .nan, vectorWeight: 1),
                .normalized(textWeight: .infinity, vectorWeight: 1),
            ]
            for fusion in broken {
                await refused { _ = try await index.search(SearchQuery(text: .match("a"), vector: [1, 0], fusion: fusion)) }
            }
        },
    ]
}
