/// What the soak's clients do, in which proportion, and in an order that a seed repeats.
struct SoakMix {
    enum Action: String, CaseIterable {
        /// A stream that is read to its end.
        case stream
        /// A run that is answered at once.
        case invoke
        /// A stream whose reader goes away in the middle.
        case disconnect
        /// A stream whose reader goes away, comes back with `Last-Event-ID`, and reads on.
        case reconnect
        /// A run that is cancelled.
        case cancel
        /// A file that is uploaded, read and deleted.
        case upload
        /// Pages of runs, chats, files and handlers.
        case list
        /// The same start sent twice under one key.
        case repeated
        /// Requests that are refused, malformed ones among them.
        case refused
        /// A run whose handler fails.
        case failing
        /// A reader that takes a little at a time, and goes.
        case slow
        /// A chat that is deleted with all that it has.
        case delete
    }

    /// How often each comes, of the sum of all.
    static let weights: [(action: Action, weight: Int)] = [
        (.stream, 24), (.invoke, 10), (.disconnect, 12), (.reconnect, 12), (.cancel, 10), (.upload, 6), (.list, 8), (.repeated, 6),
        (.refused, 6), (.failing, 4), (.slow, 1), (.delete, 6),
    ]

    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> Action {
        var point = Int(random() % UInt64(Self.weights.reduce(0) { $0 + $1.weight }))
        for (action, weight) in Self.weights {
            if point < weight { return action }
            point -= weight
        }
        return .stream
    }

    /// A number below `limit`.
    mutating func number(below limit: Int) -> Int { Int(random() % UInt64(limit)) }

    /// SplitMix64 (Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014).
    private mutating func random() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
