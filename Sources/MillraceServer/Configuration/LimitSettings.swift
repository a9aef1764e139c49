/// What one connection may ask of the server. Every limit has its own HTTP status or ends the connection.
public struct LimitSettings: Equatable, Sendable {
    /// Open connections; a further one gets 503 and is closed (default: 10,000).
    public var maxConnections = 10_000
    /// Bytes of a request line (default: 8,192).
    public var requestLineBytes = 8192
    /// Header fields of a request (default: 100).
    public var headerCount = 100
    /// Bytes of all header fields of a request (default: 32,768).
    public var headerBytes = 32768
    /// Bytes of a request body (default: 10 MiB).
    public var bodyBytes = 10_485_760
    /// Bytes that the bodies of all requests may hold in memory while they are read, without the first 64 KiB of each (default: 256 MiB).
    public var bodyMemoryBytes = 268_435_456
    /// Values in a JSON body, nested ones among them (default: 100,000).
    public var jsonValues = 100_000
    /// Seconds until a request's head must be complete (default: 10).
    public var headerTimeoutSeconds = 10.0
    /// Seconds that a connection may stay open between requests (default: 75).
    public var idleTimeoutSeconds = 75.0
    /// The slowest average rate of a request body, in bytes a second (default: 240).
    public var minBodyBytesPerSecond = 240
    /// Seconds before the body's rate is looked at (default: 5).
    public var bodyGraceSeconds = 5.0
    /// Seconds that a request body may bring nothing, however fast it came before (default: 30).
    public var bodyStallTimeoutSeconds = 30.0
    /// Seconds that a reader may take nothing before it is closed (default: 30).
    public var writeStallTimeoutSeconds = 30.0
    /// Bytes that may wait for a reader on one connection (default: 65,536).
    public var writeBufferBytes = 65536

    /// Bytes of a page of messages or chats: one that would be longer ends earlier, with one item at least (default: 4 MiB).
    public var pageBytes = 4_194_304

    /// Limits with their defaults.
    public init() {}
}
