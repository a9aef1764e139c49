/// SplitMix64 (Steele, Lea and Flood 2014): random numbers that a test can repeat.
struct SeededGenerator: RandomNumberGenerator, Sendable {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

/// Always the same number: 1 makes `random(in:)` return the lower bound, `UInt64.max` the upper. With 0 it would ask for another for ever.
struct ConstantGenerator: RandomNumberGenerator, Sendable {
    let value: UInt64
    static let lowest = ConstantGenerator(value: 1)
    static let highest = ConstantGenerator(value: .max)
    mutating func next() -> UInt64 { value }
}
