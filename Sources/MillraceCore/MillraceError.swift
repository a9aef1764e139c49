/// What went wrong, as a stable lower-case name. An open set: every layer and every handler may add its own.
public struct ErrorCode: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    /// The name, such as `invalid_json`.
    public let rawValue: String
    /// A code of that name.
    public init(rawValue: String) { self.rawValue = rawValue }
    /// The name.
    public var description: String { rawValue }

    /// The text is not JSON.
    public static let invalidJSON = ErrorCode(rawValue: "invalid_json")
    /// A value from a person or a client is not allowed.
    public static let invalidInput = ErrorCode(rawValue: "invalid_input")
    /// What was asked for does not exist, or belongs to somebody else.
    public static let notFound = ErrorCode(rawValue: "not_found")
    /// The thing exists already, or is in a state that forbids what was asked.
    public static let conflict = ErrorCode(rawValue: "conflict")
    /// A configured limit was reached.
    public static let limitExceeded = ErrorCode(rawValue: "limit_exceeded")
    /// The work took longer than it may.
    public static let timeout = ErrorCode(rawValue: "timeout")
    /// The work was cancelled.
    public static let cancelled = ErrorCode(rawValue: "cancelled")
    /// The server is about to stop.
    public static let serverShutdown = ErrorCode(rawValue: "server_shutdown")
    /// The store cannot take or give data now.
    public static let storageUnavailable = ErrorCode(rawValue: "storage_unavailable")
    /// The store's disk is full.
    public static let storageFull = ErrorCode(rawValue: "storage_full")
    /// The language model failed.
    public static let modelError = ErrorCode(rawValue: "model_error")
    /// A model is configured and cannot be used, for want of a key or another model.
    public static let modelUnavailable = ErrorCode(rawValue: "model_unavailable")
    /// The handler failed.
    public static let handlerError = ErrorCode(rawValue: "handler_error")
    /// A setting is wrong.
    public static let configuration = ErrorCode(rawValue: "configuration")
    /// The operating system refused a call.
    public static let system = ErrorCode(rawValue: "system")
    /// A defect of Millrace's own.
    public static let `internal` = ErrorCode(rawValue: "internal")
}

/// An error that helps: what was wrong, what to do, and whether trying again can help.
///
/// A task handler throws one to end its run with a clear `error` event: code and message reach the client, the cause only the log.
public struct MillraceError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What went wrong.
    public var code: ErrorCode
    /// A sentence for the person who meets the error: what was wrong and what to do.
    public var message: String
    /// More facts for the client, such as the field that was wrong.
    public var details: [String: JSONValue]
    /// The underlying error's text; it is logged and never sent.
    public var cause: String?
    /// Whether the same call may succeed later.
    public var isRetryable: Bool

    /// Creates an error.
    public init(
        _ code: ErrorCode, _ message: String, details: [String: JSONValue] = [:], cause: (any Error)? = nil, isRetryable: Bool = false
    ) {
        self.code = code
        self.message = message
        self.details = details
        self.cause = cause.map { "\($0)" }
        self.isRetryable = isRetryable
    }

    /// `code: message (cause)`, for logs and terminals.
    public var description: String {
        cause.map { "\(code): \(message) (\($0))" } ?? "\(code): \(message)"
    }
}
