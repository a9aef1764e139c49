public import Millrace

/// When ``RoutingLanguageModel`` chooses a model: all of the conditions must hold.
public struct ModelRule: Sendable {
    /// A property of a request.
    public enum Condition: Hashable, Sendable {
        /// The model may call tools.
        case hasTools
        /// A turn shows a picture.
        case hasImages
        /// There are texts to answer from.
        case hasDocuments
        /// The answer must follow a JSON Schema.
        case wantsOutputSchema
        /// Instructions, conversation, documents and tools have more than so many tokens, by the router's counter.
        case estimatedTokens(over: Int)
    }

    /// What must hold of a request; no condition holds of every request.
    public var conditions: Set<Condition>
    /// The model to choose.
    public var model: any LanguageModel

    /// Creates a rule.
    public init(when conditions: Set<Condition>, use model: any LanguageModel) {
        self.conditions = conditions
        self.model = model
    }

    /// Whether the rule chooses its model for that request.
    /// - Parameter counter: counts the tokens where a condition asks for them; it stops at the bound.
    public func matches(_ request: ModelRequest, counter: any TokenCounter) -> Bool {
        // The cheap ones first: counting reads every text.
        conditions.sorted { !$0.counts && $1.counts }.allSatisfy { $0.holds(of: request, counter) }
    }
}

extension ModelRule.Condition {
    var counts: Bool { if case .estimatedTokens = self { true } else { false } }

    func holds(of request: ModelRequest, _ counter: any TokenCounter) -> Bool {
        switch self {
        case .hasTools: !request.tools.isEmpty
        case .hasImages: request.hasImages
        case .hasDocuments: !request.documents.isEmpty
        case .wantsOutputSchema: request.outputSchema != nil
        case .estimatedTokens(let bound): request.hasMoreTokens(than: bound, counter)
        }
    }
}

extension ModelRequest {
    fileprivate func hasMoreTokens(than bound: Int, _ counter: any TokenCounter) -> Bool {
        var tokens = 0
        func reaches(_ text: String) -> Bool {
            tokens += counter.count(text).tokens
            return tokens > bound
        }
        if let system, reaches(system) { return true }
        for turn in turns where turn.parts.contains(where: { $0.promptText.map(reaches) ?? false }) { return true }
        if documents.contains(where: { reaches($0.title) || reaches($0.text) }) { return true }
        return tools.contains { reaches($0.name) || reaches($0.description) || reaches($0.inputSchema.text) }
    }
}

extension MessagePart {
    /// What the part adds to a prompt as text.
    fileprivate var promptText: String? {
        switch self {
        case .text(let text): text
        case .reasoning(let reasoning): reasoning.text
        case .toolCall(let call): call.arguments.text
        case .toolReturn(let result): result.result.text
        case .document(let attachment): attachment.text
        case .image, .citation: nil
        }
    }
}
