import Millrace
import MillraceCore
import Testing

extension SearchConformance {
    /// An index with texts in one language.
    private static func notes(
        _ engine: any SearchEngine, _ language: SearchIndexDefinition.TextField.Analysis, _ bodies: [String]
    ) async throws -> any SearchIndex {
        try await index(
            engine, SearchIndexDefinition(name: language.rawValue, textFields: [.init("body", analysis: language)]),
            bodies.enumerated().map { .init(id: "\($0.offset)", fields: ["body": .string($0.element)]) })
    }

    static let languageCases: [SearchConformanceCase] =
        otherForms.map { language, forms in
            .init(.text, "\(language)_findsOtherFormsOfAWord_andLeavesStopWordsOut") { engine in
                let index = try await notes(engine, language, forms.map(\.text) + ["0815"])
                for (number, form) in forms.enumerated() {
                    for word in form.words {
                        #expect(try await found(index, .match(word)) == ["\(number)"], "\(word)")
                        #expect(try await found(index, .match(word.uppercased())) == ["\(number)"], "\(word)")
                    }
                }
                // In texts of today, which the lists have otherwise.
                if language == .romanian { #expect(try await found(index, .match("și s\u{326}i")) == []) }
                let words = language.stopWords.sorted()
                #expect(words.count > 90)
                let all = try await index.write([.init(id: "stop words", fields: ["body": .string(words.joined(separator: " "))])])
                #expect(all == [])
                try await index.refresh()
                for start in stride(from: 0, to: words.count, by: 100) {
                    let some = words[start..<min(start + 100, words.count)].joined(separator: " ")
                    #expect(try await found(index, .match(some)) == [], "\(some)")
                }
            }
        } + [
            .init(.text, "german_findsWordsWithUmlauts_inAllTheirSpellings") { engine in
                let index = try await notes(
                    engine, .german,
                    ["Die Verträge für Mieter", "Ein Vertra\u{308}ge-Archiv", "der Vertrag", "die Straße", "Strassen und STRASSE", "Mühle"])
                for word in ["Vertrag", "verträge", "VERTRÄGEN", "Vertra\u{308}ge", "vertrags"] {
                    #expect(try await found(index, .match(word)) == ["0", "1", "2"], "\(word)")
                }
                for word in ["Straße", "STRASSE", "strassen"] { #expect(try await found(index, .match(word)) == ["3", "4"], "\(word)") }
                for word in ["Mühle", "mühlen", "Mu\u{308}hlen", "muhle"] {
                    #expect(try await found(index, .match(word)) == ["5"], "\(word)")
                }
                #expect(try await found(index, .match("der die für fu\u{308}r und ein")) == [])
                #expect(try await found(index, .phrase("Vertrag fu\u{308}r Mieter")) == ["0"])
            },
            .init(.text, "languages_markWordsInTheFormTheyStandIn") { engine in
                let index = try await notes(engine, .german, ["Alle Verträge sind schriftlich; der Vertra\u{308}ge sind viele"])
                var query = SearchQuery(text: .match("Vertrag"))
                query.highlight = .init(fields: ["body"], before: "[", after: "]")
                let marked = try await index.search(query).hits.first?.highlights["body"]
                #expect(marked == ["Alle [Verträge] sind schriftlich; der [Vertra\u{308}ge] sind viele"])
            },
            .init(.text, "fieldsOfSeveralLanguages_areSearchedTogether") { engine in
                let definition = SearchIndexDefinition(
                    name: "both", textFields: [.init("de", analysis: .german), .init("en"), .init("code", analysis: .standard)])
                let index = try await index(
                    engine, definition,
                    [
                        .init(id: "1", fields: ["de": "Die Häuser", "en": "The houses", "code": "the"]),
                        .init(id: "2", fields: ["en": "A house", "code": "häuser"]),
                    ])
                #expect(try await found(index, .match("haus")) == ["1"])
                #expect(try await found(index, .match("house")) == ["1", "2"])
                #expect(try await found(index, .match("Häuser")) == ["1", "2"])
                #expect(try await found(index, .match("the die", requiresAll: true)) == ["1"], "only one field has no word left out")
            },
        ]

    /// Texts of each language, and words of which exactly one is in each. With the accents that stop words, stemmers and folding know.
    private static let otherForms: KeyValuePairs<SearchIndexDefinition.TextField.Analysis, [(text: String, words: [String])]> = [
        .danish: [("Kontrakterne er underskrevet", ["kontrakt", "kontrakter"]), ("et smørrebrød på bordet", ["smørrebrødet", "bord"])],
        .dutch: [("De overeenkomsten zijn getekend", ["overeenkomst"]), ("de lichamelijke gezondheid", ["lichamelijk"])],
        .finnish: [("talossa ja pihalla", ["talo", "talon", "piha"]), ("älykkään", ["älykästä"])],
        .french: [
            ("Les contrats étaient signés", ["contrat", "signée"]), ("l'élève du régiment", ["élèves", "re\u{301}giments"]),
            ("l’hôpital continuellement", ["hôpitaux", "continuelle"]),
        ],
        .german: [("Die Häuser am Fluss", ["haus", "hauses", "häusern"]), ("kündigen und Kündigung", ["kündigungen"])],
        .hungarian: [("A szerződések aláírása", ["szerződés", "szerződéseket"]), ("házban", ["ház", "háznak"])],
        .italian: [("I contratti sono firmati", ["contratto"]), ("l'attività dell'azienda", ["aziende", "attività"])],
        .norwegian: [("Kontraktene er undertegnet", ["kontrakt", "kontrakter"]), ("husene på øya", ["hus", "øya", "oya"])],
        .portuguese: [("Os contratos são assinados", ["contrato", "assinado"]), ("a educação pública", ["educações", "públicas"])],
        .romanian: [
            ("Contractele sunt semnate", ["contract", "contractul"]), ("și naţionale", ["naționale", "nat\u{326}ionale"]),
        ],
        .russian: [("Договоры подписаны", ["договор", "договора"]), ("зелёная ёлка", ["елка", "ёлки", "е\u{308}лку"])],
        .spanish: [("Los contratos están firmados", ["contrato", "firmado"]), ("las canciones", ["canción", "cancio\u{301}n"])],
        .swedish: [("Avtalen är undertecknade", ["avtal"]), ("flickornas hästar", ["flicka", "häst"])],
    ]
}
