import Millrace
import MillraceCore
import MillraceHTTPClient

/// Anthropic's errors as ours.
///
/// Source: <https://platform.claude.com/docs/en/api/errors>. A refusal has the body
/// `{"type":"error","error":{"type","message"},"request_id"}`; a stream that has begun ends with an event of that form.
enum MessagesFailure {
    /// The kinds of error that another attempt can help with.
    private static let passing: Set<String> = ["api_error", "overloaded_error", "rate_limit_error", "timeout_error"]

    private static func advice(_ kind: String?) -> String {
        switch kind {
        case "overloaded_error": ": it is overloaded; try again later"
        case "rate_limit_error": ": it limits the rate of requests; try again later"
        case "api_error", "timeout_error": ": try again later"
        case "authentication_error", "permission_error": ": check its API key"
        case "billing_error": ": check the account's billing"
        case "request_too_large": ": send fewer or shorter documents and images"
        default: ""
        }
    }

    /// The error of a response whose status is no success.
    static func refused(_ refusal: ModelEndpoint.Refusal, server: String) -> MillraceError {
        let said = refusal.json["error"]
        let kind = said?["type"]?.string
        var reason = said?["message"]?.string
        if reason == nil {
            // A proxy's page says nothing that its status does not; a plain sentence does.
            let text = refusal.text.prefix(200)
            reason = text.isEmpty || text.first == "<" || !refusal.json.isNull ? nil : String(text)
        }
        if refusal.status == 413 || kind == "request_too_large" {
            reason = (reason.map { $0 + "; " } ?? "") + "the request is too large: send fewer or shorter documents and images"
        }
        var error = refusal.error(provider: server, reason: reason, kind: kind)
        if error.details["provider_request_id"] == nil, let id = refusal.json["request_id"] { error.details["provider_request_id"] = id }
        if let kind, passing.contains(kind) { error.isRetryable = true }
        // The server's own word, which Anthropic's clients obey too.
        if let says = refusal.headers["x-should-retry"] { error.isRetryable = says == "true" }
        return error
    }

    /// The error of an `error` event.
    static func streamed(_ json: JSONValue, server: String, requestID: String?) -> MillraceError {
        let kind = json["error"]?["type"]?.string
        let reason = json["error"]?["message"]?.string.map { " (\($0.prefix(500)))" } ?? ""
        var details: [String: JSONValue] = [:]
        if let kind { details["provider_error"] = .string(kind) }
        if let id = json["request_id"]?.string ?? requestID { details["provider_request_id"] = .string(id) }
        return MillraceError(
            .modelError, "the model's server \(server) broke the answer off with \(kind ?? "an error")\(advice(kind))\(reason)",
            details: details, isRetryable: kind.map { passing.contains($0) } ?? false)
    }

    /// The error of an answer that is not what the API documents, or ends early.
    static func unreadable(_ problem: String, server: String, requestID: String?, isRetryable: Bool = false) -> MillraceError {
        MillraceError(
            .modelError, "the model's server \(server) \(problem)", details: requestID.map { ["provider_request_id": .string($0)] } ?? [:],
            isRetryable: isRetryable)
    }
}
