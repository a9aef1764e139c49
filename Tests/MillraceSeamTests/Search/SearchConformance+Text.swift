import Millrace
import MillraceCore
import Testing

extension SearchConformance {
    static let textCases: [SearchConformanceCase] = [
        .init(.text, "match_ofAnyOrAllWords") { engine in
            let index = try await notes(engine, ["1": "wind turns the mill", "2": "water turns", "3": "steam", "4": "mill and wind"])
            #expect(try await found(index, .match("wind water")) == ["1", "2", "4"])
            #expect(try await found(index, .match("wind mill", requiresAll: true)) == ["1", "4"])
            #expect(try await found(index, .match("wind steam", requiresAll: true)) == [])
            #expect(try await index.search(SearchQuery(text: .match("turns"))).total == 2)
        },
        .init(.text, "requiredWords_mayBeInDifferentFields") { engine in
            let index = try await index(
                engine, articles,
                [.init(id: "1", fields: ["title": "Leases", "body": "How to terminate."]), .init(id: "2", fields: ["title": "Leases"])])
            #expect(try await found(index, .match("leases terminated", requiresAll: true)) == ["1"])
            #expect(try await found(index, .match("the leases", requiresAll: true)) == ["1", "2"], "the body leaves 'the' out")
            #expect(try await found(index, .match("leases terminated", fields: ["title": 1], requiresAll: true)) == [])
        },
        .init(.text, "english_findsOtherFormsOfAWord_andLeavesStopWordsOut") { engine in
            let index = try await notes(engine, ["1": "The tenants are running", "2": "A tenant ran", "3": "this is the one that will be"])
            #expect(try await found(index, .match("TENANT")) == ["1", "2"])
            #expect(try await found(index, .match("runs")) == ["1"])
            #expect(try await found(index, .match("the")) == [])
            #expect(try await found(index, .match("the tenants of it", requiresAll: true)) == ["1", "2"])
            for word in SearchIndexDefinition.TextField.Analysis.english.stopWords {
                #expect(try await found(index, .match(word)) == [], "\(word)")
            }
        },
        .init(.text, "standard_findsTheWordAsItStands") { engine in
            let index = try await index(
                engine, articles, [.init(id: "1", fields: ["title": "Running the Mills"]), .init(id: "2", fields: ["title": "Run"])])
            #expect(try await found(index, .match("running")) == ["1"])
            #expect(try await found(index, .match("runs")) == [])
            #expect(try await found(index, .match("the", fields: ["title": 1])) == ["1"])
            #expect(try await found(index, .match("mill", fields: ["title": 1])) == [])
        },
        .init(.text, "accentsAndCase_makeNoDifference") { engine in
            let index = try await index(
                engine, articles,
                [.init(id: "1", fields: ["title": "CAFÉ Señor Ångström"]), .init(id: "2", fields: ["body": "Über résumés"])])
            for word in ["cafe", "CAFÉ", "senor", "ångstrom"] { #expect(try await found(index, .match(word)) == ["1"], "\(word)") }
            for word in ["uber", "résumé", "resumes"] { #expect(try await found(index, .match(word)) == ["2"], "\(word)") }
        },
        .init(.text, "fieldsOfAQuery_areTheOnesLookedAt") { engine in
            let index = try await index(
                engine, articles, [.init(id: "1", fields: ["title": "wind"]), .init(id: "2", fields: ["body": "wind"])])
            #expect(try await found(index, .match("wind")) == ["1", "2"])
            #expect(try await found(index, .match("wind", fields: ["title": 1])) == ["1"])
            #expect(try await found(index, .phrase("wind", fields: ["body": 2])) == ["2"])
            await refused { _ = try await index.search(SearchQuery(text: .match("wind", fields: ["owner": 1]))) }
            await refused { _ = try await index.search(SearchQuery(text: .match("wind", fields: ["body": 0]))) }
        },
        .init(.text, "phrase_isWordsOneBehindTheOther") { engine in
            let index = try await notes(
                engine,
                ["1": "the notice period ends", "2": "a period of notice", "3": "notice: periods", "4": "notice of the long period"])
            #expect(try await found(index, .phrase("notice period")) == ["1", "3"])
            #expect(try await found(index, .phrase("period notice ends")) == [])
            #expect(try await found(index, .match("notice period", requiresAll: true)) == ["1", "2", "3", "4"])
        },
        .init(.text, "phraseWithStopWords_isFoundWhereItStands") { engine in
            let index = try await notes(engine, ["1": "see the terms of the lease", "2": "lease of terms", "3": "terms. Another lease"])
            #expect(try await found(index, .phrase("terms of the lease")) == ["1"])
            #expect(try await found(index, .phrase("the terms of the lease")) == ["1"])
        },
        .init(.text, "phrase_isInOneField") { engine in
            let index = try await index(engine, articles, [.init(id: "1", fields: ["title": "notice", "body": "period of notice"])])
            #expect(try await found(index, .phrase("notice period")) == [])
            #expect(try await found(index, .phrase("period")) == ["1"])
        },
        .init(.text, "boolean_mustShouldMustNot") { engine in
            let index = try await notes(
                engine, ["1": "wind mill", "2": "water mill", "3": "wind water mill steam", "4": "steam engine", "5": "engine"])
            let (wind, water, mill) = (SearchQuery.Text.match("wind"), SearchQuery.Text.match("water"), SearchQuery.Text.match("mill"))
            #expect(try await found(index, .boolean(must: [mill])) == ["1", "2", "3"])
            #expect(try await found(index, .boolean(must: [wind, water])) == ["3"])
            #expect(try await found(index, .boolean(should: [wind, .phrase("steam engine")])) == ["1", "3", "4"])
            #expect(try await found(index, .boolean(must: [mill], mustNot: [wind])) == ["2"])
            #expect(try await found(index, .boolean(should: [wind, water], mustNot: [.match("steam")])) == ["1", "2"])
            #expect(try await found(index, .boolean(mustNot: [mill])) == ["4", "5"])
            #expect(try await found(index, .boolean()) == ["1", "2", "3", "4", "5"])
            let better = try await ids(index, SearchQuery(text: .boolean(must: [mill], should: [.match("steam"), water])))
            #expect(better == ["3", "2", "1"])
            let nested = SearchQuery.Text.boolean(
                must: [.boolean(should: [wind, .match("engine")])], mustNot: [.boolean(must: [wind, .match("steam")])])
            #expect(try await found(index, nested) == ["1", "4", "5"])
        },
        .init(.text, "textWithoutWords_matchesNothing") { engine in
            let index = try await notes(engine, ["1": "wind mill", "2": "!?"])
            for text in ["", " ", "!?", "...", "the of", "\n\t"] {
                #expect(try await found(index, .match(text)) == [], "\(text)")
                #expect(try await found(index, .match(text, requiresAll: true)) == [], "\(text)")
                #expect(try await found(index, .phrase(text)) == [], "\(text)")
            }
            #expect(try await found(index, .boolean(must: [.match("wind"), .match("the")])) == [])
            #expect(try await found(index, .boolean(should: [.match("wind"), .match("the")])) == ["1"])
            #expect(try await found(index, .boolean(must: [.match("wind")], mustNot: [.match("the")])) == ["1"])
        },
        .init(.text, "operatorsAndQuotes_arePlainWords") { engine in
            let index = try await index(
                engine, .init(name: "odd", textFields: [.init("body", analysis: .standard)]),
                [
                    .init(id: "1", fields: ["body": "black AND white"]), .init(id: "2", fields: ["body": "NOT near 5"]),
                    .init(id: "3", fields: ["body": "body column title"]), .init(id: "4", fields: ["body": "say \"hello\" (twice)"]),
                ])
            let expected: [(String, [String])] = [
                ("AND", ["1"]), ("NOT", ["2"]), ("white AND", ["1"]), ("NEAR(white near)", ["1", "2"]), ("wh*", []), ("body:column", ["3"]),
                ("{title}: white", ["1", "3"]), ("^black", ["1"]), ("\"hello", ["4"]), ("hello\"\"", ["4"]), ("(twice", ["4"]),
                ("-black", ["1"]), ("+near", ["2"]), ("'; DROP TABLE x; --", []), ("OR", []), ("\\", []), ("near~2 ||", ["2"]),
                ("[5 TO 6]", ["2"]),
                ("title^3", ["3"]), ("/bl.*/", []), ("%", []), ("hel_o", []),
            ]
            for (text, ids) in expected {
                #expect(try await found(index, .match(text)) == ids, "\(text)")
                _ = try await found(index, .phrase(text))
            }
            #expect(try await found(index, .phrase("say \"hello\"")) == ["4"])
        },
        .init(.text, "wordsOfOtherScripts_areFound") { engine in
            let index = try await notes(
                engine, ["1": "Ветряная мельница", "2": "ανεμόμυλος και νερό", "3": "طاحونة الهواء", "4": "a mill 🌾 and 👩‍👩‍👧 people"])
            for (word, id) in [("МЕЛЬНИЦА", "1"), ("ΝΕΡΌ", "2"), ("الهواء", "3"), ("people 🌾", "4")] {
                #expect(try await found(index, .match(word)).contains(id), "\(word)")
            }
        },
    ]

    static let rankingCases: [SearchConformanceCase] = [
        .init(.text, "rareWord_weighsMore") { engine in
            let index = try await notes(
                engine,
                [
                    "1": "common words here", "2": "common words there now", "3": "common talk again", "4": "seldom words again",
                    "5": "other things again",
                ])
            #expect(try await ids(index, SearchQuery(text: .match("common seldom"))).first == "4")
        },
        .init(.text, "frequentWord_weighsMore") { engine in
            let index = try await notes(
                engine, ["1": "mill one two three", "2": "mill mill mill three", "3": "one two three four", "4": "mill mill two three"])
            #expect(try await ids(index, SearchQuery(text: .match("mill"))) == ["2", "4", "1"])
        },
        .init(.text, "wordThatAQueryHasTwice_weighsTwice") { engine in
            let index = try await notes(
                engine, ["1": "mill one", "2": "wind two", "3": "oven three", "4": "steam four", "5": "mill wind"])
            #expect(try await ids(index, SearchQuery(text: .match("mill wind mills"))) == ["5", "1", "2"])
            #expect(try await ids(index, SearchQuery(text: .match("wind mill winds"))) == ["5", "2", "1"])
        },
        .init(.text, "shortText_weighsMore") { engine in
            let index = try await notes(
                engine,
                ["1": "mill beside many other words that make long texts", "2": "mill alone", "3": "nothing", "4": "something else"])
            #expect(try await ids(index, SearchQuery(text: .match("mill"))) == ["2", "1"])
        },
        .init(.text, "moreOfTheWords_weighMore") { engine in
            let index = try await notes(
                engine, ["1": "wind steam", "2": "wind water", "3": "mill oven", "4": "water oven", "5": "steam fire"])
            #expect(try await ids(index, SearchQuery(text: .match("wind water"))).first == "2")
        },
        .init(.text, "boosts_ofTheDefinitionAndOfTheQuery") { engine in
            let definition = SearchIndexDefinition(name: "boosted", textFields: [.init("title", boost: 5), .init("body")])
            let index = try await index(
                engine, definition,
                [
                    .init(id: "b", fields: ["title": "wind power", "body": "water power"]),
                    .init(id: "a", fields: ["title": "water power", "body": "wind power"]),
                    .init(id: "c", fields: ["title": "steam power", "body": "steam power"]),
                ])
            #expect(try await ids(index, SearchQuery(text: .match("wind"))) == ["b", "a"])
            #expect(try await ids(index, SearchQuery(text: .match("wind", fields: ["title": 1, "body": 5]))) == ["a", "b"])
            #expect(try await ids(index, SearchQuery(text: .phrase("water power"))) == ["a", "b"])
        },
        .init(.text, "scores_fallAndAreAboveZero_equalOnesInTheOrderOfIDs") { engine in
            let index = try await notes(
                engine,
                ["b": "mill", "a": "mill", "Z": "mill", "é": "mill", "best": "mill mill", "other": "oven", "worse": "mill oven stove"])
            let hits = try await index.search(SearchQuery(text: .match("mill"))).hits
            #expect(hits.map(\.document.id) == ["best", "Z", "a", "b", "é", "worse"])
            #expect(hits.allSatisfy { $0.score > 0 } && zip(hits, hits.dropFirst()).allSatisfy { $0.score >= $1.score })
            #expect(Set(hits[1...4].map(\.score)).count == 1)
        },
        .init(.text, "wordInEveryDocument_stillRanks") { engine in
            let index = try await notes(engine, ["1": "mill one two", "2": "mill mill one", "3": "mill one"])
            let hits = try await index.search(SearchQuery(text: .match("mill"))).hits
            #expect(hits.map(\.document.id) == ["2", "3", "1"] && hits.allSatisfy { $0.score > 0 })
        },
    ]
}
