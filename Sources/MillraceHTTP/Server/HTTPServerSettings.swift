/// The bounds of a server's connections. Every limit has its own answer, named with it.
package struct HTTPServerSettings: Equatable, Sendable {
    /// Bounds of a request's head and body.
    package var parser = HTTPParserLimits()
    /// Connections at once, over all loops; a further one gets 503 and is closed.
    package var maxConnections = 10_000
    /// From a request's first byte to the end of its head, in seconds; then 408.
    package var headerTimeoutSeconds = 10.0
    /// Between two requests, and from accepting a connection to its first byte, in seconds; then it is closed.
    package var idleTimeoutSeconds = 75.0
    /// The least rate at which a request's body must come, in bytes a second; below it, 408. 0 switches the check off.
    package var minBodyBytesPerSecond = 240
    /// How long a body may be slower than that at first, in seconds.
    package var bodyGraceSeconds = 5.0
    /// How long a request's body may bring nothing while its handler waits for it, however fast it came before, in seconds; then 408.
    package var bodyStallTimeoutSeconds = 30.0
    /// How long a client may take no byte of a response that waits, in seconds; then it is closed.
    package var writeStallTimeoutSeconds = 30.0
    /// How much of a response waits in memory for a client, in bytes; a body source is asked for more when less than this waits.
    package var writeBufferBytes = 64 << 10
    /// How much of a request's body waits in memory for its handler, in bytes.
    package var readBufferBytes = 64 << 10
    /// How long the rest of a refused request is read and dropped, so that the client gets to see the answer, in seconds.
    package var lingerSeconds = 2.0
    package init() {}
}

/// How long a connection waits for what, in nanoseconds, worked out once for all connections.
package struct HTTPTimeouts: Equatable, Sendable {
    let idle: Int64
    let head: Int64
    let linger: Int64
    let writeStall: Int64
    let bodyGrace: Int64
    let bodyStall: Int64
    let minBodyBytesPerSecond: Double

    package init(_ settings: HTTPServerSettings) {
        // A century is for ever, and leaves room to add it to any moment.
        func nanoseconds(_ seconds: Double) -> Int64 { Int64(min(max(seconds, 0), 3_155_760_000) * 1_000_000_000) }
        idle = nanoseconds(settings.idleTimeoutSeconds)
        head = nanoseconds(settings.headerTimeoutSeconds)
        linger = nanoseconds(settings.lingerSeconds)
        writeStall = nanoseconds(settings.writeStallTimeoutSeconds)
        bodyGrace = nanoseconds(settings.bodyGraceSeconds)
        bodyStall = nanoseconds(settings.bodyStallTimeoutSeconds)
        minBodyBytesPerSecond = Double(settings.minBodyBytesPerSecond)
    }
}
