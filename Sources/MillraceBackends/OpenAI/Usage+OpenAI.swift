import Millrace
import MillraceCore

extension Usage {
    /// Reads the `usage` object of a chat completion or an embeddings answer; `nil` where it holds no figure.
    ///
    /// | member | becomes |
    /// |---|---|
    /// | `prompt_tokens`, `completion_tokens`, `total_tokens` | the figures of the same names |
    /// | `prompt_tokens_details.cached_tokens`, DeepSeek's `prompt_cache_hit_tokens` | ``cachedPromptTokens`` |
    /// | OpenRouter's `cost`, in US dollars | ``estimatedCost`` |
    ///
    /// A prompt of 0 tokens does not exist: servers that report one (Ollama does when its cache held the whole prompt) have not counted,
    /// and their total counts only the answer. So both are unknown then.
    init?(openAI json: JSONValue) {
        func count(_ value: JSONValue?) -> Int? {
            guard let value else { return nil }
            guard let count = value.integer ?? value.double.flatMap({ Int(exactly: $0) }), count >= 0 else { return nil }
            return count
        }
        let prompt = count(json["prompt_tokens"]).flatMap { $0 == 0 ? nil : $0 }
        let total = prompt == nil && count(json["prompt_tokens"]) == 0 ? nil : count(json["total_tokens"])
        let cost = json["cost"]?.double.flatMap { $0 >= 0 ? $0 : nil }
        let usage = Usage(
            promptTokens: prompt, completionTokens: count(json["completion_tokens"]), totalTokens: total, estimatedCost: cost,
            cachedPromptTokens: count(json["prompt_tokens_details"]?["cached_tokens"]) ?? count(json["prompt_cache_hit_tokens"]))
        guard usage != .unknown else { return nil }
        self = usage
    }
}
