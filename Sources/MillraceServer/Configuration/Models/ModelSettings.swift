public import MillraceBackends
public import MillraceCore

/// The server of a model: where it is, and how it is reached.
public struct ModelServerSettings: Equatable, Sendable {
    /// The base URL of the API, such as `http://127.0.0.1:8080/v1`.
    public var url: String
    /// The API key; `nil` for servers that ask for none.
    public var apiKey: SecretText?
    /// Where the API key is in the secret store, instead of ``apiKey``.
    public var storedKey: StoredSecret?
    /// Header fields that go with every request (default: none).
    public var headers: [String: SecretText] = [:]
    /// How long a connection may take to come about, in seconds (default: 10).
    public var connectTimeoutSeconds = 10.0
    /// How long the server may take until its answer begins, in seconds (default: 120).
    public var firstByteTimeoutSeconds = 120.0
    /// How long the server may pause within its answer, in seconds (default: 60).
    public var idleTimeoutSeconds = 60.0
    /// A directory that every exchange with the server is recorded into, for replay (default: none).
    public var recordDirectory: String?
    /// A directory of recordings that answer instead of the server: nothing is sent (default: none).
    public var replayDirectory: String?

    /// A server at a URL.
    public init(url: String, apiKey: SecretText? = nil) {
        self.url = url
        self.apiKey = apiKey
    }
}

/// Amazon Bedrock: in which region, and who asks.
public struct BedrockServerSettings: Equatable, Sendable {
    /// The region (default: `aws.region`).
    public var region: String?
    /// The profile whose credentials are used (default: `aws.profile`).
    public var profile: String?
    /// A base URL instead of the region's (default: empty, as `aws.bedrockEndpoint` says), a Bedrock API key instead of signatures (default:
    /// none, or `AWS_BEARER_TOKEN_BEDROCK`), timeouts, and directories of recordings.
    public var server = ModelServerSettings(url: "")

    /// Bedrock as the settings of AWS say.
    public init(region: String? = nil, profile: String? = nil) {
        self.region = region
        self.profile = profile
    }
}

/// A configured model: one entry of `models:` in `config.yaml`.
public struct ModelSettings: Equatable, Sendable {
    /// A rule of a `route`.
    public struct Rule: Equatable, Sendable {
        /// What must hold of a request, all of it.
        public var conditions: Set<ModelRule.Condition>
        /// The id of the model to choose.
        public var model: String
        /// Creates a rule.
        public init(when conditions: Set<ModelRule.Condition>, use model: String) {
            self.conditions = conditions
            self.model = model
        }
    }

    /// What answers.
    public enum Kind: Equatable, Sendable {
        /// A server that speaks OpenAI's Chat Completions.
        case openAI(ModelServerSettings, model: String, OpenAIOptions)
        /// A server that speaks Anthropic's Messages.
        case anthropic(ModelServerSettings, model: String, AnthropicOptions)
        /// Amazon Bedrock's Converse.
        case bedrock(BedrockServerSettings, model: String, BedrockOptions)
        /// Another HTTP API, as ``CustomAPI/init(id:configuration:credential:)`` describes it.
        case custom(ModelServerSettings, configuration: JSONValue)
        /// The models of these ids in order, until one answers.
        case fallback(models: [String])
        /// The model that the first matching rule names.
        case route(rules: [Rule], otherwise: String)
    }

    /// The id by which requests and settings name the model.
    public var id: String
    /// What answers.
    public var kind: Kind
    /// What its tokens cost; `nil`: not known, and neither is the cost of a run.
    public var price: ModelPrice?
    /// Why the model cannot be used, such as a missing API key; `nil`: it can.
    public var unavailable: String?

    /// Creates a model's settings.
    public init(id: String, kind: Kind, price: ModelPrice? = nil) {
        self.id = id
        self.kind = kind
        self.price = price
    }

    /// The kind's name in the configuration.
    package var kindName: String {
        switch kind {
        case .openAI: "openai"
        case .anthropic: "anthropic"
        case .bedrock: "bedrock"
        case .custom: "custom"
        case .fallback: "fallback"
        case .route: "route"
        }
    }
}

/// A configured embedder: one entry of `embedders:` in `config.yaml`.
public struct EmbedderSettings: Equatable, Sendable {
    /// What answers.
    public enum Kind: Equatable, Sendable {
        /// A server that speaks OpenAI's embeddings.
        case openAI(ModelServerSettings, OpenAIEmbedderOptions)
        /// Amazon Bedrock.
        case bedrock(BedrockServerSettings, BedrockEmbedderOptions)
    }

    /// The id by which handlers and settings name the embedder.
    public var id: String
    /// What answers.
    public var kind: Kind
    /// The model's name there.
    public var model: String
    /// What its tokens cost, in US dollars a million; `nil`: not known.
    public var pricePerMillionTokens: Double?
    /// Why it cannot be used; `nil`: it can.
    public var unavailable: String?

    /// Creates an embedder's settings.
    public init(id: String, kind: Kind, model: String) {
        self.id = id
        self.kind = kind
        self.model = model
    }

    /// The kind's name in the configuration.
    package var kindName: String {
        switch kind {
        case .openAI: "openai"
        case .bedrock: "bedrock"
        }
    }
}

extension ModelSettings.Kind: CustomReflectable {
    /// What `dump` and interpolation show: a custom API's description with what is named like a secret masked.
    public var customMirror: Mirror {
        let (name, value): (String, Any) =
            switch self {
            case .openAI(let server, let model, let options): ("openAI", (server, model: model, options))
            case .anthropic(let server, let model, let options): ("anthropic", (server, model: model, options))
            case .bedrock(let server, let model, let options): ("bedrock", (server, model: model, options))
            case .custom(let server, let configuration): ("custom", (server, configuration: SecretMask.mask(configuration).text))
            case .fallback(let models): ("fallback", models)
            case .route(let rules, let otherwise): ("route", (rules: rules, otherwise: otherwise))
            }
        return Mirror(self, children: [(label: name, value: value)], displayStyle: .enum)
    }
}
