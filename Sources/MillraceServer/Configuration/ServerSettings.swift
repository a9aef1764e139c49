public import Millrace
public import MillraceCore

/// All settings of a server, each with a documented default.
///
/// A plain value: build one in code, or read one from flags, environment, `.env` and `config.yaml` with ``SettingsLoader``.
/// ```swift
/// var settings = ServerSettings()
/// settings.port = 0
/// settings.dataDirectory = ":memory:"
/// ```
public struct ServerSettings: Equatable, Sendable {
    /// Which section of `config.yaml` is laid over its base (default: none).
    public var environment: String?
    /// The configuration file that was asked for by name; `nil`: `config.yaml` in the working directory, where there is one.
    public var configFile: String?
    /// The numeric IPv4 or IPv6 address to listen on (default: `127.0.0.1`).
    public var host = "127.0.0.1"
    /// The TCP port to listen on, 0 for any free one (default: 8000).
    public var port = 8000
    /// The directory that holds all that the server keeps; `:memory:` keeps nothing (default: `./data`).
    public var dataDirectory = "./data"
    /// The number of event loops, 0 for one a core (default: 0).
    public var loops = 0
    /// The least level of log lines that are written (default: info).
    public var logLevel = LogLevel.info
    /// How log lines look (default: text).
    public var logFormat = LogFormat.text
    /// Whether the server may listen on other addresses than loopback while it does not authenticate anybody (default: false).
    public var allowUnauthenticated = false
    /// `Host:` names that are answered beside `localhost`, `127.0.0.1` and `[::1]` (default: none).
    public var allowedHosts: [String] = []
    /// Origins whose pages may call the API, such as `https://app.example.com` (default: none, CORS is off).
    public var corsAllowedOrigins: [String] = []
    /// How long a handler may hold an event loop before the log names it, in milliseconds; 0: never (default: 100).
    public var loopBlockWarningMilliseconds = 100
    /// The number of threads for blocking work (default: 4).
    public var blockingThreads = 4
    /// For how long a start waits for another process that still uses the data directory, in seconds; 0: it fails at once (default: 0).
    public var lockWaitSeconds = 0.0
    /// How often the configuration's files are looked at for changes, in seconds; 0: never (default: 2).
    public var watchSeconds = 2.0
    /// The handler of requests that name none; `nil`: the one that is registered as default.
    public var defaultTask: String?
    /// The model of requests and handlers that name none; `nil`: the embedded one.
    public var defaultModel: String?
    /// The models beside the embedded `local` (default: none).
    public var models: [ModelSettings] = []
    /// The embedders beside the embedded `local` (default: none).
    public var embedders: [EmbedderSettings] = []
    /// The ids of the models for requests that name none, by task (default: none).
    public var taskModels: [String: String] = [:]
    /// How tokens are counted before a call.
    public var tokens = TokenSettings()
    /// How other servers are called.
    public var http = OutgoingSettings()
    /// What one connection may ask of the server.
    public var limits = LimitSettings()
    /// The life of runs.
    public var runs = RunSettings()
    /// How data is kept.
    public var store = StoreSettings()
    /// How long what is stored is kept.
    public var retention = RetentionSettings()
    /// How AWS is reached.
    public var aws = AWSSettings()
    /// Where uploaded files are kept.
    public var objects = ObjectStoreSettings()
    /// What files may be uploaded.
    public var content = ContentSettings()
    /// Where documents are searched.
    public var search = SearchSettings()
    /// Where handlers keep what can be made again.
    public var cache = CacheSettings()
    /// How documents such as PDF and Word are read.
    public var documents = DocumentSettings()
    /// How documents are put into collections.
    public var ingestion = Ingestion.Settings()
    /// Where secrets are kept by name.
    public var secrets = SecretStoreSettings()
    /// The directory with a folder of prompts for each handler; `nil`: `prompts` beside the configuration file, where there is one. Only
    /// ``SettingsLoader`` reads it.
    public var promptDirectory: String?
    /// Every group of `config.yaml` whose name ends in `Config` (such as `documentAnalysisConfig`), as it stands there (default: none).
    /// Handlers that declare ``HandlerSettings`` use ``handler(_:)``.
    public var handlerConfiguration: [String: JSONValue] = [:]
    /// The values of settings that handlers declare, by group and field; what is not there has its default.
    package var handlerValues: [String: [String: SettingValue]] = [:]
    /// Where they came from, by group and field as in `chatConfig.tools`; absent: given in code, or the default.
    package var handlerOrigins: [String: SettingOrigin] = [:]
    /// The prompts that were read from the directory.
    package var promptFiles: PromptLibrary.Sources = [:]
    /// The groups that ``SettingsLoader`` was told of.
    package var declaredHandlerGroups: [String] = []

    /// Settings with their defaults.
    public init() {}

    /// The settings that a handler declares.
    public func handler<Settings: HandlerSettings>(_ type: Settings.Type) -> Settings { Settings(handlerValues[Settings.group] ?? [:]) }

    /// Gives a handler's settings in code.
    public mutating func set<Settings: HandlerSettings>(_ settings: Settings) { handlerValues[Settings.group] = settings.values }

    /// Whether ``host`` can only be reached from this machine.
    public var listensOnLoopbackOnly: Bool { Self.isLoopback(host) }

    /// Whether a numeric address can only be reached from this machine.
    static func isLoopback(_ address: String) -> Bool { address == "::1" || address.hasPrefix("127.") }
}

extension ServerSettings: CustomStringConvertible {
    /// One `key: value` a line in the order of the documentation, secrets masked.
    public var description: String {
        var report = SettingsReport()
        report.settings = self
        return SettingEntry.all(report).map { "\($0.key): \($0.value)" }.joined(separator: "\n")
    }
}
