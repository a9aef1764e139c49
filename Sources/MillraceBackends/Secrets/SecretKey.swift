import CCrypto
import FoundationEssentials
import MillraceCore

/// A key of 256 bits. Its memory is wiped when it is let go.
final class SecretKey: @unchecked Sendable {  // Sendable: the bytes are written in `init` and `deinit` only.
    static let byteCount = 32

    private let bytes: UnsafeMutableBufferPointer<UInt8>
    /// What names the key without telling it: the first 8 bytes of its SHA-256, in 16 hexadecimal digits.
    let id: String

    init(_ source: [UInt8]) {
        precondition(source.count == Self.byteCount, "a key has 32 bytes")
        bytes = .allocate(capacity: Self.byteCount)
        _ = bytes.initialize(from: source)
        var digest = [UInt8](repeating: 0, count: 32)
        _ = SHA256(source, source.count, &digest)
        id = Base16.text(digest.prefix(8))
    }

    deinit {
        OPENSSL_cleanse(bytes.baseAddress, Self.byteCount)
        bytes.deallocate()
    }

    var pointer: UnsafePointer<UInt8>? { UnsafePointer(bytes.baseAddress) }

    /// The key as it stands in a key file.
    var base64: String { Data(bytes).base64EncodedString() }

    /// A new key of the system's randomness.
    static func random() throws(MillraceError) -> SecretKey {
        var bytes = [UInt8](repeating: 0, count: byteCount)
        defer { bytes.wipe() }
        guard RAND_bytes(&bytes, Int32(byteCount)) == 1 else {
            throw MillraceError(.system, "libcrypto has no randomness for a new key")
        }
        return SecretKey(bytes)
    }

    /// Reads a key: 32 bytes in base64, or in 64 hexadecimal digits.
    /// - Returns: `nil` for what is none, and for 32 bytes that are text: somebody encoded a passphrase, which can be guessed.
    static func parse(_ text: some StringProtocol) -> SecretKey? {
        var bytes = Base16.bytes(text.lowercased()) ?? Data(base64Encoded: String(text)).map { Array($0) } ?? []
        defer { bytes.wipe() }
        guard bytes.count == byteCount, !bytes.allSatisfy({ (0x20...0x7E).contains($0) }), Set(bytes).count > 4 else { return nil }
        return SecretKey(bytes)
    }
}

/// Lower-case hexadecimal digits.
enum Base16 {
    static func text(_ bytes: some Sequence<UInt8>) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    /// - Returns: `nil` for anything but pairs of `0`–`9` and `a`–`f`.
    static func bytes(_ text: some StringProtocol) -> [UInt8]? {
        let digits = text.utf8.compactMap { digit -> UInt8? in
            switch digit {
            case 0x30...0x39: digit - 0x30
            case 0x61...0x66: digit - 0x61 + 10
            default: nil
            }
        }
        guard digits.count == text.utf8.count, digits.count % 2 == 0 else { return nil }
        return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }
}
