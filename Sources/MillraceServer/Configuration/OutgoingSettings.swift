/// How other servers are called: models, and what else is reached over HTTP. The bounds hold for each endpoint (scheme, host and port).
public struct OutgoingSettings: Equatable, Sendable {
    /// A file of CA certificates in PEM form that is trusted instead of the system's (default: the system's store).
    public var caFile: String?
    /// Requests at once to one endpoint, counted until their responses are read (default: 256).
    public var maxConcurrentRequests = 256
    /// Requests that may wait for their turn (default: 1024).
    public var queuedRequests = 1024
    /// How long a request may wait for its turn, in seconds (default: 30).
    public var queueSeconds = 30.0
    /// How often a request is sent at most, the first time included (default: 3).
    public var attempts = 3
    /// The longest wait that a server's `Retry-After` may ask for, in seconds; beyond it the failure is reported (default: 30).
    public var longestRetryAfterSeconds = 30.0
    /// How long an endpoint that keeps failing is left alone, in seconds (default: 15).
    public var circuitOpenSeconds = 15.0

    /// Settings with their defaults.
    public init() {}
}

/// How tokens are counted before a call, for the rules that choose models.
public struct TokenSettings: Equatable, Sendable {
    /// A vocabulary file in tiktoken's form (`*.tiktoken`); `nil`: about four characters a token (default).
    public var vocabularyFile: String?

    /// Settings with their defaults.
    public init() {}
}
