import CLinux

/// Makes identifiers of what is stored: ten characters of the time in milliseconds, highest digit first, and sixteen that are random, in
/// Crockford's base 32, lower case. The order is ULID's (github.com/ulid/spec).
///
/// What is made one after the other so stands side by side in an index over identifiers: however large that is, a new one changes a page at its
/// end, which is in memory. 78 random bits keep them from being guessed.
public enum Identifier {
    /// A new identifier such as `r_01kaq5…`: the prefix, an underscore and 26 characters. Those of a later millisecond sort behind it.
    public static func make(prefix: StaticString) -> String { make(prefix: prefix, at: .now()) }

    /// As ``make(prefix:)``, made at that time.
    package static func make(prefix: StaticString, at time: Timestamp) -> String {
        let bits = RandomBits()
        return String(unsafeUninitializedCapacity: prefix.utf8CodeUnitCount + 1 + RandomBits.textLength) { buffer in
            guard let start = buffer.baseAddress else { return 0 }
            let count = bits.write(prefix: prefix, to: start)
            RandomBits.write(milliseconds: UInt64(clamping: time.microseconds / 1000), to: start + (prefix.utf8CodeUnitCount + 1))
            return count
        }
    }
}

/// The 128 random bits of an identifier that is not stored, which is written as text only where somebody asks for it.
package struct RandomBits: Equatable, Sendable {
    private let high: UInt64
    private let low: UInt64

    /// The length of the text behind the prefix and its underscore, in bytes.
    package static let textLength = 26

    /// New bits from the kernel's generator.
    package init() {
        var words: (high: UInt64, low: UInt64) = (0, 0)
        withUnsafeMutableBytes(of: &words) { cl_random16($0.baseAddress) }
        (high, low) = words
    }

    private static var alphabet: UnsafePointer<UInt8> {
        // A literal lives as long as the program.
        ("0123456789abcdefghjkmnpqrstvwxyz" as StaticString).utf8Start
    }

    /// Writes 50 bits over the first ten characters of a text, in the order of their worth.
    static func write(milliseconds: UInt64, to start: UnsafeMutablePointer<UInt8>) {
        var rest = milliseconds
        for place in (0..<10).reversed() {
            start[place] = alphabet[Int(rest & 31)]
            rest >>= 5
        }
    }

    /// Writes the identifier's text to `start`, where there must be room for the prefix, an underscore and ``textLength`` bytes.
    /// - Returns: how many bytes were written.
    package func write(prefix: StaticString, to start: UnsafeMutablePointer<UInt8>) -> Int {
        let alphabet = Self.alphabet
        let prefixLength = prefix.utf8CodeUnitCount
        start.update(from: prefix.utf8Start, count: prefixLength)
        start[prefixLength] = UInt8(ascii: "_")
        func spell(_ word: UInt64, at place: UnsafeMutablePointer<UInt8>) {
            var rest = word
            for i in 0..<13 {
                place[i] = alphabet[Int(rest & 31)]
                rest >>= 5
            }
        }
        spell(high, at: start + (prefixLength + 1))
        spell(low, at: start + (prefixLength + 14))
        return prefixLength + 1 + Self.textLength
    }
}
