import Millrace
import MillraceCore

/// What a server says went wrong, in any of the shapes in use, in the body of a refusal or in the middle of a stream.
///
/// | server | shape |
/// |---|---|
/// | OpenAI, Ollama, llama.cpp, newer vLLM, DeepSeek | `{"error": {"message", "type", "param", "code"}}`; `code` a string or a status |
/// | OpenRouter | `{"error": {"code": status, "message", "metadata": {"raw", "provider_name"}}}` |
/// | older vLLM | `{"object": "error", "message", "type", "param", "code": status}` |
/// | Ollama's own API, LM Studio | `{"error": "text"}` |
/// | FastAPI in front of a model | `{"detail": "text"}` or a list of `{"msg", "loc"}` |
/// | proxies | plain text, or HTML whose title is taken |
struct OpenAIProblem: Equatable {
    /// The server's own sentence.
    var message: String?
    /// The server's own name for it: the `code` where that is a name, otherwise the `type`.
    var kind: String?
    /// The member of the request that was wrong.
    var param: String?
    /// The HTTP status that a problem inside a stream would have had.
    var status: Int?

    /// Reads JSON; `nil` where it tells of no problem.
    init?(json: JSONValue) {
        let detail: JSONValue
        switch json["error"] {
        case .object?: detail = json["error"] ?? .null
        case .string(let text)?:
            message = text
            kind = json["type"]?.string ?? json["code"]?.string
            return
        default:
            if json["object"]?.string == "error" {
                detail = json
            } else if let text = json["detail"]?.string ?? json["detail"]?[0]?["msg"]?.string {
                message = text
                return
            } else {
                return nil
            }
        }
        message = detail["message"]?.string
        // OpenRouter hands on what the provider behind it said.
        if let raw = detail["metadata"]?["raw"]?.string, !raw.isEmpty {
            let inner = (try? JSONValue(parsing: raw)).flatMap { OpenAIProblem(json: $0)?.message } ?? raw
            message = message.map { "\($0): \(inner)" } ?? inner
        }
        kind = detail["code"]?.string ?? detail["type"]?.string
        param = detail["param"]?.string
        status = detail["code"]?.integer ?? detail["code"]?.string.flatMap { Int($0) } ?? detail["status"]?.integer
    }

    /// Reads the body of a refusal that is no JSON.
    init(text: String) {
        let text = text.drop { $0.isWhitespace }
        guard text.first == "<" else {
            message = text.isEmpty ? nil : String(text.prefix(500))
            return
        }
        func range(of tag: String, in text: Substring) -> Range<Substring.Index>? {
            text.firstRange(of: tag) ?? text.firstRange(of: tag.uppercased())
        }
        guard let open = range(of: "<title>", in: text), let close = range(of: "</title>", in: text[open.upperBound...]) else {
            message = "an HTML page"
            return
        }
        message = text[open.upperBound..<close.lowerBound].split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }

    /// The error of a refused request.
    static func error(_ refusal: ModelEndpoint.Refusal, provider: String) -> MillraceError {
        let problem = OpenAIProblem(json: refusal.json) ?? OpenAIProblem(text: refusal.text)
        var error = refusal.error(provider: provider, reason: problem.message, kind: problem.kind)
        if let param = problem.param { error.details["provider_param"] = .string(param) }
        // OpenAI answers 429 also when the account has no credit left, which waiting does not change.
        if problem.kind == "insufficient_quota" || refusal.status == 402 {
            error.isRetryable = false
            error.message =
                "the model's server \(provider) answered \(refusal.status): the account has no credit"
                + (problem.message.map { " (\($0.prefix(500)))" } ?? "")
        }
        return error
    }

    /// The error of a successful response that tells of this problem, as a stream's last chunk does. Without a status it is held for the
    /// server's own failure, which may pass, unless its name says that the request is at fault.
    func error(provider: String) -> MillraceError {
        var details: [String: JSONValue] = [:]
        if let status { details["provider_status"] = .integer(status) }
        if let kind { details["provider_error"] = .string(kind) }
        let lasting = [
            "invalid", "authentication", "permission", "not_found", "not_supported", "quota", "exceed_context", "context_length",
        ]
        let isRetryable =
            if let status, (400..<600).contains(status) {
                ([408, 409, 425, 429].contains(status) || status >= 500 && status != 501) && kind != "insufficient_quota"
            } else {
                !lasting.contains { kind?.lowercased().contains($0) == true }
            }
        let said = message.map { ": \($0.prefix(500))" } ?? ""
        return MillraceError(
            .modelError, "the model's server \(provider) reported an error\(said)", details: details, isRetryable: isRetryable)
    }
}
