import Testing

@testable import Millrace

@Suite struct GuardPatternTests {
    private static func scalars(_ text: String) -> [GuardScalar] { text.unicodeScalars.map { GuardScalar($0) } }

    private static func lengths(_ pattern: String, _ text: String, at start: Int = 0, ignoresCase: Bool = true) throws -> [Int] {
        let decision = try GuardPattern(pattern, ignoresCase: ignoresCase).match(scalars(text), at: start, before: nil, isWhole: true)
        if case .lengths(let lengths) = decision { return lengths }
        #expect(decision == .none)
        return []
    }

    @Test(
        arguments: [
            ("abc", "abcd", [3]), ("abc", "abd", []), ("a|ab|abc", "abcd", [1, 2, 3]), ("a+", "aaab", [1, 2, 3]),
            ("ab*", "abb", [1, 2, 3]),
            ("ab?c", "ac", [2]), ("a{2,3}", "aaaa", [2, 3]), ("a{2}", "aaaa", [2]), ("a{2,}", "aaaa", [2, 3, 4]), ("[a-c]x", "bx", [2]),
            ("[^a-c]x", "bx", []), ("[^a-c]x", "dx", [2]), ("[\\]\\-a]+", "]-a", [1, 2, 3]), ("[a-]+", "a-", [1, 2]), ("a.c", "a\nc", []),
            ("a.c", "aüc", [3]), ("\\d{2}", "12", [2]), ("\\w+", "aß_9!", [1, 2, 3, 4]), ("\\W", "a", []), ("\\s", "\u{A0}", [1]),
            ("\\bab\\b", "ab c", [2]), ("\\bab\\b", "abc", []), ("\\bab\\B", "abc", [2]), ("(?:ab)+c", "ababc", [5]), ("a\\.b", "a.b", [3]),
            ("A", "a", [1]), ("[A-Z]", "ö", []), ("[Ö]", "ö", [1]), ("Ä", "ä", [1]), ("[^\\d]", "x", [1]), ("[\\D]", "5", []),
            ("a\\tb", "a\tb", [3]), ("x(|y)z", "xz", [2]), ("x(a|b){2}", "xab", [3]),
        ] as [(String, String, [Int])])
    func matches_haveTheseLengths(pattern: String, text: String, expected: [Int]) throws {
        #expect(try Self.lengths(pattern, text) == expected)
    }

    @Test func case_countsWhereItIsAskedFor() throws {
        #expect(try Self.lengths("Ab", "ab", ignoresCase: false) == [])
        #expect(try Self.lengths("Ab", "Ab", ignoresCase: false) == [2])
    }

    @Test(
        arguments: [
            ("(a", 1, "has no ')'"), ("a)", 2, "no '(' for"), ("[a", 1, "has no ']'"), ("a**", 3, "only one repetition"),
            ("a+?", 3, "lazy"),
            ("*a", 1, "nothing to repeat"), ("^a", 1, "anywhere in a text"), ("a$", 2, "anywhere"), ("(?=a)b", 1, "only (?:"),
            ("\\k", 1, "not known"),
            ("a\\", 2, "nothing follows"), ("a{1001}", 3, "at most 1000"), ("a{3,2}", 2, "fewer"), ("a{x}", 2, "expected a number"),
            ("[z-a]", 2, "before its beginning"), ("[]", 1, "empty class"), ("a*", 1, "nothing at all"), ("", 1, "nothing at all"),
            ("a||b", 1, "nothing at all"),
            ("\\b", 1, "nothing at all"), ("\\b+a", 1, "boundary cannot be repeated"), ("(a{100}){100}", 1, "more than 4000 states"),
            ("a{2", 2, "expected }"),
        ])
    func wrongPattern_saysWhatAndWhere(pattern: String, position: Int, part: String) {
        do {
            _ = try GuardPattern(pattern)
            Issue.record("accepted")
        } catch {
            #expect(error.message.contains(part))
            #expect(error.position == position)
        }
    }

    @Test func groupsWithinEachOther_haveALimit() {
        #expect(throws: Never.self) { try GuardPattern(String(repeating: "(", count: 50) + "a" + String(repeating: ")", count: 50)) }
        #expect(throws: GuardPatternParser.Failure.self) {
            try GuardPattern(String(repeating: "(", count: 51) + "a" + String(repeating: ")", count: 51))
        }
    }

    /// A place is decided as soon as no more text could change the decision, and not before.
    @Test(
        arguments: [
            ("abc", "ab", true), ("abc", "abc", false), ("abc", "xb", false), ("a+", "aa", true), ("a{2}", "aa", false),
            ("ab\\b", "ab", true),
            ("ab\\b", "ab ", false), ("a{1,2}", "a", true), ("a.*z", "abc", true),
        ])
    func place_isUndecidedWhileMoreCouldMatch(pattern: String, text: String, isUndecided: Bool) throws {
        let decision = try GuardPattern(pattern).match(Self.scalars(text), at: 0, before: nil, isWhole: false)
        #expect((decision == .undecided) == isUndecided)
    }

    /// What is nothing is not repeated: this would be 10^15 copies.
    @Test func nothingRepeated_isNothing() throws {
        #expect(try Self.lengths("(((((){1000}){1000}){1000}){1000}){1000}a", "a") == [1])
        #expect(throws: GuardPatternParser.Failure.self) { try GuardPattern("(((((){0,1000}){0,1000}){0,1000}){0,1000}){0,1000}a") }
    }

    @Test func match_isAtMostAThousandLong() throws {
        let text = String(repeating: "a", count: 1500)
        #expect(try Self.lengths("a+", text).last == 1000)
        let decision = try GuardPattern("a+").match(Self.scalars(String(text.prefix(1001))), at: 0, before: nil, isWhole: false)
        #expect(decision != .undecided)
    }

    /// Whether a match begins at each place of random texts, against Swift's own regular expressions.
    @Test(arguments: [
        "a+b?", "(ab|ba)+c", "[a-c]{2,3}d", "a(b|c)*d", "(a|ab)(c|bcd)", "[^a]b", "a{0,2}b{1,3}", "(?:a|b|cd)+e?c", "(a+b+)+c",
        "d(a?b?c?){2}d",
    ])
    func matches_areThoseOfSwiftsRegex(pattern: String) throws {
        let own = try GuardPattern(pattern)
        let reference = try Regex(pattern).matchingSemantics(.unicodeScalar)
        var generator = SplitMix(seed: 7)
        for _ in 0..<60 {
            let text = String((0..<12).map { _ in "abcde".randomElement(using: &generator) ?? "a" })
            let scalars = Self.scalars(text)
            for start in 0..<scalars.count {
                let rest = text[text.index(text.startIndex, offsetBy: start)...]
                let isMatch = try reference.prefixMatch(in: rest) != nil
                #expect((own.match(scalars, at: start, before: nil, isWhole: true) != .none) == isMatch, "\(text) at \(start)")
            }
        }
    }
}

/// A generator that gives the same numbers for a seed. Source: G. Steele, D. Lea, C. Flood, "Fast splittable pseudorandom number generators" (2014).
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}
