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
        let digits = Array("0123456789abcdef".utf8)
        return String(
            decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}
