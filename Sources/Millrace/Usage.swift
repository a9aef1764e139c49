public import MillraceCore

/// What a run or a model call consumed. Unknown is `nil`, never 0.
public struct Usage: Equatable, Sendable {
    /// Tokens of the prompt, cached ones included.
    public var promptTokens: Int?
    /// Tokens of the answer, reasoning included.
    public var completionTokens: Int?
    /// All tokens; where the provider gives no total, the sum of the two when both are known.
    public var totalTokens: Int?
    /// The cost in US dollars by the configured price table.
    public var estimatedCost: Double?
    /// Prompt tokens that the provider served from its cache.
    public var cachedPromptTokens: Int?
    /// Whether the counts are our estimate (about four characters a token) and not the provider's figures.
    public var isEstimated: Bool

    /// Usage with the given figures.
    public init(
        promptTokens: Int? = nil, completionTokens: Int? = nil, totalTokens: Int? = nil, estimatedCost: Double? = nil,
        cachedPromptTokens: Int? = nil, isEstimated: Bool = false
    ) {
        self.promptTokens = promptTokens
        self.completionTokens = completionTokens
        if let totalTokens {
            self.totalTokens = totalTokens
        } else if let promptTokens, let completionTokens {
            self.totalTokens = Self.sum(promptTokens, completionTokens)
        }
        self.estimatedCost = estimatedCost
        self.cachedPromptTokens = cachedPromptTokens
        self.isEstimated = isEstimated
    }

    /// Nothing is known.
    public static let unknown = Usage()

    /// The sum of two usages; a figure that only one of them knows is kept.
    public static func + (left: Usage, right: Usage) -> Usage {
        func sum(_ a: Int?, _ b: Int?) -> Int? { a == nil && b == nil ? nil : Self.sum(a ?? 0, b ?? 0) }
        let cost = left.estimatedCost == nil && right.estimatedCost == nil ? nil : (left.estimatedCost ?? 0) + (right.estimatedCost ?? 0)
        return Usage(
            promptTokens: sum(left.promptTokens, right.promptTokens),
            completionTokens: sum(left.completionTokens, right.completionTokens),
            totalTokens: sum(left.totalTokens, right.totalTokens), estimatedCost: cost,
            cachedPromptTokens: sum(left.cachedPromptTokens, right.cachedPromptTokens),
            isEstimated: left.isEstimated || right.isEstimated)
    }

    /// The figures come from a provider, and must not stop the process whatever they are.
    private static func sum(_ left: Int, _ right: Int) -> Int {
        let (sum, overflow) = left.addingReportingOverflow(right)
        return overflow ? (left < 0 ? .min : .max) : sum
    }

    /// Reads what ``json`` wrote.
    public init(json: JSONValue) {
        self.init(
            promptTokens: json["prompt_tokens"]?.integer, completionTokens: json["completion_tokens"]?.integer,
            totalTokens: json["total_tokens"]?.integer, estimatedCost: json["estimated_cost"]?.double,
            cachedPromptTokens: json["cached_prompt_tokens"]?.integer, isEstimated: json["estimated"]?.bool ?? false)
    }

    /// The usage as clients see it. `cached_prompt_tokens` and `estimated` are there only when they say something.
    public var json: JSONValue {
        var members: [String: JSONValue] = [
            "prompt_tokens": promptTokens.map { .integer($0) } ?? .null,
            "completion_tokens": completionTokens.map { .integer($0) } ?? .null,
            "total_tokens": totalTokens.map { .integer($0) } ?? .null,
            "estimated_cost": estimatedCost.map { .double($0) } ?? .null,
        ]
        if let cachedPromptTokens { members["cached_prompt_tokens"] = .integer(cachedPromptTokens) }
        if isEstimated { members["estimated"] = true }
        return .object(members)
    }
}
