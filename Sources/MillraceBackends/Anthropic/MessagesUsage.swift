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
        func count(_ name: String) -> Int? { json[name]?.integer.flatMap { $0 >= 0 ? $0 : nil } }
        input = count("input_tokens") ?? input
        cacheWrites = count("cache_creation_input_tokens") ?? cacheWrites
        cacheReads = count("cache_read_input_tokens") ?? cacheReads
        output = count("output_tokens") ?? output
    }

    /// The counts as Millrace keeps them. The API's `input_tokens` leaves out what the cache was written with and served; all three
    /// together are the prompt.
    var usage: Usage {
        Usage(
            promptTokens: input.map { Self.sum(Self.sum($0, cacheWrites ?? 0), cacheReads ?? 0) }, completionTokens: output,
            cachedPromptTokens: cacheReads)
    }

    /// Of counts that are not negative; what does not fit is the most that does.
    private static func sum(_ left: Int, _ right: Int) -> Int {
        let (sum, overflow) = left.addingReportingOverflow(right)
        return overflow ? .max : sum
    }
}
