import CCrypto
import MillraceCore

/// AES-256 in Galois/Counter Mode (NIST SP 800-38D) with nonces of 96 random bits and tags of 128 bits, by libcrypto.
enum AESGCM {
    static let nonceByteCount = 12
    static let tagByteCount = 16

    /// A text that was encrypted, with what it takes to know it again.
    struct Box: Equatable, Sendable {
        var nonce: [UInt8]
        /// The ciphertext and then the tag.
        var bytes: [UInt8]
    }

    /// Encrypts under a nonce of its own.
    /// - Parameter context: what is not encrypted, and must be the same when the box is opened.
    static func seal(_ text: [UInt8], _ key: SecretKey, context: [UInt8]) throws(MillraceError) -> Box {
        var nonce = [UInt8](repeating: 0, count: nonceByteCount)
        guard RAND_bytes(&nonce, Int32(nonceByteCount)) == 1, let state = EVP_CIPHER_CTX_new() else { throw failure }
        defer { EVP_CIPHER_CTX_free(state) }
        var bytes = [UInt8](repeating: 0, count: text.count + tagByteCount)
        var length: Int32 = 0
        let isDone = bytes.withUnsafeMutableBytes { bytes in
            let out = bytes.bindMemory(to: UInt8.self).baseAddress
            return EVP_EncryptInit_ex(state, EVP_aes_256_gcm(), nil, key.pointer, nonce) == 1
                && EVP_EncryptUpdate(state, nil, &length, context, Int32(context.count)) == 1
                && (text.isEmpty || EVP_EncryptUpdate(state, out, &length, text, Int32(text.count)) == 1)
                && EVP_EncryptFinal_ex(state, out.map { $0 + text.count }, &length) == 1
                && EVP_CIPHER_CTX_ctrl(state, EVP_CTRL_AEAD_GET_TAG, Int32(tagByteCount), out.map { $0 + text.count }) == 1
        }
        guard isDone else { throw failure }
        return Box(nonce: nonce, bytes: bytes)
    }

    /// Decrypts.
    /// - Returns: the text; `nil` where the key, the context or any bit of the box is another.
    static func open(_ box: Box, _ key: SecretKey, context: [UInt8]) throws(MillraceError) -> [UInt8]? {
        guard box.nonce.count == nonceByteCount, box.bytes.count >= tagByteCount else { return nil }
        guard let state = EVP_CIPHER_CTX_new() else { throw failure }
        defer { EVP_CIPHER_CTX_free(state) }
        let count = box.bytes.count - tagByteCount
        var text = [UInt8](repeating: 0, count: count)
        var tag = Array(box.bytes[count...])
        var length: Int32 = 0
        guard EVP_DecryptInit_ex(state, EVP_aes_256_gcm(), nil, key.pointer, box.nonce) == 1,
            EVP_DecryptUpdate(state, nil, &length, context, Int32(context.count)) == 1,
            text.isEmpty || EVP_DecryptUpdate(state, &text, &length, box.bytes, Int32(count)) == 1,
            EVP_CIPHER_CTX_ctrl(state, EVP_CTRL_AEAD_SET_TAG, Int32(tagByteCount), &tag) == 1
        else { throw failure }
        // There is nothing left to write, and libcrypto wants a place for it.
        var rest: UInt8 = 0
        guard EVP_DecryptFinal_ex(state, &rest, &length) == 1 else {
            text.wipe()
            return nil
        }
        return text
    }

    private static var failure: MillraceError { MillraceError(.system, "libcrypto cannot encrypt or decrypt now") }
}

extension [UInt8] {
    /// Overwrites the bytes with zeros, which no optimisation leaves out.
    mutating func wipe() { withUnsafeMutableBytes { OPENSSL_cleanse($0.baseAddress, $0.count) } }
}
