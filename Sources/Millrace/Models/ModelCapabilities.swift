/// What a model can be asked besides to answer in words. Handlers that find something missing do without.
public struct ModelCapabilities: OptionSet, Equatable, Sendable {
    /// The members as bits.
    public let rawValue: Int
    /// Creates a set out of bits.
    public init(rawValue: Int) { self.rawValue = rawValue }

    /// It follows instructions; one that does not answers by quoting what it is given.
    public static let instructions = ModelCapabilities(rawValue: 1)
    /// It calls tools (``ModelRequest/tools``).
    public static let tools = ModelCapabilities(rawValue: 2)
    /// It answers by a JSON Schema (``ModelRequest/outputSchema``).
    public static let outputSchema = ModelCapabilities(rawValue: 4)
    /// All of these.
    public static let all: ModelCapabilities = [.instructions, .tools, .outputSchema]
}
