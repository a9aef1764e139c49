import MillraceCore
import MillraceCounterparts
import MillraceServer

extension BedrockServer {
    /// Credentials that the server knows, and a home without profiles.
    static let variables = [
        "AWS_ACCESS_KEY_ID": "AKIATEST", "AWS_SECRET_ACCESS_KEY": "sekrit", "AWS_EC2_METADATA_DISABLED": "true", "HOME": "/nonexistent",
    ]

    /// Its port.
    var port: Int { url.lastIndex(of: ":").flatMap { Int(url[url.index(after: $0)...]) } ?? 0 }

    /// An entry of `models:` in `config.yaml`.
    func entry(_ id: String = "main", _ options: String...) -> String { entry(id, options) }

    private func entry(_ id: String, _ options: [String]) -> String {
        let lines = ["type: bedrock", "model: eu.anthropic.claude-sonnet-4-5-20250929-v1:0", "url: \(url)"] + options
        return "  \(id):\n" + lines.map { "    \($0)\n" }.joined()
    }

    /// A whole `config.yaml` with this one model as the default.
    func configuration(_ options: String...) -> String {
        "http: {attempts: 2}\naws: {region: us-east-1}\ndefaults: {model: main}\nmodels:\n" + entry("main", options)
    }

    /// The settings of that configuration.
    func settings(_ options: String..., variables: [String: String] = variables) throws -> ServerSettings {
        let yaml = "http: {attempts: 2}\naws: {region: us-east-1}\ndefaults: {model: main}\nmodels:\n" + entry("main", options)
        return try ServerSettings(yaml: yaml, environment: variables)
    }

    /// The requests with the directive `[[tag:…]]`, in their order; it waits until so many have come to that outcome.
    func requests(tag: String, outcome: String = "any", count: Int = 1) throws -> [JSONValue] {
        let client = try TCPClient(port: port)
        return try client.ask("GET", "/_observations?tag=\(tag)&outcome=\(outcome)&count=\(count)&timeout=10").json.array ?? []
    }
}
