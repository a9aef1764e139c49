/// What a pre-tokeniser's pattern asks of a Unicode scalar: its general category, as far as the patterns tell categories apart.
struct ScalarClass: OptionSet, Sendable {
    let rawValue: UInt8

    /// `\p{Lu}` and `\p{Lt}`.
    static let upper = ScalarClass(rawValue: 1)
    /// `\p{Ll}`.
    static let lower = ScalarClass(rawValue: 2)
    /// `\p{Lm}` and `\p{Lo}`.
    static let caseless = ScalarClass(rawValue: 4)
    /// `\p{M}`.
    static let mark = ScalarClass(rawValue: 8)
    /// `\p{N}`.
    static let number = ScalarClass(rawValue: 16)
    /// `\s`: the property White_Space.
    static let space = ScalarClass(rawValue: 32)
    /// `[\r\n]`; these are `\s` too.
    static let newline = ScalarClass(rawValue: 64)

    /// `\p{L}`.
    static let letter: ScalarClass = [.upper, .lower, .caseless]

    /// Whether the scalar is in one of the classes.
    @inline(__always) func isAny(of classes: ScalarClass) -> Bool { rawValue & classes.rawValue != 0 }
}
