/// A pattern that is looked for in a text which comes in pieces, in time linear in the text.
///
/// It is a nondeterministic automaton whose states are followed side by side, so that no pattern makes it go back.
/// Source: K. Thompson, "Regular expression search algorithm" (1968); the instructions are those of R. Cox, "Regular expression matching: the
/// virtual machine approach" (2009).
struct GuardPattern: Equatable, Sendable {
    private enum Instruction: Equatable, Sendable {
        case set(ScalarSet)
        case word(isNegated: Bool)
        case split(Int, Int)
        case jump(Int)
        case boundary(isNegated: Bool)
        case match
    }

    /// What is known of a match that begins at a place.
    enum Decision: Equatable {
        case none
        /// Matches of these lengths in scalars, rising.
        case lengths([Int])
        /// More of the text must be seen.
        case undecided
    }

    private var program: [Instruction] = []
    private let ignoresCase: Bool
    /// What a match can begin with, boundaries aside.
    private var beginnings: [Instruction] = []

    static let instructionLimit = 4000
    /// The longest match that is looked for, in scalars: it bounds what a stream holds back, and the time that a pattern takes.
    static let longestMatch = 1000

    /// - Throws: ``GuardPatternParser/Failure``.
    init(_ text: String, ignoresCase: Bool = true) throws(GuardPatternParser.Failure) {
        try self.init(try GuardPatternParser.parse(text), ignoresCase: ignoresCase)
    }

    init(_ node: GuardPatternNode, ignoresCase: Bool = true) throws(GuardPatternParser.Failure) {
        self.ignoresCase = ignoresCase
        try compile(node)
        program.append(.match)
        beginnings = firstInstructions()
        if Self.canBeEmpty(node) {
            throw GuardPatternParser.Failure(message: "the pattern also matches nothing at all, which is everywhere", position: 1)
        }
    }

    private static func canBeEmpty(_ node: GuardPatternNode) -> Bool {
        switch node {
        case .empty, .boundary: true
        case .set, .word: false
        case .sequence(let nodes): nodes.allSatisfy(canBeEmpty)
        case .choice(let nodes): nodes.contains(where: canBeEmpty)
        case .repeated(let node, let least, _): least == 0 || canBeEmpty(node)
        }
    }

    private mutating func compile(_ node: GuardPatternNode) throws(GuardPatternParser.Failure) {
        if program.count > Self.instructionLimit {
            throw GuardPatternParser.Failure(
                message: "the pattern has more than \(Self.instructionLimit) states: repeat less, or make several patterns of it",
                position: 1)
        }
        switch node {
        case .empty: break
        case .set(let set): program.append(.set(set))
        case .word(let isNegated): program.append(.word(isNegated: isNegated))
        case .boundary(let isNegated): program.append(.boundary(isNegated: isNegated))
        case .sequence(let nodes): for node in nodes { try compile(node) }
        case .choice(let nodes):
            var ends: [Int] = []
            for (index, node) in nodes.enumerated() {
                guard index + 1 < nodes.count else {
                    try compile(node)
                    break
                }
                let split = program.count
                program.append(.split(split + 1, 0))
                try compile(node)
                ends.append(program.count)
                program.append(.jump(0))
                program[split] = .split(split + 1, program.count)
            }
            for end in ends { program[end] = .jump(program.count) }
        case .repeated(let node, let least, let most):
            let start = program.count
            for _ in 0..<least {
                try compile(node)
                // Nothing, however often, is nothing.
                if program.count == start { return }
            }
            guard let most else {
                let split = program.count
                program.append(.split(split + 1, 0))
                try compile(node)
                program.append(.jump(split))
                program[split] = .split(split + 1, program.count)
                return
            }
            var splits: [Int] = []
            for _ in least..<max(most, least) {
                splits.append(program.count)
                program.append(.split(program.count + 1, 0))
                let begun = program.count
                try compile(node)
                if program.count == begun { break }
            }
            for split in splits { program[split] = .split(split + 1, program.count) }
        }
    }

    private func firstInstructions() -> [Instruction] {
        var pending = [0]
        var seen: Set<Int> = []
        var found: [Instruction] = []
        while let state = pending.popLast() {
            guard seen.insert(state).inserted else { continue }
            switch program[state] {
            case .jump(let target): pending.append(target)
            case .split(let first, let second): pending += [second, first]
            case .boundary: pending.append(state + 1)
            case .set, .word: found.append(program[state])
            case .match: break
            }
        }
        return found
    }

    /// Follows all matches that begin at a place, of at most ``longestMatch`` scalars.
    /// - Parameters:
    ///   - start: the place in `text`.
    ///   - before: the scalar before `text`, if any.
    ///   - isWhole: whether nothing follows `text`.
    func match(_ text: [GuardScalar], at start: Int, before: Unicode.Scalar?, isWhole: Bool) -> Decision {
        guard beginnings.contains(where: { accepts($0, text[start]) }) else { return .none }
        var lengths: [Int] = []
        var states: [Int] = []
        var next: [Int] = [0]
        var marks = [Int](repeating: -1, count: program.count)
        var place = start
        while !next.isEmpty {
            guard place < text.count || isWhole else {
                guard isComplete(next) else { return .undecided }
                lengths.append(place - start)
                break
            }
            let left = place > 0 ? text[place - 1].scalar : before
            let right = place < text.count ? text[place].scalar : nil
            let isBoundary = left.map(ScalarSet.isWord) ?? false != right.map(ScalarSet.isWord) ?? false
            states.removeAll(keepingCapacity: true)
            var isMatch = false
            while let state = next.popLast() {
                guard marks[state] != place else { continue }
                marks[state] = place
                switch program[state] {
                case .jump(let target): next.append(target)
                case .split(let first, let second): next += [second, first]
                case .boundary(let isNegated): if isBoundary != isNegated { next.append(state + 1) }
                case .match: isMatch = true
                case .set, .word: states.append(state)
                }
            }
            if isMatch { lengths.append(place - start) }
            guard place < text.count, place - start < Self.longestMatch else { break }
            let scalar = text[place]
            for state in states where accepts(program[state], scalar) { next.append(state + 1) }
            place += 1
        }
        return lengths.isEmpty ? .none : .lengths(lengths)
    }

    /// Whether these states are the end of a match, whatever follows.
    private func isComplete(_ states: [Int]) -> Bool {
        states.allSatisfy { state in
            var state = state
            while case .jump(let target) = program[state] { state = target }
            return program[state] == .match
        }
    }

    private func accepts(_ instruction: Instruction, _ scalar: GuardScalar) -> Bool {
        switch instruction {
        case .set(let set): ignoresCase ? set.contains(scalar.scalar, lower: scalar.lower) : set.contains(scalar.scalar)
        case .word(let isNegated): ScalarSet.isWord(scalar.scalar) != isNegated
        default: false
        }
    }
}

/// A scalar with its small letter.
struct GuardScalar: Equatable, Sendable {
    let scalar: Unicode.Scalar
    let lower: Unicode.Scalar

    init(_ scalar: Unicode.Scalar) {
        self.scalar = scalar
        lower = ScalarSet.lower(scalar)
    }
}
