import CCrypto

/// SHA-256 of bytes that come piece by piece, by libcrypto.
package struct SHA256Digest: ~Copyable, @unchecked Sendable {  // Sendable: the context has one owner, and moves with it.
    private let context: OpaquePointer?

    package init() {
        context = EVP_MD_CTX_new()
        EVP_DigestInit_ex(context, EVP_sha256(), nil)
    }

    deinit { EVP_MD_CTX_free(context) }

    package mutating func update(_ bytes: UnsafeRawBufferPointer) { EVP_DigestUpdate(context, bytes.baseAddress, bytes.count) }

    /// The digest of what was given so far, 32 bytes; more can follow.
    package func value() -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: 32)
        let copy = EVP_MD_CTX_new()
        defer { EVP_MD_CTX_free(copy) }
        EVP_MD_CTX_copy_ex(copy, context)
        EVP_DigestFinal_ex(copy, &digest, nil)
        return digest
    }
}
