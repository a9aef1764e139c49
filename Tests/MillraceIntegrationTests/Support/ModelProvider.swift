import MillraceCore
import MillraceServer
import Testing

/// An API that a configured model speaks.
enum ModelProvider: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case openAI = "openai"
    case anthropic

    var testDescription: String { rawValue }
    /// The other one.
    var other: ModelProvider { self == .openAI ? .anthropic : .openAI }
    /// The path that answers are asked for at.
    var path: String { self == .openAI ? "/v1/chat/completions" : "/v1/messages" }

    /// An entry of `models:` in `config.yaml`.
    /// - Parameters:
    ///   - id: the model's id.
    ///   - url: the server's address without a path.
    ///   - options: more lines of the entry, such as `thinking: adaptive`.
    func entry(_ id: String = "main", at url: String, _ options: String...) -> String {
        let base = self == .openAI ? url + "/v1" : url
        let lines = ["type: \(rawValue)", "url: \(base)", "model: mill-chat", "apiKey: env:MODEL_KEY"] + options
        return "  \(id):\n" + lines.map { "    \($0)\n" }.joined()
    }

    /// A whole `config.yaml` with this one model as the default.
    func configuration(at url: String, _ options: String...) -> String {
        let lines = options.map { "    \($0)\n" }.joined()
        return "http: {attempts: 2}\ndefaults: {model: main}\nmodels:\n" + entry(at: url) + lines
    }
}

extension ServerSettings {
    /// The settings of a `config.yaml`, as the server itself reads them.
    /// - Throws: when anything in it is wrong, or only odd.
    init(yaml: String, environment: [String: String] = ["MODEL_KEY": ModelServer.key]) throws {
        let directory = try TemporaryDirectory()
        try directory.write("config.yaml", yaml)
        let report = try SettingsLoader.load(SettingsSources(environment: environment, directory: directory.path))
        guard report.warnings.isEmpty else { throw ClientFailure("\(report.warnings)") }
        self = report.settings
    }
}
