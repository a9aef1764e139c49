/// The life of runs: how long, how many, and what their logs may hold in memory.
public struct RunSettings: Equatable, Sendable {
    /// The longest duration of a run, in seconds (default: 600).
    public var longestRunSeconds = 600.0
    /// Runs of one owner at the same time, attached or not (default: 10,000).
    public var maxConcurrentRunsPerOwner = 10_000
    /// Sequences that a commit reserves ahead: the widest gap that a crash can leave (default: 1,024).
    public var reservedSequences = 1024
    /// Bytes of a run that may wait for their commit before its handler waits (default: 262,144).
    public var uncommittedBytes = 262_144
    /// Bytes of a run's newest events that are kept in memory for its readers (default: 65,536).
    public var tailBytes = 65536
    /// Bytes of one encoded event (default: 1 MiB).
    public var eventBytes = 1_048_576
    /// Bytes of a run's whole log (default: 64 MiB).
    public var runBytes = 67_108_864
    /// Seconds of silence after which a stream gets a keep-alive comment (default: 15).
    public var keepAliveSeconds = 15.0
    /// The time to wait before reconnecting that streams tell their readers, in milliseconds (default: 2,000).
    public var retryMilliseconds = 2000
    /// Hours that an idempotency key is kept (default: 24).
    public var idempotencyHours = 24
    /// Seconds that a cancelled handler has to end by itself (default: 5).
    public var cancelGraceSeconds = 5.0
    /// Seconds that runs have to finish when the server is told to stop (default: 30).
    public var drainSeconds = 30.0
    /// Seconds that readers wait for a commit before they get `storage_unavailable` (default: 5).
    public var commitPatienceSeconds = 5.0

    /// Settings with their defaults.
    public init() {}
}
