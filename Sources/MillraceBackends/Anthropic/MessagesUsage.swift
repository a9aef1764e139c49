import Millrace
import MillraceCore

/// The token counts of one call, as its stream reports them: cumulative, so a later figure replaces an earlier one, and a figure that a
/// later report leaves out stays.
struct MessagesUsage: Equatable, Sendable {
    private var input: Int?
    private var cacheWrites: Int?
    private var cacheReads: Int?
    private var output: Int?

    /// Takes a `usage` object.
    mutating func update(_ json: JSONValue) {
        input = json["input_tokens"]?.integer ?? input
        cacheWrites = json["cache_creation_input_tokens"]?.integer ?? cacheWrites
        cacheReads = json["cache_read_input_tokens"]?.integer ?? cacheReads
        output = json["output_tokens"]?.integer ?? output
    }

    /// The counts as Millrace keeps them. The API's `input_tokens` leaves out what the cache was written with and served; all three
    /// together are the prompt.
    var usage: Usage {
        Usage(
            promptTokens: input.map { $0 + (cacheWrites ?? 0) + (cacheReads ?? 0) }, completionTokens: output,
            cachedPromptTokens: cacheReads)
    }
}
