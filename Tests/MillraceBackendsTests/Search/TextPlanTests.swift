import Millrace
import MillraceCore
import Testing

@testable import MillraceBackends

@Suite struct TextPlanTests {
    private static let definition = SearchIndexDefinition(name: "x", textFields: [.init("a", analysis: .standard), .init("b", boost: 2)])

    /// Words between spaces; English leaves `the` out and takes an s off.
    private static func plan(_ text: SearchQuery.Text) throws -> TextPlan {
        try TextPlan(text, definition) { (text, analysis) throws(MillraceError) in
            text.split(separator: " ").map { word in
                let stem = word.hasSuffix("s") ? String(word.dropLast()) : String(word)
                return AnalysedWord(place: 0..<1, term: analysis == .standard ? String(word) : word == "the" ? nil : stem)
            }
        }
    }

    private static func expression(_ text: SearchQuery.Text) throws -> String {
        let plan = try plan(text)
        switch plan.match {
        case .nothing: return "nothing"
        case .rows(let rows): return plan.text(rows).text
        case .allBut(let rows): return "all but " + (rows.map { plan.text($0).text } ?? "none")
        }
    }

    @Test func texts_becomeExpressions() throws {
        let (x, y): (SearchQuery.Text, SearchQuery.Text) = (.match("x", fields: ["a": 1]), .match("y", fields: ["a": 1]))
        let cases: [(SearchQuery.Text, String)] = [
            (.match("mills"), #"(c0 : "mills" OR c1 : "mill")"#),
            (.match("x x", fields: ["b": 1]), #"c1 : "x""#),
            (.match("the", fields: ["b": 1]), "nothing"),
            (.match("x y", fields: ["a": 1], requiresAll: true), #"(c0 : "x" AND c0 : "y")"#),
            (.match("the x", requiresAll: true), #"((c0 : "x" OR c1 : "x") AND ((c0 : "x" OR c1 : "x") OR c0 : "the"))"#),
            (.phrase("the mills turn"), #"(c0 : "the mills turn" OR c1 : "mill turn")"#),
            (.boolean(must: [x], should: [y]), #"(c0 : "x" AND (c0 : "x" OR c0 : "y"))"#),
            (.boolean(should: [x, y]), #"(c0 : "x" OR c0 : "y")"#),
            (.boolean(must: [x], mustNot: [y]), #"(c0 : "x" NOT c0 : "y")"#),
            (.boolean(mustNot: [x, y]), #"all but (c0 : "x" OR c0 : "y")"#),
            (.boolean(), "all but none"),
            (.boolean(must: [.boolean(mustNot: [x]), y]), #"(c0 : "y" NOT c0 : "x")"#),
            (.boolean(should: [.boolean(mustNot: [x]), y]), #"all but (c0 : "x" NOT c0 : "y")"#),
            (.boolean(mustNot: [.boolean(mustNot: [x])]), #"c0 : "x""#),
            (.boolean(mustNot: [.boolean()]), "nothing"),
            (.boolean(must: [x, .match("the", fields: ["b": 1])]), "nothing"),
        ]
        for (text, expected) in cases { #expect(try Self.expression(text) == expected) }
    }

    @Test func quoteInATerm_staysInsideItsString() throws {
        #expect(try Self.expression(.match("x\"y", fields: ["a": 1])) == #"c0 : "x""y""#)
    }

    @Test func scores_followTheQuery() throws {
        let (x, y, z): (SearchQuery.Text, SearchQuery.Text, SearchQuery.Text) = (
            .match("x", fields: ["a": 1]), .match("y", fields: ["a": 1]), .match("z", fields: ["a": 1])
        )
        let plan = try Self.plan(
            .boolean(
                must: [x], should: [.match("y z", fields: ["a": 1], requiresAll: true)],
                mustNot: [.boolean(must: [y, .phrase("x y", fields: ["a": 1])])]))
        #expect(plan.phrases.map(\.terms) == [["x"], ["y"], ["z"], ["x", "y"]])
        for (weights, expected) in [
            ([1.0, 0, 0, 0], 1.0), ([1, 2, 0, 0], 1), ([1, 2, 4, 0], 7), ([0, 2, 4, 0], nil), ([1, 2, 4, 8], nil), ([1, 0, 4, 8], 1),
        ] as [([Double], Double?)] {
            #expect(TextPlan.score(plan.root, weights) == expected, "\(weights)")
        }
        let marked = try Self.plan(.boolean(must: [x], should: [y], mustNot: [z])).markedPhrases.map(\.terms)
        #expect(marked == [["x"], ["y"]])
    }

    @Test func tooManyWords_areRefused() {
        let text = (0..<3000).map { "w\($0)" }.joined(separator: " ")
        #expect { _ = try Self.plan(.match(text)) } throws: { ($0 as? MillraceError)?.code == .invalidInput }
    }
}
