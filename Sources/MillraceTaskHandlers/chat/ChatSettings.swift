public import Millrace

/// What configuration may set of ``ChatHandler``.
public struct ChatSettings: HandlerSettings, Equatable {
    /// How many characters of conversation a model is given, the current message included (default: 200,000). Older messages are left out
    /// first; the current one always goes in. Attached texts are not counted.
    public var historyCharacters = 200_000

    /// `chatConfig`.
    public static let group = "chatConfig"
    /// ``historyCharacters``.
    public static let fields: [SettingField<Self>] = [
        .integer(
            "historyCharacters", \.historyCharacters, in: 0...100_000_000,
            "characters of conversation that a model is given, the current message included")
    ]

    /// Settings with their defaults.
    public init() {}
}
