import MillraceCore
import MillraceHTTPClient

/// What a probe's outcome means, and what to do about it. Pure; nothing in it shows a key.
struct ProbeExplanation {
    let server: ModelServerSettings
    /// Where the server is configured, such as `models.gpt`.
    let key: String

    private var host: String { (try? RequestTarget(url: server.url))?.authority ?? "the server" }

    /// The server has listed its models.
    func listed(_ models: [String], name: String) -> ModelProbe.Outcome {
        if models.contains(where: { Self.means($0, name) }) { return (.ok, "\(host) has '\(name)'") }
        let meant = Suggestion.phrase(for: name, among: models)
        return (
            .doubtful, "\(host) answers, and '\(name)' is not among the \(models.count) models that it lists: check \(key).model\(meant)"
        )
    }

    /// Whether a listed model goes by the name: Ollama completes names with `:latest`; Anthropic's names without a date, and those that end
    /// in `-latest`, stand for dated ones.
    private static func means(_ listed: String, _ name: String) -> Bool {
        if listed == name || listed == name + ":latest" { return true }
        let stem = name.hasSuffix("-latest") ? String(name.dropLast(7)) : name
        guard listed.hasPrefix(stem + "-") else { return false }
        let date = listed.utf8.dropFirst(stem.utf8.count + 1)
        return date.count == 8 && date.allSatisfy { (0x30...0x39).contains($0) }
    }

    /// The server has answered, whatever it said.
    func reached() -> ModelProbe.Outcome { (.ok, "\(host) answers; its API and key are not tried") }

    /// - Parameter transport: why no answer came; `nil`: one came.
    func failed(_ error: any Error, transport: MillraceError?) -> ModelProbe.Outcome {
        if let transport { return (.unusable, unreached(transport)) }
        let message = (error as? MillraceError)?.message ?? "\(error)"
        guard let status = (error as? MillraceError)?.details["provider_status"]?.integer else { return (.unusable, message) }
        switch status {
        case 401, 403:
            if let secret = server.storedKey {
                return (.unusable, "\(host) refuses the API key (\(status)): check the secret '\(secret)'")
            }
            guard let apiKey = server.apiKey else {
                return (.unusable, "\(host) asks for an API key (\(status)): say where it is in \(key).apiKey, such as env:NAME")
            }
            return (.unusable, "\(host) refuses the API key (\(status)): check \(apiKey.origin ?? "it")")
        case 404, 405, 501:
            return (.doubtful, "\(host) answers, and lists no models (\(status)): check \(key).url, which most servers end in /v1")
        case 429: return (.doubtful, "\(host) answers, and limits the rate of requests (429): try again later")
        default: return (.unusable, message)
        }
    }

    private func unreached(_ error: MillraceError) -> String {
        let message = error.message
        if error.code == .timeout { return "\(host) does not answer in time: check \(key).url and the network" }
        if message.hasPrefix("nothing listens") { return "\(message): start the server, or check \(key).url" }
        if message.hasPrefix("no secure connection") { return "\(message); the setting for it is http.caFile" }
        if message.hasPrefix("the host name") { return "\(message) (\(key).url)" }
        return message
    }
}
