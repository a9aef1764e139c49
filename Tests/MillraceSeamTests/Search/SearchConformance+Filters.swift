import Millrace
import MillraceCore
import Testing

extension SearchConformance {
    private static let shelf: [SearchDocument] = [
        .init(id: "1", fields: ["owner": "ann", "year": 1990, "rating": 4.5, "public": true, "body": "mill"]),
        .init(id: "2", fields: ["owner": "bob", "year": 2000, "rating": 3, "public": false, "body": "mill"]),
        .init(id: "3", fields: ["owner": ["ann", "bob"], "year": [1980, 2010], "rating": -1.25, "body": "mill"]),
        .init(id: "4", fields: ["owner": "Ann", "year": -5, "body": "oven"]),
        .init(id: "5", fields: ["owner": nil, "year": [], "public": [true, false], "body": "oven"]),
        .init(id: "6", fields: ["body": "mill"]),
    ]

    static let filterCases: [SearchConformanceCase] = [
        .init(.filters, "equals_byKindAndByAnyOfAList") { engine in
            let index = try await index(engine, articles, shelf)
            #expect(try await left(index, .equals("owner", "ann")) == ["1", "3"])
            #expect(try await left(index, .equals("owner", "Ann")) == ["4"])
            #expect(try await left(index, .equals("owner", "an")) == [])
            #expect(try await left(index, .equals("year", 2010)) == ["3"])
            #expect(try await left(index, .equals("year", -5)) == ["4"])
            #expect(try await left(index, .equals("rating", 4.5)) == ["1"])
            #expect(try await left(index, .equals("rating", 3)) == ["2"])
            #expect(try await left(index, .equals("public", true)) == ["1", "5"])
            #expect(try await left(index, .equals("public", false)) == ["2", "5"])
        },
        .init(.filters, "among_ids_exists") { engine in
            let index = try await index(engine, articles, shelf)
            #expect(try await left(index, .among("owner", ["ann", "Ann", "nobody"])) == ["1", "3", "4"])
            #expect(try await left(index, .among("year", [2000, 1980])) == ["2", "3"])
            #expect(try await left(index, .among("owner", [])) == [])
            #expect(try await left(index, .ids(["6", "2", "unknown", "2"])) == ["2", "6"])
            #expect(try await left(index, .ids([])) == [])
            #expect(try await left(index, .exists("owner")) == ["1", "2", "3", "4"])
            #expect(try await left(index, .exists("public")) == ["1", "2", "5"])
            #expect(try await left(index, .exists("rating")) == ["1", "2", "3"])
        },
        .init(.filters, "range_includesItsEnds_andOneValueMustLieInIt") { engine in
            let index = try await index(engine, articles, shelf)
            #expect(try await left(index, .range("year", from: 1990, through: 2000)) == ["1", "2"])
            #expect(try await left(index, .range("year", from: 2000, through: nil)) == ["2", "3"])
            #expect(try await left(index, .range("year", from: nil, through: 0)) == ["4"])
            #expect(try await left(index, .range("year", from: 1985, through: 1989)) == [])
            #expect(try await left(index, .range("year", from: 2000, through: 1990)) == [])
            #expect(try await left(index, .range("rating", from: -1.25, through: 3)) == ["2", "3"])
            #expect(try await left(index, .range("rating", from: 3.0000001, through: 5)) == ["1"])
            #expect(try await left(index, .range("owner", from: "a", through: "b")) == ["1", "3"])
            #expect(try await left(index, .range("owner", from: nil, through: "Z")) == ["4"])
            #expect(try await left(index, .range("year", from: nil, through: nil)) == ["1", "2", "3", "4"])
        },
        .init(.filters, "allAnyNot_nest") { engine in
            let index = try await index(engine, articles, shelf)
            let ann = SearchFilter.equals("owner", "ann")
            let old = SearchFilter.range("year", from: nil, through: 1995)
            #expect(try await left(index, .all([ann, old])) == ["1", "3"])
            #expect(try await left(index, .any([ann, old])) == ["1", "3", "4"])
            #expect(try await left(index, .not(ann)) == ["2", "4", "5", "6"])
            #expect(try await left(index, .not(.not(ann))) == ["1", "3"])
            #expect(try await left(index, .all([])) == ["1", "2", "3", "4", "5", "6"])
            #expect(try await left(index, .any([])) == [])
            #expect(try await left(index, .not(.any([]))) == ["1", "2", "3", "4", "5", "6"])
            #expect(try await left(index, .not(.all([]))) == [])
            #expect(try await left(index, .not(.exists("year"))) == ["5", "6"])
            let nested = SearchFilter.any([
                .all([.not(ann), .any([old, .equals("public", true)])]), .all([.ids(["2", "6"]), .exists("rating")]),
            ])
            #expect(try await left(index, nested) == ["2", "4", "5"])
        },
        .init(.filters, "filteredText_ranksAndCountsWhatIsLeft") { engine in
            let index = try await index(engine, articles, shelf)
            let results = try await index.search(SearchQuery(text: .match("mill"), filter: .not(.equals("owner", "ann"))))
            #expect(Set(results.hits.map(\.document.id)) == ["2", "6"] && results.total == 2)
            #expect(try await index.search(SearchQuery(text: .match("mill"), filter: .any([]))).hits == [])
            let boolean = SearchQuery(text: .boolean(mustNot: [.match("mill")]), filter: .exists("owner"))
            #expect(try await ids(index, boolean) == ["4"])
        },
        .init(.filters, "greatestAndLeastIntegers_areExact") { engine in
            let large = Int.max - 1
            let index = try await index(
                engine, articles,
                [
                    .init(id: "1", fields: ["year": .integer(large)]), .init(id: "2", fields: ["year": .integer(large + 1)]),
                    .init(id: "3", fields: ["year": .integer(.min)]),
                ])
            #expect(try await left(index, .equals("year", .integer(large))) == ["1"])
            #expect(try await left(index, .range("year", from: .integer(large + 1), through: nil)) == ["2"])
            #expect(try await left(index, .range("year", from: nil, through: .integer(.min))) == ["3"])
        },
        .init(.filters, "oddKeywords_areComparedByTheirBytes") { engine in
            let odd = ["é", "e\u{301}", "'; DROP TABLE x; --", "\" OR 1=1", "%", "_", "a*", "", " ", "a b", "🌾", "null", "true", "1"]
            let index = try await index(engine, articles, odd.enumerated().map { .init(id: "\($0)", fields: ["owner": .string($1)]) })
            for (number, value) in odd.enumerated() {
                #expect(try await left(index, .equals("owner", .string(value))) == ["\(number)"], "\(value)")
            }
            #expect(try await left(index, .among("owner", odd.map { .string($0) })).count == odd.count)
        },
        .init(.filters, "filtersThatMakeNoSense_areRefused") { engine in
            let index = try await index(engine, articles, shelf)
            let broken: [SearchFilter] = [
                .equals("unknown", 1), .equals("title", "a"), .equals("year", "1990"), .equals("year", 1990.5), .equals("owner", 1),
                .equals("owner", nil), .equals("owner", ["ann"]), .among("public", [true, 1]), .range("year", from: "a", through: nil),
                .range("public", from: true, through: nil), .range("rating", from: nil, through: .double(.nan)), .exists("body"),
                .exists("owner' OR 1=1 --"), .exists("\"owner\""), .all([.exists("year"), .not(.exists("nothing"))]),
                .ids(Array(repeating: "1", count: 10_001)), .all(Array(repeating: .exists("year"), count: 1_000)),
                (0..<40).reduce(.exists("year")) { filter, _ in .not(filter) },
            ]
            for filter in broken {
                await refused { _ = try await index.search(SearchQuery(filter: filter)) }
                await refused { _ = try await index.count(where: filter) }
                await refused { try await index.delete(where: filter) }
            }
            #expect(try await index.count(where: nil) == 6)
        },
    ]
}
