public import Millrace

/// What configuration may set of ``ChatHandler``.
public struct ChatSettings: HandlerSettings, Equatable {
    /// How many characters of conversation a model is given, the current message included (default: 200,000). Older messages are left out
    /// first; the current one always goes in. Attached texts are not counted.
    public var historyCharacters = 200_000
    /// The tools that a model may call, by name (default: none).
    public var tools: [String] = []
    /// How often a model may call tools before it has to answer (default: 8).
    public var maxToolRounds = 8
    /// How many calls of tools go on at once (default: 4).
    public var concurrentToolCalls = 4
    /// How long a call may take where the tool does not say, in seconds (default: 30).
    public var toolTimeoutSeconds = 30.0
    /// How many characters of a tool's result a model is given (default: 20,000).
    public var toolResultCharacters = 20_000
    /// The collection that the tool `search_documents` searches (default: `rag_oss`).
    public var searchCollection = "rag_oss"
    /// How many passages it finds (default: 5).
    public var searchResults = 5

    /// `chatConfig`.
    public static let group = "chatConfig"
    /// The properties, in their order.
    public static let fields: [SettingField<Self>] = [
        .integer(
            "historyCharacters", \.historyCharacters, in: 0...100_000_000,
            "characters of conversation that a model is given, the current message included"),
        .list("tools", \.tools, "tools that a model may call: calculate, current_time, read_document, search_documents, or a team's own"),
        .integer("maxToolRounds", \.maxToolRounds, in: 1...100, "how often a model may call tools before it has to answer"),
        .integer("concurrentToolCalls", \.concurrentToolCalls, in: 1...64, "calls of tools that go on at once"),
        .seconds("toolTimeoutSeconds", \.toolTimeoutSeconds, in: 0.1...3600, "how long a call of a tool may take"),
        .integer(
            "toolResultCharacters", \.toolResultCharacters, in: 1000...150_000, "characters of a tool's result that a model is given"),
        .text("searchCollection", \.searchCollection, "the collection that the tool search_documents searches") { name in
            RagOssSettings.isCollection(name) ? nil : RagOssSettings.collectionRule
        },
        .integer("searchResults", \.searchResults, in: 1...50, "passages that the tool search_documents finds"),
    ]

    /// Settings with their defaults.
    public init() {}

    /// What a run may take with tools.
    var limits: ToolLoop.Limits {
        var limits = ToolLoop.Limits()
        limits.rounds = maxToolRounds
        limits.concurrentCalls = concurrentToolCalls
        limits.seconds = toolTimeoutSeconds
        limits.resultCharacters = toolResultCharacters
        return limits
    }
}
