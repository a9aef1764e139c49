/// What a pattern is made of.
indirect enum GuardPatternNode: Equatable, Sendable {
    case empty
    case set(ScalarSet)
    /// A letter of a class that stands for any letter, digit or mark; negated: anything else.
    case word(isNegated: Bool)
    case sequence([GuardPatternNode])
    case choice([GuardPatternNode])
    case repeated(GuardPatternNode, least: Int, most: Int?)
    /// Between a word and something else (or not).
    case boundary(isNegated: Bool)
}

/// Reads the syntax of patterns: the part of regular expressions that can be matched in one pass, without going back.
///
/// Source: the common core of ECMAScript's `Pattern` (ECMA-262, section 22.2.1), without assertions but `\b` and `\B`, and without references.
struct GuardPatternParser {
    /// Why a text is no pattern.
    struct Failure: Error, Equatable {
        var message: String
        /// Where, in characters from 1.
        var position: Int
    }

    private let scalars: [Unicode.Scalar]
    private var index = 0
    private var depth = 0
    static let depthLimit = 50
    static let repeatLimit = 1000

    private init(_ text: String) { scalars = Array(text.unicodeScalars) }

    static func parse(_ text: String) throws(Failure) -> GuardPatternNode {
        var parser = GuardPatternParser(text)
        let node = try parser.choice()
        if parser.index < parser.scalars.count { throw parser.failure("there is no '(' for this ')'") }
        return node
    }

    private func failure(_ message: String, at position: Int? = nil) -> Failure {
        Failure(message: message, position: (position ?? index) + 1)
    }

    private var next: Unicode.Scalar? { index < scalars.count ? scalars[index] : nil }

    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard next == scalar else { return false }
        index += 1
        return true
    }

    private mutating func choice() throws(Failure) -> GuardPatternNode {
        var branches = [try sequence()]
        while take("|") { branches.append(try sequence()) }
        return branches.count == 1 ? branches[0] : .choice(branches)
    }

    private mutating func sequence() throws(Failure) -> GuardPatternNode {
        var nodes: [GuardPatternNode] = []
        while let scalar = next, scalar != "|", scalar != ")" { nodes.append(try quantified()) }
        return nodes.isEmpty ? .empty : nodes.count == 1 ? nodes[0] : .sequence(nodes)
    }

    private mutating func quantified() throws(Failure) -> GuardPatternNode {
        let start = index
        let node = try atom()
        guard let (least, most) = try quantifier() else { return node }
        if case .boundary = node { throw failure("a boundary cannot be repeated", at: start) }
        if next == "?" || next == "+" || next == "*" {
            throw failure("only one repetition is allowed here, and none that is lazy or possessive")
        }
        return .repeated(node, least: least, most: most)
    }

    private mutating func quantifier() throws(Failure) -> (Int, Int?)? {
        if take("*") { return (0, nil) }
        if take("+") { return (1, nil) }
        if take("?") { return (0, 1) }
        guard next == "{" else { return nil }
        let start = index
        index += 1
        guard let least = try number() else {
            throw failure("expected a number of repetitions, such as {2,5}; a brace itself is \\{", at: start)
        }
        var most: Int? = least
        if take(",") { most = try number() }
        guard take("}") else { throw failure("expected } after the number of repetitions", at: start) }
        if let most, most < least { throw failure("the most repetitions are fewer than the least", at: start) }
        return (least, most)
    }

    private mutating func number() throws(Failure) -> Int? {
        let start = index
        var value = 0
        while let scalar = next, (0x30...0x39).contains(scalar.value) {
            value = value * 10 + Int(scalar.value - 0x30)
            index += 1
            if value > Self.repeatLimit { throw failure("at most \(Self.repeatLimit) repetitions", at: start) }
        }
        return index > start ? value : nil
    }

    private mutating func atom() throws(Failure) -> GuardPatternNode {
        guard let scalar = next else { return .empty }
        switch scalar {
        case "(": return try group()
        case "[": return .set(try set())
        case ".":
            index += 1
            return .set(ScalarSet([0x0A...0x0A, 0x0D...0x0D, 0x2028...0x2029], isNegated: true))
        case "\\": return try escape()
        case "*", "+", "?", "{": throw failure("nothing to repeat; the character itself is \\\(scalar)")
        case "^", "$":
            throw failure("patterns are looked for anywhere in a text, '\(scalar)' is not known; the character itself is \\\(scalar)")
        default:
            index += 1
            return .set(ScalarSet(scalar))
        }
    }

    private mutating func group() throws(Failure) -> GuardPatternNode {
        let start = index
        index += 1
        if take("?") {
            guard take(":") else { throw failure("of groups that begin with (? only (?: is known", at: start) }
        }
        depth += 1
        if depth > Self.depthLimit { throw failure("more than \(Self.depthLimit) groups within each other", at: start) }
        let node = try choice()
        depth -= 1
        guard take(")") else { throw failure("this '(' has no ')'", at: start) }
        return node
    }

    private mutating func escape() throws(Failure) -> GuardPatternNode {
        let start = index
        index += 1
        guard let scalar = next else { throw failure("nothing follows the backslash", at: start) }
        index += 1
        switch scalar {
        case "w": return .word(isNegated: false)
        case "W": return .word(isNegated: true)
        case "b": return .boundary(isNegated: false)
        case "B": return .boundary(isNegated: true)
        default:
            guard let set = Self.escaped(scalar) else { throw failure(Self.unknown(scalar), at: start) }
            return .set(set)
        }
    }

    private static func unknown(_ scalar: Unicode.Scalar) -> String { "'\\\(scalar)' is not known" }

    /// What an escape stands for, in and out of a class; `nil` for a letter or digit that stands for nothing.
    private static func escaped(_ scalar: Unicode.Scalar) -> ScalarSet? {
        switch scalar {
        case "d": return .digits
        case "D": return ScalarSet.digits.inverted()
        case "s": return .space
        case "S": return ScalarSet.space.inverted()
        case "t": return ScalarSet("\t")
        case "n": return ScalarSet("\n")
        case "r": return ScalarSet("\r")
        default:
            let isPlain = scalar.value < 0x80 && !ScalarSet.isWord(scalar)
            return isPlain ? ScalarSet(scalar) : nil
        }
    }

    private mutating func set() throws(Failure) -> ScalarSet {
        let start = index
        index += 1
        let isNegated = take("^")
        var set = ScalarSet([])
        var isEmpty = true
        while let scalar = next, scalar != "]" {
            let place = index
            isEmpty = false
            let first = try member(scalar)
            guard case .scalar(let low) = first, next == "-", index + 1 < scalars.count, scalars[index + 1] != "]" else {
                switch first {
                case .scalar(let value): set.formUnion(ScalarSet(value))
                case .set(let inner): set.formUnion(inner)
                }
                continue
            }
            index += 1
            guard let end = next, case .scalar(let high) = try member(end) else {
                throw failure("a range ends with a character", at: place)
            }
            guard low.value <= high.value else { throw failure("a range's end is before its beginning", at: place) }
            set.formUnion(ScalarSet([low.value...high.value]))
        }
        guard take("]") else { throw failure("this '[' has no ']'", at: start) }
        if isEmpty { throw failure("an empty class matches nothing; the character itself is \\[", at: start) }
        return isNegated ? set.inverted() : set
    }

    private enum Member {
        case scalar(Unicode.Scalar)
        case set(ScalarSet)
    }

    private mutating func member(_ scalar: Unicode.Scalar) throws(Failure) -> Member {
        let start = index
        index += 1
        guard scalar == "\\" else { return .scalar(scalar) }
        guard let escaped = next else { throw failure("nothing follows the backslash", at: start) }
        index += 1
        switch escaped {
        case "t": return .scalar("\t")
        case "n": return .scalar("\n")
        case "r": return .scalar("\r")
        case "w":
            // Within a class: the letters, digits and underscore of ASCII and Latin.
            return .set(ScalarSet([0x30...0x39, 0x41...0x5A, 0x5F...0x5F, 0x61...0x7A, 0xC0...0x24F]))
        default:
            guard let set = Self.escaped(escaped) else { throw failure(Self.unknown(escaped), at: start) }
            return ScalarSet.isWord(escaped) ? .set(set) : .scalar(escaped)
        }
    }
}
