import MillraceCore
import MillraceHTTPClient

extension MillraceError {
    /// A failure of the transport as the failure of the model behind it; any other error as it is.
    ///
    /// Handlers and readers know models, not connections. Whether a retry can help stays as the transport says.
    func asModelFailure(provider: String) -> MillraceError {
        let what: String
        switch code {
        case .unreachable: what = "cannot be reached"
        case .connectionLost: what = "broke the connection before the answer was complete"
        case .timeout: what = "took too long to answer"
        case .limitExceeded: what = "sent more than is taken"
        case .circuitOpen: what = "has failed so often that it is left alone for a while"
        default: return self
        }
        var failure = MillraceError(
            .modelError, "the model's server \(provider) \(what)", details: details, isRetryable: isRetryable)
        failure.details["transport_error"] = .string(code.rawValue)
        failure.cause = description
        return failure
    }
}
