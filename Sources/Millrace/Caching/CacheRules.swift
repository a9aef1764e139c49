package import MillraceCore

/// What every cache holds keys to.
package enum CacheRules {
    package static let keyByteLimit = 1024

    /// - Throws: ``ErrorCode/invalidInput`` for a key that is none.
    package static func check(key: String) throws(MillraceError) {
        let count = key.utf8.count
        guard (1...keyByteLimit).contains(count) else {
            throw MillraceError(.invalidInput, "a key of a cache has \(count) bytes: expected 1 to \(keyByteLimit)")
        }
    }
}
