import CCrypto

/// SHA-256 (FIPS 180-4) and HMAC (RFC 2104) over it, by libcrypto.
package enum SHA256 {
    /// The digest of some bytes, 32 bytes.
    package static func hash(_ bytes: some Collection<UInt8>) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: 32)
        let isDone: Void? = bytes.withContiguousStorageIfAvailable { _ = CCrypto.SHA256($0.baseAddress, $0.count, &digest) }
        if isDone == nil {
            let copy = Array(bytes)
            _ = CCrypto.SHA256(copy, copy.count, &digest)
        }
        return digest
    }

    /// The digest in lower-case hexadecimal digits.
    package static func hexadecimal(_ bytes: some Collection<UInt8>) -> String { Hexadecimal.text(hash(bytes)) }

    /// The message authentication code of some bytes, 32 bytes.
    package static func authenticationCode(of message: [UInt8], key: [UInt8]) -> [UInt8] {
        var code = [UInt8](repeating: 0, count: 32)
        var length: UInt32 = 0
        _ = HMAC(EVP_sha256(), key, Int32(key.count), message, message.count, &code, &length)
        return code
    }
}

/// Lower-case hexadecimal digits.
package enum Hexadecimal {
    package static func text(_ bytes: [UInt8]) -> String {
        String(unsafeUninitializedCapacity: bytes.count * 2) { out in
            for (index, byte) in bytes.enumerated() {
                out[2 * index] = digit(byte >> 4)
                out[2 * index + 1] = digit(byte & 15)
            }
            return bytes.count * 2
        }
    }

    private static func digit(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 + value : 0x57 + value }
}
