import CLinux

/// Makes identifiers with 128 random bits from the kernel, written in Crockford's base 32, lower case.
public enum Identifier {
    private static let alphabet = Array("0123456789abcdefghjkmnpqrstvwxyz".utf8)

    /// A new identifier such as `r_1v7h…`: the prefix, an underscore and 26 characters.
    public static func make(prefix: StaticString) -> String {
        var words: (high: UInt64, low: UInt64) = (0, 0)
        withUnsafeMutableBytes(of: &words) { cl_random16($0.baseAddress) }
        var (high, low) = words
        return String(unsafeUninitializedCapacity: prefix.utf8CodeUnitCount + 27) { buffer in
            var n = 0
            for i in 0..<prefix.utf8CodeUnitCount {
                buffer[n] = prefix.utf8Start[i]
                n += 1
            }
            buffer[n] = UInt8(ascii: "_")
            n += 1
            alphabet.withUnsafeBufferPointer { alphabet in
                for _ in 0..<13 {
                    buffer[n] = alphabet[Int(high & 31)]
                    high >>= 5
                    n += 1
                }
                for _ in 0..<13 {
                    buffer[n] = alphabet[Int(low & 31)]
                    low >>= 5
                    n += 1
                }
            }
            return n
        }
    }
}
