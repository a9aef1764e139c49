/// A text that comes in pieces, and what rules make of it.
///
/// What comes out is the same however the text is cut into pieces: at each place the longest match of all rules counts, of equally long ones that
/// of the earlier rule; where none begins, the scalar passes. A place is decided once no rule can see more in what is still to come.
struct GuardedText {
    /// A stretch of the text as it goes on.
    enum Piece: Equatable {
        case text(String)
        /// A match; `text` is its mask.
        case masked(String, rule: String)
        /// A match that ends everything.
        case blocked(rule: String)
    }

    private let rules: [GuardrailRule]
    private var pending: [GuardScalar] = []
    private var before: Unicode.Scalar?
    private var isBlocked = false
    /// How many scalars have been taken in, and how many of them are decided.
    private(set) var received = 0
    private(set) var decided = 0

    init(_ rules: [GuardrailRule]) { self.rules = rules }

    /// Whether nothing waits.
    var isIdle: Bool { pending.isEmpty }

    /// What is not decided yet.
    var waiting: String { GuardrailRule.string(pending[...]) }

    /// Takes a piece of the text in.
    mutating func append(_ text: String) {
        for scalar in text.unicodeScalars { pending.append(GuardScalar(scalar)) }
        received += text.unicodeScalars.count
    }

    /// What is decided, in order.
    /// - Parameters:
    ///   - isWhole: whether the text ends here.
    ///   - limit: stops at the first decision at or behind this many scalars from the text's beginning (default: none).
    mutating func take(isWhole: Bool, until limit: Int = .max) -> [Piece] {
        var pieces: [Piece] = []
        var start = 0
        var place = 0
        func flush() {
            if place > start { pieces.append(.text(GuardrailRule.string(pending[start..<place]))) }
        }
        scan: while place < pending.count, decided + place < limit, !isBlocked {
            var best: (length: Int, rule: GuardrailRule)?
            for rule in rules {
                switch rule.match(pending, at: place, before: before, isWhole: isWhole) {
                case .undecided: break scan
                case .none: continue
                case .lengths(let lengths):
                    if let length = lengths.last, length > best?.length ?? 0 { best = (length, rule) }
                }
            }
            guard let (length, rule) = best else {
                place += 1
                continue
            }
            flush()
            if rule.action == .block {
                pieces.append(.blocked(rule: rule.name))
                isBlocked = true
            } else {
                pieces.append(.masked(rule.mask, rule: rule.name))
            }
            place += length
            start = place
        }
        flush()
        if place > 0 {
            before = pending[place - 1].scalar
            pending.removeFirst(place)
            decided += place
        }
        if isBlocked { pending = [] }
        return pieces
    }

    /// What rules make of a whole text.
    static func pieces(of text: String, _ rules: [GuardrailRule]) -> [Piece] {
        var guarded = GuardedText(rules)
        guarded.append(text)
        return guarded.take(isWhole: true)
    }
}
