extension ChatCompletionDecoder {
    /// Every field of a chunk that the decoder reads, as a path; `[]` stands for each element. `message`, in an answer that is not
    /// streamed, has the fields of `delta`.
    static let mappedFields: Set<String> = [
        "model", "error", "choices", "choices[].index", "choices[].delta", "choices[].message", "choices[].finish_reason",
        "choices[].error",
        "choices[].native_finish_reason",  // OpenRouter; only `network_error`, which it reports beside `stop`.
        "choices[].stop_reason",  // vLLM: the text at which it stopped.
        "choices[].matched_stop",  // SGLang: the same.
        "choices[].delta.content", "choices[].delta.content[].text",
        "choices[].delta.content[].thinking", "choices[].delta.content[].thinking[].text",  // Mistral.
        "choices[].delta.refusal",
        "choices[].delta.reasoning_content",  // DeepSeek, llama.cpp, vLLM, LM Studio.
        "choices[].delta.reasoning",  // OpenRouter, Ollama, newer vLLM.
        "choices[].delta.reasoning_details", "choices[].delta.reasoning_details[].text",  // OpenRouter.
        "choices[].delta.reasoning_details[].summary", "choices[].delta.reasoning_details[].signature",
        "choices[].delta.reasoning_details[].data",
        "choices[].delta.tool_calls", "choices[].delta.tool_calls[].index", "choices[].delta.tool_calls[].id",
        "choices[].delta.tool_calls[].function", "choices[].delta.tool_calls[].function.name",
        "choices[].delta.tool_calls[].function.arguments",
        "choices[].delta.function_call", "choices[].delta.function_call.name", "choices[].delta.function_call.arguments",
        "choices[].delta.annotations", "choices[].delta.annotations[].url_citation", "choices[].delta.annotations[].url_citation.url",
        "choices[].delta.annotations[].url_citation.title", "choices[].delta.annotations[].url_citation.content",
        "usage", "usage.prompt_tokens", "usage.completion_tokens", "usage.total_tokens", "usage.prompt_tokens_details",
        "usage.prompt_tokens_details.cached_tokens",
        "usage.prompt_cache_hit_tokens",  // DeepSeek.
        "usage.cost",  // OpenRouter.
        "choices[].usage",  // Moonshot; with the members of `usage`.
    ]

    /// Every field of a chunk that the decoder leaves, with the reason; what is below one of them is left as well.
    static let ignoredFields: [String: String] = [
        "id": "the server's id of the answer; a run has its own",
        "object": "always chat.completion.chunk, except in an older vLLM's errors, where it is read",
        "created": "the run's events have times of their own",
        "system_fingerprint": "names the server's configuration; there is no place for it in a response",
        "service_tier": "what was asked for by `extra`; there is no place for it in a response",
        "obfuscation": "padding without meaning, against guessing by length",
        "moderation": "verdicts that are asked for by `extra`; a handler that wants a guard uses a stage",
        "provider": "OpenRouter: who served the answer; there is no place for it in a response",
        "timings": "llama.cpp: speeds of the server",
        "prompt_progress": "llama.cpp: how much of the prompt is read, asked for by `extra`",
        "__verbose": "llama.cpp: its debugging output",
        "stats": "LM Studio: speeds of the server",
        "prompt_token_ids": "vLLM: tokens of the prompt, asked for by `extra`",
        "prompt_logprobs": "vLLM: probabilities, asked for by `extra`",
        "kv_transfer_params": "vLLM: for servers among each other",
        "prompt_filter_results": "Azure: verdicts on the prompt; a blocked prompt is a refusal of its own",
        "x_groq": "Groq: its request id, and the usage once more",
        "choices[].logprobs": "probabilities are asked for by `extra`, and events have no place for them",
        "choices[].token_ids": "vLLM: tokens of the answer, asked for by `extra`",
        "choices[].content_filter_results": "Azure: verdicts; a filtered answer has the finish reason content_filter",
        "choices[].delta.role": "always the assistant",
        "choices[].delta.audio": "speech is asked for by `extra`, and events have no place for it",
        "choices[].delta.images": "OpenRouter: pictures that the model made; events have no place for them",
        "choices[].delta.tool_calls[].type": "always function",
        "choices[].delta.content[].type": "the part's other members say what it is",
        "choices[].delta.content[].thinking[].type": "always text",
        "choices[].delta.content[].closed": "Mistral: whether the thought is complete",
        "choices[].delta.reasoning_details[].type": "the detail's other members say what it is",
        "choices[].delta.reasoning_details[].id": "OpenRouter: stored reasoning has no place for it",
        "choices[].delta.reasoning_details[].format": "OpenRouter: stored reasoning has no place for it",
        "choices[].delta.reasoning_details[].index": "the order of the details says it",
        "choices[].delta.annotations[].type": "other kinds than url_citation have no source to cite",
        "choices[].delta.annotations[].file": "OpenRouter: the text that it read from a file of ours",
        "choices[].delta.annotations[].url_citation.start_index": "a citation follows the text that it backs",
        "choices[].delta.annotations[].url_citation.end_index": "a citation follows the text that it backs",
        "usage.completion_tokens_details": "counted within completion_tokens",
        "usage.prompt_tokens_details.audio_tokens": "counted within prompt_tokens",
        "usage.prompt_tokens_details.text_tokens": "counted within prompt_tokens",
        "usage.prompt_tokens_details.image_tokens": "counted within prompt_tokens",
        "usage.prompt_tokens_details.video_tokens": "counted within prompt_tokens",
        "usage.prompt_tokens_details.cache_write_tokens": "counted within prompt_tokens",
        "usage.prompt_cache_miss_tokens": "DeepSeek: prompt_tokens without the cached ones",
        "usage.cost_details": "OpenRouter: the parts of cost",
        "usage.is_byok": "OpenRouter: whose key was used",
        "usage.queue_time": "Groq: times of the server", "usage.prompt_time": "Groq: times of the server",
        "usage.completion_time": "Groq: times of the server", "usage.total_time": "Groq: times of the server",
    ]
}
