import Millrace
import MillraceCore
import Testing

extension SearchConformance {
    /// The passages of the only document found.
    private static func passages(
        _ index: any SearchIndex, _ text: SearchQuery.Text, _ highlight: SearchQuery.Highlight = .init(),
        _ location: SourceLocation = #_sourceLocation
    ) async throws -> [String: [String]] {
        let hits = try await index.search(SearchQuery(text: text, highlight: highlight)).hits
        #expect(hits.count == 1, sourceLocation: location)
        return hits.first?.highlights ?? [:]
    }

    static let highlightCases: [SearchConformanceCase] = [
        .init(.highlights, "wordsThatWereFound_areMarked_inTheFormTheyStandIn") { engine in
            let index = try await notes(engine, ["1": "The tenant pays. Tenants paid the TENANT's rent."])
            #expect(
                try await passages(index, .match("tenants"), .init(before: "[", after: "]"))
                    .mapValues { $0.map { $0.replacing("]'s", with: "'s]") } } == [
                        "body": ["The [tenant] pays. [Tenants] paid the [TENANT's] rent."]
                    ])
            #expect(try await index.search(SearchQuery(text: .match("tenants"))).hits.map(\.highlights) == [[:]])
        },
        .init(.highlights, "fields_areThoseAskedForInWhichSomethingWasFound") { engine in
            let index = try await index(
                engine, articles, [.init(id: "1", fields: ["title": "Mills", "body": "a mill"]), .init(id: "2", fields: ["title": "x"])])
            #expect(try await passages(index, .match("mill")) == ["body": ["a <em>mill</em>"]])
            #expect(try await passages(index, .match("mills")) == ["title": ["<em>Mills</em>"], "body": ["a <em>mill</em>"]])
            #expect(try await passages(index, .match("mills"), .init(fields: ["title"])) == ["title": ["<em>Mills</em>"]])
            #expect(try await passages(index, .match("mills", fields: ["body": 1])) == ["body": ["a <em>mill</em>"]])
            let mixed = SearchQuery.Text.boolean(must: [.match("mills", fields: ["title": 1])], mustNot: [.match("oven")])
            #expect(try await passages(index, mixed) == ["title": ["<em>Mills</em>"]])
        },
        .init(.highlights, "htmlInAText_isLeftAsItIs") { engine in
            let text = "<b>wind</b> & \"mill\" <script>'x'</script>"
            let index = try await notes(engine, ["1": .init(text)])
            #expect(
                try await passages(index, .match("mill"), .init(before: "\u{2}", after: "\u{3}")) == [
                    "body": ["<b>wind</b> & \"\u{2}mill\u{3}\" <script>'x'</script>"]
                ])
        },
        .init(.highlights, "passages_areBounded_inTheOrderOfTheText") { engine in
            let filler = { (count: Int) in (0..<count).map { "filler\($0) words stand here." }.joined(separator: " ") }
            let text =
                "The first mill. \(filler(40)) The second mill. \(filler(40)) The third mill. \(filler(40)) The fourth mill. \(filler(10))"
            let index = try await notes(engine, ["1": text])
            for (fragments, length) in [(1, 60), (2, 60), (3, 100), (4, 150), (10, 80)] {
                let found = try await passages(index, .match("mill"), .init(fragments: fragments, fragmentLength: length))["body"] ?? []
                #expect(!found.isEmpty && found.count <= fragments, "\(fragments): \(found)")
                var rest = text[...]
                for passage in found {
                    #expect(passage.contains("<em>mill</em>"), "\(passage)")
                    let plain = passage.replacing("<em>", with: "").replacing("</em>", with: "")
                    #expect(plain.count <= 2 * length + 20, "\(plain.count) characters, asked for \(length)")
                    guard let place = rest.firstRange(of: plain) else {
                        Issue.record("not in the text behind the passage before: \(passage)")
                        break
                    }
                    rest = rest[place.upperBound...]
                }
            }
            #expect(try await passages(index, .match("mill"), .init(fragments: 4, fragmentLength: 50))["body"]?.count == 4)
        },
        .init(.highlights, "shortText_isOnePassage_andAMatchAtTheVeryEndIsMarked") { engine in
            let index = try await notes(engine, ["1": "wind, water and the mill"])
            #expect(try await passages(index, .match("mill")) == ["body": ["wind, water and the <em>mill</em>"]])
            #expect(try await passages(index, .match("wind")) == ["body": ["<em>wind</em>, water and the mill"]])
        },
        .init(.highlights, "oddText_isMarkedAtTheRightPlace") { engine in
            let index = try await notes(engine, ["1": "🌾🌾 Ünïcode — “mïll” 👩‍👩‍👧 naïve"])
            #expect(try await passages(index, .match("MILL naive")) == ["body": ["🌾🌾 Ünïcode — “<em>mïll</em>” 👩‍👩‍👧 <em>naïve</em>"]])
        },
        .init(.highlights, "wishesThatMakeNoSense_areRefused") { engine in
            let index = try await notes(engine, ["1": "mill"])
            let broken: [SearchQuery.Highlight] = [
                .init(fields: ["unknown"]), .init(fragments: 0), .init(fragments: 101), .init(fragmentLength: 19),
                .init(fragmentLength: 10_001), .init(before: String(repeating: "x", count: 257)),
            ]
            for highlight in broken {
                await refused { _ = try await index.search(SearchQuery(text: .match("mill"), highlight: highlight)) }
            }
        },
    ]
}
