import MillraceCore

/// Where what can be made again is kept for a while: the seam behind which memory, a directory and Redis sit.
///
/// A cache may lose anything at any time, and never gives what has expired. One that fails gives nothing: ``value(for:)`` then returns `nil`
/// and ``set(_:for:expiresIn:)`` does nothing, both logged, so that whoever asks makes the value anew.
public protocol Cache: Sendable {
    /// The value of a key; `nil`: there is none any more.
    /// - Parameter key: 1 to 1,024 bytes of UTF-8.
    /// - Throws: ``ErrorCode/invalidInput`` for a key that is none; `CancellationError`.
    func value(for key: String) async throws -> [UInt8]?

    /// Keeps a value.
    /// - Parameters:
    ///   - value: as long as the cache permits (1 MiB unless configured); a longer one is not kept, nor is the key's old one.
    ///   - expiresIn: how long it is given out; `nil`: as long as there is room; nothing is kept for a duration of zero or less.
    /// - Throws: as ``value(for:)``.
    func set(_ value: [UInt8], for key: String, expiresIn: Duration?) async throws

    /// Drops a value.
    /// - Throws: as ``value(for:)``; ``ErrorCode/storageUnavailable`` (retryable) when the cache cannot be told, since it may then give the
    ///   value again later.
    func remove(_ key: String) async throws

    /// Drops everything that was kept through this cache and the others of its name.
    /// - Throws: `CancellationError`; ``ErrorCode/storageUnavailable`` as ``remove(_:)``. Some of it may be gone then.
    func removeAll() async throws
}
