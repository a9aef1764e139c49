public import MillraceCore

/// One rule of a guardrail: what it looks for, and what happens then.
public struct GuardrailRule: Sendable {
    /// What happens to a match.
    public enum Action: String, CaseIterable, Sendable {
        /// A mask stands in its place.
        case mask
        /// The run ends `blocked`; what stood before the match has been sent.
        case block
    }

    /// Which texts a rule looks at.
    public enum Side: String, CaseIterable, Sendable {
        /// What the user says.
        case input
        /// What the reader is sent.
        case output
    }

    /// What the rule is called in logs and in what readers are told. Never a part of what it matches.
    public let name: String
    /// What happens to a match.
    public let action: Action
    /// Where it looks.
    public let sides: Set<Side>
    /// What stands in a match's place.
    public let mask: String
    let patterns: [GuardPattern]
    let accepts: @Sendable (String) -> Bool

    /// Denied words and phrases: whole words, whatever their case, with any white space between them, and with invisible characters within
    /// them.
    /// - Throws: ``ErrorCode/invalidInput`` for no words, or words that hold nothing that could be looked for.
    public init(
        name: String, words: [String], action: Action = .mask, sides: Set<Side> = [.input, .output], mask: String? = nil
    ) throws(MillraceError) {
        var patterns: [GuardPattern] = []
        for word in words {
            guard let node = Self.phrase(word), let pattern = try? GuardPattern(node) else {
                throw MillraceError(
                    .invalidInput, "'\(word.prefix(60))' is no word that can be looked for: give letters or digits, at most 200")
            }
            patterns.append(pattern)
        }
        guard !patterns.isEmpty else { throw MillraceError(.invalidInput, "there are no words to look for") }
        self.init(name, patterns, action, sides, mask)
    }

    /// A pattern, whatever the case.
    /// - Parameter pattern: the core of regular expressions: characters, `.`, classes, `\d \s \w \b`, groups, `|`, `? * + {n,m}`. Matches of
    ///   at most 1,000 characters are found.
    /// - Throws: ``ErrorCode/invalidInput`` that says what is wrong with the pattern, and where.
    public init(
        name: String, pattern: String, action: Action = .mask, sides: Set<Side> = [.input, .output], mask: String? = nil
    ) throws(MillraceError) {
        let compiled: GuardPattern
        do throws(GuardPatternParser.Failure) { compiled = try GuardPattern(pattern) } catch {
            throw MillraceError(.invalidInput, "character \(error.position): \(error.message)")
        }
        self.init(name, [compiled], action, sides, mask)
    }

    /// A kind of personal data.
    public init(personalData kind: PersonalData, action: Action = .mask, sides: Set<Side> = [.input, .output], mask: String? = nil) {
        // The patterns of all kinds are compiled by a test.
        let pattern = (try? GuardPattern(kind.pattern)).map { [$0] } ?? []
        self.init(kind.rawValue, pattern, action, sides, mask ?? kind.mask) { kind.accepts($0) }
    }

    /// Phrases by which a text tries to give a model orders that are not its user's or operator's. They are the commonest ones in English and
    /// German; who wants around them finds a way, so this is one fence among others.
    public init(promptInjection action: Action, sides: Set<Side> = [.input], mask: String? = nil) {
        let patterns = InjectionMarkers.patterns.compactMap { try? GuardPattern($0) }
        self.init("prompt_injection", patterns, action, sides, mask)
    }

    private init(
        _ name: String, _ patterns: [GuardPattern], _ action: Action, _ sides: Set<Side>, _ mask: String?,
        accepts: @escaping @Sendable (String) -> Bool = { _ in true }
    ) {
        self.name = name
        self.patterns = patterns
        self.action = action
        self.sides = sides
        self.mask = mask ?? "[removed]"
        self.accepts = accepts
    }

    /// A phrase as a pattern: its words' characters with up to four invisible ones behind each, white space between them.
    private static func phrase(_ text: String) -> GuardPatternNode? {
        let words = text.unicodeScalars.split { ScalarSet.space.contains($0) }
        guard !words.isEmpty, text.unicodeScalars.count <= 200 else { return nil }
        let invisible = ScalarSet([0xAD...0xAD, 0x200B...0x200D, 0x2060...0x2060, 0xFEFF...0xFEFF])
        var gap = ScalarSet.space
        gap.formUnion(invisible)
        var nodes: [GuardPatternNode] = []
        for (index, word) in words.enumerated() {
            if index > 0 { nodes.append(.repeated(.set(gap), least: 1, most: 8)) }
            for (place, scalar) in word.enumerated() {
                if place > 0 { nodes.append(.repeated(.set(invisible), least: 0, most: 4)) }
                nodes.append(.set(ScalarSet(ScalarSet.lower(scalar))))
            }
        }
        // A boundary only where a word character is at the edge: "C++" ends with none.
        if let first = words.first?.first, ScalarSet.isWord(first) { nodes.insert(.boundary(isNegated: false), at: 0) }
        if let last = words.last?.last, ScalarSet.isWord(last) { nodes.append(.boundary(isNegated: false)) }
        return .sequence(nodes)
    }

    /// The longest match at a place that can be what is looked for.
    func match(_ text: [GuardScalar], at start: Int, before: Unicode.Scalar?, isWhole: Bool) -> GuardPattern.Decision {
        var best = 0
        for pattern in patterns {
            switch pattern.match(text, at: start, before: before, isWhole: isWhole) {
            case .none: continue
            case .undecided: return .undecided
            case .lengths(let lengths):
                let found = lengths.reversed().first { $0 > best && accepts(Self.string(text[start..<(start + $0)])) }
                best = max(best, found ?? 0)
            }
        }
        return best > 0 ? .lengths([best]) : .none
    }

    static func string(_ scalars: ArraySlice<GuardScalar>) -> String {
        var text = String.UnicodeScalarView()
        text.append(contentsOf: scalars.lazy.map(\.scalar))
        return String(text)
    }
}

/// The phrases of ``GuardrailRule/init(promptInjection:sides:mask:)``.
enum InjectionMarkers {
    private static let before =
        #"(?:all |any |everything |the |your |my |of ){0,4}(?:previous|prior|above|preceding|earlier|foregoing|system|initial|original)"#

    static let patterns = [
        #"\b(?:ignore|disregard|forget|override|bypass|skip) "# + before
            + #"(?: (?:instruction|prompt|direction|rule|guideline|message|command|context|text|constraint)s?){1,3}\b"#,
        #"\b(?:reveal|show|print|repeat|output|tell me|give me|display) (?:me |us ){0,1}(?:your|the) (?:full |entire |hidden |secret |original |initial ){0,2}(?:system (?:prompt|message|instructions?)|initial (?:prompt|instructions?)|hidden (?:prompt|instructions?))\b"#,
        #"\byou are (?:now|no longer) (?:in )?(?:DAN|developer mode|jailbroken|unrestricted|unfiltered|bound by)\b"#,
        #"\b(?:enable|enter|activate|switch to) (?:developer|debug|god|jailbreak|DAN) mode\b"#,
        #"\bpretend (?:that )?you (?:have|are) (?:no|not bound by|free of|without)(?: any)? (?:rules|restrictions|guidelines|limits|limitations|filters)\b"#,
        #"<\|(?:im_start|im_end|system|endoftext)\|>"#, #"\[/?INST\]"#, #"<</?SYS>>"#,
        #"\b(?:ignoriere|missachte|vergiss) (?:alle |sämtliche |die |deine |aller ){0,3}(?:vorherigen|bisherigen|vorigen|obigen|früheren|ursprünglichen) (?:anweisungen|vorgaben|regeln|befehle|instruktionen|nachrichten)\b"#,
    ]
}
