import Millrace
import MillraceCore
import Testing

extension SearchConformance {
    static let writeCases: [SearchConformanceCase] = [
        .init(.writes, "documents_comeBackAsTheyWere_inTheOrderOfTheIds") { engine in
            let fields: [String: JSONValue] = [
                "title": "Wind & water: \"mills\" <b>", "body": "línea\nzwei 🌾", "owner": ["a", "b"], "year": 1_850, "rating": 4.5,
                "public": true,
                "other": ["nested": [1, 2.5, "x", false, nil, ["deep": ["er"]]]], "large": .integer(.max), "small": .integer(.min),
            ]
            let index = try await index(engine, articles, [.init(id: "b", fields: fields), .init(id: "a", fields: [:])])
            let documents = try await index.documents(ids: ["b", "missing", "a", "b"])
            #expect(documents == [SearchDocument(id: "b", fields: fields), SearchDocument(id: "a", fields: [:])])
            #expect(try await index.search(SearchQuery(text: .match("water"))).hits.map(\.document.fields) == [fields])
            #expect(try await index.documents(ids: []) == [])
        },
        .init(.writes, "unrefreshedDocument_isGivenByItsID") { engine in
            let index = try await engine.index(notes)
            #expect(try await index.write([.init(id: "1", fields: ["body": "mill"])]) == [])
            #expect(try await index.documents(ids: ["1"]).count == 1)
            try await index.refresh()
            #expect(try await index.count(where: nil) == 1)
            #expect(try await index.write([]) == [])
        },
        .init(.writes, "replacedDocument_isFoundByTheNewWordsAndValuesOnly") { engine in
            let index = try await index(
                engine, articles,
                [.init(id: "1", fields: ["body": "wind turns it", "owner": "a"]), .init(id: "2", fields: ["body": "steam"])])
            #expect(try await index.write([.init(id: "1", fields: ["body": "water turns it", "owner": ["b"]])]) == [])
            try await index.refresh()
            #expect(try await found(index, .match("wind")) == [])
            #expect(try await found(index, .match("water")) == ["1"])
            #expect(try await left(index, .equals("owner", "a")) == [])
            #expect(try await left(index, .equals("owner", "b")) == ["1"])
            #expect(try await index.count(where: nil) == 2)
        },
        .init(.writes, "oneIDTwiceInAWrite_theLaterStays") { engine in
            let index = try await index(
                engine, notes, [.init(id: "1", fields: ["body": "wind"]), .init(id: "1", fields: ["body": "water"])])
            #expect(try await index.count(where: nil) == 1)
            #expect(try await found(index, .match("wind water")) == ["1"])
            #expect(try await found(index, .match("wind")) == [])
        },
        .init(.writes, "documentsThatBreakARule_areReported_andTheOthersAreStored") { engine in
            let index = try await index(engine, articles, [.init(id: "kept", fields: ["body": "old"])])
            let failures = try await index.write([
                .init(id: "good-1", fields: ["body": "mill"]),
                .init(id: "text", fields: ["body": ["a", "list"]]),
                .init(id: "keyword", fields: ["owner": 1]),
                .init(id: "integer", fields: ["year": 1.5]),
                .init(id: "list", fields: ["year": [1, "two"]]),
                .init(id: "object", fields: ["owner": ["a": "b"]]),
                .init(id: "double", fields: ["rating": "4"]),
                .init(id: "boolean", fields: ["public": 1]),
                .init(id: "", fields: [:]),
                .init(id: String(repeating: "i", count: 513), fields: [:]),
                .init(id: "vector", fields: [:], vector: [1, 2]),
                .init(id: "long", fields: ["owner": .string(String(repeating: "k", count: 8193))]),
                .init(id: "kept", fields: ["public": "yes"]),
                .init(id: "good-2", fields: ["body": "mill", "owner": nil, "year": [], "title": nil]),
            ])
            let expected = [
                "text", "keyword", "integer", "list", "object", "double", "boolean", "", String(repeating: "i", count: 513), "vector",
                "long",
                "kept",
            ]
            #expect(failures.map(\.id) == expected)
            #expect(failures.allSatisfy { !$0.isRetryable && !$0.reason.isEmpty })
            try await index.refresh()
            #expect(try await left(index, .all([])) == ["good-1", "good-2", "kept"])
            #expect(try await found(index, .match("old")) == ["kept"])
        },
        .init(.vectors, "vectorsThatAreNone_areReported_andTheOthersAreStored") { engine in
            let index = try await engine.index(vectors)
            let failures = try await index.write([
                .init(id: "short", fields: [:], vector: [1]), .init(id: "good", fields: [:], vector: [0, 2]),
                .init(id: "zero", fields: [:], vector: [0, -0.0]), .init(id: "nan", fields: [:], vector: [.nan, 1]),
                .init(id: "infinite", fields: [:], vector: [.infinity, 1]), .init(id: "none", fields: [:]),
            ])
            #expect(failures.map(\.id) == ["short", "zero", "nan", "infinite"])
            try await index.refresh()
            #expect(try await left(index, .all([])) == ["good", "none"])
        },
        .init(.writes, "deletedByID_isGone_andAnUnknownIDIsNoError") { engine in
            let index = try await notes(engine, ["1": "mill", "2": "mill", "3": "mill"])
            try await index.delete(ids: ["1", "unknown", "3"])
            try await index.delete(ids: [])
            #expect(try await index.documents(ids: ["1", "2", "3"]).map(\.id) == ["2"])
            try await index.refresh()
            #expect(try await found(index, .match("mill")) == ["2"])
            #expect(try await index.count(where: nil) == 1)
        },
        .init(.writes, "deletedByFilter_areCounted") { engine in
            let index = try await index(
                engine, articles, (0..<10).map { .init(id: "\($0)", fields: ["year": .integer($0), "body": "mill"]) })
            #expect(try await index.delete(where: .range("year", from: 7, through: nil)) == 3)
            try await index.refresh()
            #expect(try await index.delete(where: .range("year", from: 7, through: nil)) == 0)
            #expect(try await found(index, .match("mill")) == (0..<7).map { "\($0)" })
            await refused { try await index.delete(where: .equals("unknown", 1)) }
            #expect(try await index.delete(where: .all([])) == 7)
            try await index.refresh()
            #expect(try await index.count(where: nil) == 0)
        },
        .init(.writes, "idsOfOddBytes_areApart") { engine in
            let ids = ["é", "e\u{301}", "E", "e", " ", "a/b?c#d%20", "'; --", "\"", "🌾", String(repeating: "é", count: 256)]
            let index = try await index(engine, notes, ids.map { .init(id: $0, fields: ["body": "mill", "me": .string($0)]) })
            #expect(try await index.count(where: nil) == ids.count)
            let expected = ids.map { Array($0.utf8) }.sorted { $0.lexicographicallyPrecedes($1) }
            #expect(
                try await SearchConformance.ids(index, SearchQuery(text: .match("mill"), limit: 100)).map { Array($0.utf8) } == expected)
            for id in ids {
                let document = try await index.documents(ids: [id]).first
                #expect((document?.fields["me"]?.string).map { Array($0.utf8) } == Array(id.utf8))
            }
            try await index.delete(ids: ["é"])
            try await index.refresh()
            #expect(try await index.documents(ids: ids).count == ids.count - 1)
            #expect(try await left(index, .ids(["e\u{301}", "é", "missing"])).count == 1)
        },
    ]
}
