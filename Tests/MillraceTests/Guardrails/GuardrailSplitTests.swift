import MillraceCore
import Testing

@testable import Millrace

/// A guard sees what the reader sees: however a text is cut, what comes out is the guard applied to the whole.
@Suite struct GuardrailSplitTests {
    private static let rules: [GuardrailRule] = {
        do {
            return [
                GuardrailRule(personalData: .email), GuardrailRule(personalData: .creditCard), GuardrailRule(personalData: .phone),
                GuardrailRule(personalData: .iban), GuardrailRule(personalData: .ipAddress),
                try GuardrailRule(name: "words", words: ["project falcon", "falcon heavy", "cat"], mask: "#"),
                try GuardrailRule(name: "open", pattern: "<b>.*</b>", mask: "@"),
                try GuardrailRule(name: "aa", pattern: "a{3,}", mask: "A"),
            ]
        } catch { preconditionFailure("\(error)") }
    }()
    private static let blocking = rules + [try? GuardrailRule(name: "no", words: ["stop here"], action: .block)].compactMap { $0 }

    private static func joined(_ pieces: [GuardedText.Piece]) -> String {
        pieces.map { piece in
            switch piece {
            case .text(let text): text
            case .masked(let mask, _): mask
            case .blocked(let rule): "<\(rule)>"
            }
        }.joined()
    }

    private static func guarded(_ pieces: [String], _ rules: [GuardrailRule]) -> String {
        var text = GuardedText(rules)
        var out = ""
        for piece in pieces {
            text.append(piece)
            out += joined(text.take(isWhole: false))
        }
        return out + joined(text.take(isWhole: true))
    }

    private static func cut(_ text: String, at places: [Int]) -> [String] {
        let scalars = Array(text.unicodeScalars)
        let bounds = [0] + places.sorted() + [scalars.count]
        return zip(bounds, bounds.dropFirst()).map { low, high in
            var view = String.UnicodeScalarView()
            view.append(contentsOf: scalars[low..<high])
            return String(view)
        }
    }

    static let texts = [
        "Write to jo@example.org or +49 30 1234567, card 4111 1111 1111 1111.", "Project Falcon heavy cat, project  falcon", "concat cat",
        "<b>bold <b>and</b> more</b> and <b>open", "aaaa aa aaaaaa", "DE89 3704 0044 0532 0130 00x", "1.2.3.4.5 10.0.0.1", "a", "",
        "e\u{301}cat\u{301} cat",
        "stop here and go", "we stop\nhere", "stop  her", "4111 1111 1111 1111 1111 stop here",
    ]

    @Test(arguments: texts)
    func everyCutInTwo_andScalarByScalar_givesTheSame(text: String) {
        for rules in [Self.rules, Self.blocking] {
            let whole = Self.joined(GuardedText.pieces(of: text, rules))
            let count = text.unicodeScalars.count
            for place in 0...count { #expect(Self.guarded(Self.cut(text, at: [place]), rules) == whole, "cut at \(place)") }
            #expect(Self.guarded(Self.cut(text, at: Array(0..<count)), rules) == whole)
        }
    }

    @Test(arguments: 0..<5)
    func randomTextsRandomlyCut_giveTheSame(seed: UInt64) {
        var generator = SplitMix(seed: seed)
        let parts = [
            "cat", " ", "project", "falcon", "heavy", "aaa", "a", "<b>", "</b>", "4111", "1111", "-", ".", "@", "jo", "example", "org",
            "+49", "30",
            "stop", "here", "\n", "10", "é",
        ]
        for _ in 0..<60 {
            let text = (0..<Int.random(in: 1...14, using: &generator)).map { _ in parts.randomElement(using: &generator) ?? "" }.joined()
            let count = text.unicodeScalars.count
            for rules in [Self.rules, Self.blocking] {
                let whole = Self.joined(GuardedText.pieces(of: text, rules))
                for _ in 0..<6 {
                    let places = (0..<Int.random(in: 0...6, using: &generator)).map { _ in Int.random(in: 0...count, using: &generator) }
                    #expect(Self.guarded(Self.cut(text, at: places), rules) == whole, "\(text) cut at \(places)")
                }
            }
        }
    }

    @Test func text_leavesAsSoonAsItIsDecided() throws {
        var text = GuardedText([try GuardrailRule(name: "w", words: ["cat"])])
        text.append("dogs and ")
        #expect(text.take(isWhole: false) == [.text("dogs and ")])
        text.append("ca")
        #expect(text.take(isWhole: false).isEmpty)
        text.append("r ")
        #expect(text.take(isWhole: false) == [.text("car ")])
    }

    @Test func unendingMatch_holdsABoundedText() throws {
        var text = GuardedText([try GuardrailRule(name: "p", pattern: "<b>.*</b>")])
        text.append("<b>" + String(repeating: "x", count: 5000))
        let out = text.take(isWhole: false)
        #expect(out == [.text("<b>" + String(repeating: "x", count: 5000))])
    }
}
