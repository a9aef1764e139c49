/// How data is kept.
public struct StoreSettings: Equatable, Sendable {
    /// When a commit counts as done: SQLite's `synchronous` setting in WAL mode.
    public enum Synchronous: String, Sendable, CaseIterable {
        /// The disk has it: survives a power loss.
        case full
        /// The kernel has it: survives a crash of the server; a power loss may take the last commits.
        case normal
        /// As `normal`, and a power loss may damage the file. For tests and throw-away data.
        case off
    }

    /// When a commit counts as done (default: full).
    public var synchronous = Synchronous.full
    /// Connections that read at the same time, each with a thread (default: 2).
    public var readers = 2

    /// Settings with their defaults.
    public init() {}
}
