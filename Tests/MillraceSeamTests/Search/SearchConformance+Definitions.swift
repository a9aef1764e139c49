import Millrace
import MillraceCore
import Testing

extension SearchConformance {
    static let definitionCases: [SearchConformanceCase] = [
        .init(.definitions, "madeTwice_isOneIndex") { engine in
            #expect(try await engine.names() == [])
            let made = try await index(engine, articles, [SearchDocument(id: "1", fields: ["title": "A mill"])])
            let found = try await engine.index(articles)
            #expect(made.definition == articles && found.definition == articles)
            #expect(try await found.count(where: nil) == 1)
            #expect(try await engine.names() == ["articles"])
        },
        .init(.definitions, "anotherDefinitionOfTheName_isAConflict") { engine in
            _ = try await engine.index(articles)
            var other = articles
            other.filterFields["pages"] = .integer
            await refused(.conflict, "another filter field") { _ = try await engine.index(other) }
            other = articles
            other.textFields[0].analysis = .english
            await refused(.conflict, "another analysis") { _ = try await engine.index(other) }
            #expect(try await engine.index(articles).definition == articles)
        },
        .init(.definitions, "names_areSorted_andAnIndexIsApartFromTheOthers") { engine in
            for name in ["b-2", "a", "b_1", "b"] {
                _ = try await index(
                    engine, SearchIndexDefinition(name: name, textFields: [.init("body")]), [.init(id: name, fields: ["body": "mill"])])
            }
            #expect(try await engine.names() == ["a", "b", "b-2", "b_1"])
            let b = try await engine.index(SearchIndexDefinition(name: "b", textFields: [.init("body")]))
            #expect(try await ids(b, SearchQuery(text: .match("mill"))) == ["b"])
        },
        .init(.definitions, "definition_isGivenByName_andNothingIsMade") { engine in
            var definition = articles
            definition.textFields[0].boost = 1.5
            definition.textFields.append(.init("summary", analysis: .romanian, boost: 3))
            #expect(try await engine.definition(of: "articles") == nil)
            #expect(try await engine.definition(of: "no name") == nil)
            #expect(try await engine.names() == [])
            _ = try await engine.index(definition)
            _ = try await engine.index(SearchIndexDefinition(name: "bare", textFields: []))
            #expect(try await engine.definition(of: "articles") == definition)
            #expect(try await engine.definition(of: "bare") == SearchIndexDefinition(name: "bare", textFields: []))
            try await engine.drop("articles")
            #expect(try await engine.definition(of: "articles") == nil)
        },
        .init(.vectors, "definition_hasTheVectorsLength") { engine in
            _ = try await engine.index(vectors)
            #expect(try await engine.definition(of: "vectors") == vectors)
        },
        .init(.definitions, "dropped_isGone_andCanBeMadeAnew") { engine in
            let index = try await index(engine, articles, [SearchDocument(id: "1", fields: ["title": "A mill"])])
            try await engine.drop("articles")
            try await engine.drop("articles")
            #expect(try await engine.names() == [])
            await refused(.notFound, "search") { _ = try await index.search(SearchQuery()) }
            await refused(.notFound, "count") { _ = try await index.count(where: nil) }
            await refused(.notFound, "documents") { _ = try await index.documents(ids: ["1"]) }
            var other = articles
            other.textFields.removeLast()
            #expect(try await engine.index(other).count(where: nil) == 0)
        },
        .init(.definitions, "writeToADroppedIndex_isNotFound_andMakesNone") { engine in
            let index = try await engine.index(articles)
            try await engine.drop("articles")
            await refused(.notFound, "write") { _ = try await index.write([SearchDocument(id: "1", fields: [:])]) }
            await refused(.notFound, "delete") { try await index.delete(where: .exists("owner")) }
            #expect(try await engine.names() == [])
        },
        .init(.definitions, "brokenRules_areRefused") { engine in
            let long = String(repeating: "a", count: 129)
            for name in ["", "1a", "A", "a b", "a.b", "a/b", "ä", "_a", "-a", "a;drop table x", "a\"", "*", long] {
                await refused(.invalidInput, name) { _ = try await engine.index(SearchIndexDefinition(name: name, textFields: [])) }
            }
            for field in ["", "1a", "a b", "a.b", "é", "a\"", "a'); DROP TABLE x; --", long] {
                await refused(.invalidInput, field) {
                    _ = try await engine.index(SearchIndexDefinition(name: "x", textFields: [.init(field)]))
                }
                await refused(.invalidInput, field) {
                    _ = try await engine.index(SearchIndexDefinition(name: "x", textFields: [], filterFields: [field: .keyword]))
                }
            }
            let broken: [SearchIndexDefinition] = [
                .init(name: "x", textFields: [.init("a"), .init("a")]),
                .init(name: "x", textFields: [.init("a")], filterFields: ["a": .keyword]),
                .init(name: "x", textFields: [.init("a", boost: 0)]),
                .init(name: "x", textFields: [.init("a", boost: .nan)]),
                .init(name: "x", textFields: [], vectorDimensions: 0),
                .init(name: "x", textFields: [], vectorDimensions: 16_001),
                .init(name: "x", textFields: (0..<65).map { .init("f\($0)") }),
            ]
            for definition in broken { await refused(.invalidInput, "\(definition)") { _ = try await engine.index(definition) } }
            let names = try await engine.names()
            #expect(names == [])
        },
        .init(.definitions, "fieldsThatAreNamedLikeAnEnginesOwn_work") { engine in
            let definition = SearchIndexDefinition(
                name: "odd", textFields: [.init("rowid"), .init("rank"), .init("text"), .init("Text", analysis: .standard)],
                filterFields: ["id": .keyword, "vector": .integer, "fields": .keyword, "select": .boolean, "type": .keyword])
            let fields: [String: JSONValue] = [
                "rowid": "one", "rank": "two", "text": "three", "Text": "four", "id": "i", "vector": 7, "fields": "f", "select": true,
                "type": ["t"],
            ]
            let index = try await index(engine, definition, [.init(id: "1", fields: fields)])
            for word in ["one", "two", "three", "four"] { #expect(try await found(index, .match(word)) == ["1"]) }
            #expect(try await found(index, .match("three", fields: ["Text": 1])) == [])
            #expect(
                try await left(index, .all([.equals("id", "i"), .equals("vector", 7), .equals("fields", "f"), .equals("type", "t")])) == [
                    "1"
                ])
            #expect(try await index.documents(ids: ["1"]).first?.fields == fields)
        },
    ]
}
