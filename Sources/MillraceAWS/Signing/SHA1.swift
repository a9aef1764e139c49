import CCrypto

/// SHA-1 (FIPS 180-4) by libcrypto, for names of cache files that AWS's tools chose with it; it protects nothing.
enum SHA1 {
    /// The digest of a text's UTF-8 in lower-case hexadecimal digits.
    static func hexadecimal(_ text: String) -> String {
        var digest = [UInt8](repeating: 0, count: 20)
        let bytes = Array(text.utf8)
        _ = CCrypto.SHA1(bytes, bytes.count, &digest)
        return Hexadecimal.text(digest)
    }
}
