extension CRC32 {
    /// The check value of two texts that stand one behind the other, out of theirs.
    ///
    /// A check value is a polynomial over GF(2), and bytes behind a text multiply it by a power of x, modulo the generator. The power is
    /// made by squaring (Mark Adler's answer to "How is a CRC32 combined?"; zlib's `crc32_combine` has the same result).
    /// - Parameter count: the second text's length in bytes.
    package static func combined(_ first: UInt32, _ second: UInt32, count: Int) -> UInt32 {
        var factor: UInt32 = 1 << 31
        // x^8, the shift of one byte; reflected, the highest bit is x^0.
        var square: UInt32 = 1 << 23
        var rest = count
        while rest > 0 {
            if rest & 1 == 1 { factor = product(square, factor) }
            square = product(square, square)
            rest >>= 1
        }
        return product(factor, first) ^ second
    }

    /// The product of two polynomials modulo the generator, all reflected.
    private static func product(_ left: UInt32, _ right: UInt32) -> UInt32 {
        var sum: UInt32 = 0
        var shifted = right
        for bit in stride(from: 31, through: 0, by: -1) {
            if left >> UInt32(bit) & 1 == 1 { sum ^= shifted }
            shifted = shifted & 1 == 1 ? shifted >> 1 ^ 0xEDB8_8320 : shifted >> 1
        }
        return sum
    }
}
