import Millrace
import MillraceCore

/// The token counts of one call, as the API's `TokenUsage` gives them.
///
/// Source: `TokenUsage`, Amazon Bedrock API Reference, and "Prompt caching" in the User Guide.
enum ConverseUsage {
    /// The counts as Millrace keeps them. `inputTokens` leaves out what the cache was written with and served; all three together are the
    /// prompt.
    static func usage(_ json: JSONValue) -> Usage {
        func count(_ name: String) -> Int? { json[name]?.integer.flatMap { $0 >= 0 ? $0 : nil } }
        func sum(_ left: Int, _ right: Int) -> Int {
            let (sum, overflow) = left.addingReportingOverflow(right)
            return overflow ? .max : sum
        }
        let reads = count("cacheReadInputTokens")
        let prompt = count("inputTokens").map { sum(sum($0, count("cacheWriteInputTokens") ?? 0), reads ?? 0) }
        var usage = Usage(promptTokens: prompt, completionTokens: count("outputTokens"), cachedPromptTokens: reads)
        // A total of more than its parts counts something that they do not name; one of less leaves out the cache.
        if let total = count("totalTokens") { usage.totalTokens = max(total, usage.totalTokens ?? 0) }
        return usage
    }
}
