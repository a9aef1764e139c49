import CCrypto
import MillraceCore

/// A file of a ``DirectoryCache``.
///
/// | bytes | |
/// |---|---|
/// | 8 | `MRCACHE1` |
/// | 8 | when it was made, microseconds since 1970, little-endian as all numbers |
/// | 8 | when it expires; 2⁶³−1: never |
/// | 4, 4 | the lengths of key and value |
/// | 32 | SHA-256 of all other bytes, in their order |
/// | | key, value |
struct DirectoryCacheEntry: Equatable {
    static let headByteCount = 64
    private static let magic = Array("MRCACHE1".utf8)

    var madeAt: Timestamp
    var expiresAt: Timestamp
    var key: [UInt8]
    var value: [UInt8]

    /// Whether it may be given out. One that was made in the future is of a clock that was set back since, and says nothing about its age.
    func isValid(at now: Timestamp) -> Bool { madeAt <= now && now < expiresAt }

    var encoded: [UInt8] {
        var bytes = Self.magic
        for number in [UInt64(bitPattern: madeAt.microseconds), UInt64(bitPattern: expiresAt.microseconds)] {
            bytes += (0..<8).map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) }
        }
        for count in [key.count, value.count] { bytes += (0..<4).map { UInt8(truncatingIfNeeded: count >> ($0 * 8)) } }
        return bytes + Self.digest(bytes, key, value) + key + value
    }

    /// - Returns: `nil` for a file that is cut off, damaged, or none of these.
    init?(parsing bytes: [UInt8]) {
        guard bytes.count >= Self.headByteCount, Array(bytes[..<8]) == Self.magic else { return nil }
        func number(_ range: Range<Int>) -> UInt64 { range.reversed().reduce(0) { $0 << 8 | UInt64(bytes[$1]) } }
        let (keyCount, valueCount) = (Int(number(24..<28)), Int(number(28..<32)))
        guard bytes.count == Self.headByteCount + keyCount + valueCount else { return nil }
        let valueStart = Self.headByteCount + keyCount
        key = Array(bytes[Self.headByteCount..<valueStart])
        value = Array(bytes[valueStart...])
        madeAt = Timestamp(microseconds: Int64(bitPattern: number(8..<16)))
        expiresAt = Timestamp(microseconds: Int64(bitPattern: number(16..<24)))
        guard Array(bytes[32..<Self.headByteCount]) == Self.digest(Array(bytes[..<32]), key, value) else { return nil }
    }

    init(madeAt: Timestamp, expiresAt: Timestamp, key: [UInt8], value: [UInt8]) {
        self.madeAt = madeAt
        self.expiresAt = expiresAt
        self.key = key
        self.value = value
    }

    /// A key's place within the directory: two digits of its SHA-256, a slash, and the others.
    static func place(of key: [UInt8]) -> String {
        let digits = Base16.text(digest(key))
        return digits.prefix(2) + "/" + digits.dropFirst(2)
    }

    private static func digest(_ parts: [UInt8]...) -> [UInt8] {
        let bytes = Array(parts.joined())
        var digest = [UInt8](repeating: 0, count: 32)
        _ = SHA256(bytes, bytes.count, &digest)
        return digest
    }
}
