import CLinux

/// Makes identifiers with 128 random bits from the kernel, written in Crockford's base 32, lower case.
public enum Identifier {
    /// A new identifier such as `r_1v7h…`: the prefix, an underscore and 26 characters.
    public static func make(prefix: StaticString) -> String {
        let bits = RandomBits()
        return String(unsafeUninitializedCapacity: prefix.utf8CodeUnitCount + 1 + RandomBits.textLength) { buffer in
            guard let start = buffer.baseAddress else { return 0 }
            return bits.write(prefix: prefix, to: start)
        }
    }
}

/// The 128 random bits of an identifier, which is written as text only where somebody asks for it.
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

    /// Writes the identifier's text to `start`, where there must be room for the prefix, an underscore and ``textLength`` bytes.
    /// - Returns: how many bytes were written.
    package func write(prefix: StaticString, to start: UnsafeMutablePointer<UInt8>) -> Int {
        let alphabet = ("0123456789abcdefghjkmnpqrstvwxyz" as StaticString).utf8Start  // A literal lives as long as the program.
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
