import Testing

/// Streams as servers send them, written after their documentation and source.
struct OpenAIRecordedStream: Sendable, CustomTestStringConvertible {
    let server: String
    let text: String
    var testDescription: String { server }

    private init(_ server: String, _ text: String) {
        self.server = server
        self.text = text
    }

    /// The stream's first events.
    func start(events: Int) -> String { text.split(separator: "\n\n").prefix(events).map { $0 + "\n\n" }.joined() }

    static let all = [
        openAI, openAITools, openAIRefusal, openAIWebSearch, azure, vLLM, vLLMOlderTools, llamaCpp, llamaCppTools, ollama, lmStudio,
        openRouter,
        openRouterEncrypted, deepSeek, mistral, groq, moonshot, sgLang, legacyFunction,
    ]

    static let openAI = Self(
        "OpenAI",
        """
        data: {"id":"chatcmpl-B9M","object":"chat.completion.chunk","created":1741569952,"model":"gpt-4.1-2025-04-14","service_tier":"default",\
        "system_fingerprint":"fp_50cad350e4","choices":[{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"logprobs":null,\
        "finish_reason":null}],"usage":null,"obfuscation":"aB3xY"}

        data: {"id":"chatcmpl-B9M","object":"chat.completion.chunk","created":1741569952,"model":"gpt-4.1-2025-04-14","service_tier":"default",\
        "system_fingerprint":"fp_50cad350e4","choices":[{"index":0,"delta":{"content":"Grüße"},"logprobs":{"content":[{"token":"Gr","logprob":-0.1,\
        "bytes":[71,114],"top_logprobs":[]}],"refusal":null},"finish_reason":null}],"usage":null,"obfuscation":"q"}

        data: {"id":"chatcmpl-B9M","object":"chat.completion.chunk","created":1741569952,"model":"gpt-4.1-2025-04-14","service_tier":"default",\
        "system_fingerprint":"fp_50cad350e4","choices":[{"index":0,"delta":{"content":" \\ud83d\\ude00 \\"世界\\"\\n"},"logprobs":null,\
        "finish_reason":null}],"usage":null,"obfuscation":""}

        data: {"id":"chatcmpl-B9M","object":"chat.completion.chunk","created":1741569952,"model":"gpt-4.1-2025-04-14","service_tier":"default",\
        "system_fingerprint":"fp_50cad350e4","choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}],"usage":null}

        data: {"id":"chatcmpl-B9M","object":"chat.completion.chunk","created":1741569952,"model":"gpt-4.1-2025-04-14","service_tier":"default",\
        "system_fingerprint":"fp_50cad350e4","choices":[],"usage":{"prompt_tokens":19,"completion_tokens":10,"total_tokens":29,\
        "prompt_tokens_details":{"cached_tokens":4,"audio_tokens":0,"text_tokens":19,"image_tokens":0,"cache_write_tokens":0},\
        "completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}}

        data: [DONE]


        """)

    static let openAITools = Self(
        "OpenAI, two tools at once",
        """
        data: {"id":"chatcmpl-T1","object":"chat.completion.chunk","created":1,"model":"gpt-4.1","choices":[{"index":0,"delta":{"role":"assistant",\
        "content":null,"tool_calls":[{"index":0,"id":"call_a","type":"function","function":{"name":"get_weather","arguments":""}}]},\
        "logprobs":null,"finish_reason":null}]}

        data: {"id":"chatcmpl-T1","object":"chat.completion.chunk","created":1,"model":"gpt-4.1","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,\
        "function":{"arguments":"{\\"city\\":"}}]},"logprobs":null,"finish_reason":null}]}

        data: {"id":"chatcmpl-T1","object":"chat.completion.chunk","created":1,"model":"gpt-4.1","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,\
        "function":{"arguments":"\\"Zürich\\"}"}}]},"logprobs":null,"finish_reason":null}]}

        data: {"id":"chatcmpl-T1","object":"chat.completion.chunk","created":1,"model":"gpt-4.1","choices":[{"index":0,"delta":{"tool_calls":[{"index":1,\
        "id":"call_b","type":"function","function":{"name":"get_time","arguments":"{}"}}]},"logprobs":null,"finish_reason":null}]}

        data: {"id":"chatcmpl-T1","object":"chat.completion.chunk","created":1,"model":"gpt-4.1","choices":[{"index":0,"delta":{},"logprobs":null,\
        "finish_reason":"tool_calls"}]}

        data: [DONE]


        """)

    static let openAIRefusal = Self(
        "OpenAI, refusal",
        """
        data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"gpt-4o","choices":[{"index":0,"delta":{"role":"assistant","refusal":"I'm sorry,"},\
        "logprobs":{"content":null,"refusal":[]},"finish_reason":null}],"moderation":{"input":{"type":"error","code":"x","message":"y"},\
        "output":{"type":"error","code":"x","message":"y"}}}

        data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"gpt-4o","choices":[{"index":0,"delta":{"refusal":" I can't."},\
        "logprobs":null,"finish_reason":"stop"}]}

        data: [DONE]


        """)

    static let openAIWebSearch = Self(
        "OpenAI, web search",
        """
        data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"gpt-4o-search-preview","choices":[{"index":0,"delta":{"role":"assistant",\
        "content":"It rains."},"finish_reason":null}]}

        data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"gpt-4o-search-preview","choices":[{"index":0,"delta":{"annotations":[{\
        "type":"url_citation","url_citation":{"end_index":9,"start_index":0,"title":"Weather","url":"https://example.com/weather"}}]},\
        "finish_reason":"stop"}]}

        data: [DONE]


        """)

    static let azure = Self(
        "Azure",
        """
        data: {"choices":[],"created":0,"id":"","model":"","object":"","prompt_filter_results":[{"prompt_index":0,"content_filter_results":{"hate":\
        {"filtered":false,"severity":"safe"}}}]}

        data: {"choices":[{"content_filter_results":{"hate":{"filtered":false,"severity":"safe"}},"delta":{"content":"Hello"},"finish_reason":null,"index":0,\
        "logprobs":null}],"created":1,"id":"chatcmpl-A","model":"gpt-4o-2024-11-20","object":"chat.completion.chunk","system_fingerprint":"fp_ee"}

        data: {"choices":[{"content_filter_results":{},"delta":{},"finish_reason":"content_filter","index":0,"logprobs":null}],"created":1,\
        "id":"chatcmpl-A","model":"gpt-4o-2024-11-20","object":"chat.completion.chunk","system_fingerprint":"fp_ee"}

        data: [DONE]


        """)

    static let vLLM = Self(
        "vLLM",
        """
        data: {"id":"chatcmpl-7f","object":"chat.completion.chunk","created":1730000000,"model":"Qwen/Qwen3-8B","choices":[{"index":0,"delta":{"role":\
        "assistant","content":"","reasoning_content":null},"logprobs":null,"finish_reason":null,"token_ids":null}],"prompt_token_ids":null}

        data: {"id":"chatcmpl-7f","object":"chat.completion.chunk","created":1730000000,"model":"Qwen/Qwen3-8B","choices":[{"index":0,"delta":{"reasoning":\
        "Let me think","reasoning_content":"Let me think"},"logprobs":null,"finish_reason":null,"token_ids":[1,2]}]}

        data: {"id":"chatcmpl-7f","object":"chat.completion.chunk","created":1730000000,"model":"Qwen/Qwen3-8B","choices":[{"index":0,"delta":{"content":\
        "Four"},"logprobs":null,"finish_reason":null,"stop_reason":null,"token_ids":null}],"usage":{"prompt_tokens":12,"total_tokens":15,\
        "completion_tokens":3}}

        data: {"id":"chatcmpl-7f","object":"chat.completion.chunk","created":1730000000,"model":"Qwen/Qwen3-8B","choices":[{"index":0,"delta":{"content":\
        "."},"logprobs":null,"finish_reason":"stop","stop_reason":"END","token_ids":null}]}

        data: {"id":"chatcmpl-7f","object":"chat.completion.chunk","created":1730000000,"model":"Qwen/Qwen3-8B","choices":[],"usage":{"prompt_tokens":12,\
        "total_tokens":17,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":8}}}

        data: [DONE]


        """)

    static let vLLMOlderTools = Self(
        "older vLLM, whole tool calls",
        """
        data: {"id":"chatcmpl-8","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":"",\
        "tool_calls":[]},"logprobs":null,"finish_reason":null}]}

        data: {"id":"chatcmpl-8","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"tool_calls":[{"id":\
        "chatcmpl-tool-1","type":"function","index":0,"function":{"name":"lookup","arguments":"{\\"term\\": \\"lease\\"}"}}]},"logprobs":null,\
        "finish_reason":null}]}

        data: {"id":"chatcmpl-8","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":""},"logprobs":null,\
        "finish_reason":"tool_calls","stop_reason":null}]}

        data: [DONE]


        """)

    static let llamaCpp = Self(
        "llama.cpp",
        """
        data: {"choices":[{"finish_reason":null,"index":0,"delta":{"role":"assistant","content":null}}],"created":1762345678,"id":"chatcmpl-L","model":"tiny",\
        "system_fingerprint":"b6900-abc","object":"chat.completion.chunk","prompt_progress":{"total":10,"cache":0,"processed":10,"time_ms":5}}

        data: {"choices":[{"finish_reason":null,"index":0,"delta":{"reasoning_content":"Hm"}}],"created":1762345678,"id":"chatcmpl-L","model":"tiny",\
        "system_fingerprint":"b6900-abc","object":"chat.completion.chunk"}

        : keep-alive

        data: {"choices":[{"finish_reason":null,"index":0,"delta":{"content":"Ja."},"logprobs":{"content":[]}}],"created":1762345678,"id":"chatcmpl-L",\
        "model":"tiny","system_fingerprint":"b6900-abc","object":"chat.completion.chunk","timings":{"cache_n":0,"prompt_n":10,"prompt_ms":5.1}}

        data: {"choices":[{"finish_reason":"length","index":0,"delta":{}}],"created":1762345678,"id":"chatcmpl-L","model":"tiny",\
        "system_fingerprint":"b6900-abc","object":"chat.completion.chunk"}

        data: {"choices":[],"created":1762345678,"id":"chatcmpl-L","model":"tiny","system_fingerprint":"b6900-abc","object":"chat.completion.chunk",\
        "usage":{"completion_tokens":2,"prompt_tokens":10,"total_tokens":12,"prompt_tokens_details":{"cached_tokens":0}},"timings":{"predicted_n":2},\
        "__verbose":{"index":0}}

        data: [DONE]


        """)

    static let llamaCppTools = Self(
        "llama.cpp, tools",
        """
        data: {"choices":[{"finish_reason":null,"index":0,"delta":{"tool_calls":[{"index":0,"id":"Xy12","type":"function","function":{"name":"add",\
        "arguments":"{"}}]}}],"created":1,"id":"c","model":"tiny","system_fingerprint":"b1","object":"chat.completion.chunk"}

        data: {"choices":[{"finish_reason":null,"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"\\"a\\":1}"}}]}}],"created":1,"id":"c",\
        "model":"tiny","system_fingerprint":"b1","object":"chat.completion.chunk"}

        data: {"choices":[{"finish_reason":"tool_calls","index":0,"delta":{}}],"created":1,"id":"c","model":"tiny","system_fingerprint":"b1",\
        "object":"chat.completion.chunk"}

        data: [DONE]


        """)

    static let ollama = Self(
        "Ollama",
        """
        data: {"id":"chatcmpl-543","object":"chat.completion.chunk","created":1763000000,"model":"qwen3:8b","system_fingerprint":"fp_ollama","choices":[{\
        "index":0,"delta":{"role":"assistant","content":"","reasoning":"Okay"},"finish_reason":null}]}

        data: {"id":"chatcmpl-543","object":"chat.completion.chunk","created":1763000000,"model":"qwen3:8b","system_fingerprint":"fp_ollama","choices":[{\
        "index":0,"delta":{"role":"assistant","content":"","tool_calls":[{"id":"call_q1","index":0,"type":"function","function":{"name":"now",\
        "arguments":"{}"}},{"id":"call_q2","index":0,"type":"function","function":{"name":"now","arguments":"{\\"zone\\":\\"CET\\"}"}}]},\
        "finish_reason":null}]}

        data: {"id":"chatcmpl-543","object":"chat.completion.chunk","created":1763000000,"model":"qwen3:8b","system_fingerprint":"fp_ollama","choices":[{\
        "index":0,"delta":{"role":"assistant","content":""},"finish_reason":"tool_calls"}]}

        data: {"id":"chatcmpl-543","object":"chat.completion.chunk","created":1763000000,"model":"qwen3:8b","system_fingerprint":"fp_ollama","choices":[],\
        "usage":{"prompt_tokens":0,"completion_tokens":42,"total_tokens":42}}

        data: [DONE]


        """)

    static let lmStudio = Self(
        "LM Studio",
        """
        data: {"id":"chatcmpl-lm","object":"chat.completion.chunk","created":1,"model":"llama-3.2","system_fingerprint":"llama-3.2","choices":[{"index":0,\
        "delta":{"role":"assistant","content":"Hi"},"logprobs":null,"finish_reason":null}]}

        data: {"id":"chatcmpl-lm","object":"chat.completion.chunk","created":1,"model":"llama-3.2","system_fingerprint":"llama-3.2","choices":[{"index":0,\
        "delta":{},"logprobs":null,"finish_reason":"stop"}],"stats":{"tokens_per_second":50}}

        data: [DONE]


        """)

    static let openRouter = Self(
        "OpenRouter",
        """
        : OPENROUTER PROCESSING

        data: {"id":"gen-1","provider":"Anthropic","model":"anthropic/claude-sonnet-4","object":"chat.completion.chunk","created":1,"choices":[{"index":0,\
        "delta":{"role":"assistant","content":"","reasoning":"Think","reasoning_details":[{"type":"reasoning.text","text":"Think","format":\
        "anthropic-claude-v1","index":0}]},"finish_reason":null,"native_finish_reason":null,"logprobs":null}]}

        data: {"id":"gen-1","provider":"Anthropic","model":"anthropic/claude-sonnet-4","object":"chat.completion.chunk","created":1,"choices":[{"index":0,\
        "delta":{"role":"assistant","content":"","reasoning":null,"reasoning_details":[{"type":"reasoning.text","signature":"c2ln","format":\
        "anthropic-claude-v1","index":0,"id":null}]},"finish_reason":null,"native_finish_reason":null,"logprobs":null}]}

        : OPENROUTER PROCESSING

        data: {"id":"gen-1","provider":"Anthropic","model":"anthropic/claude-sonnet-4","object":"chat.completion.chunk","created":1,"choices":[{"index":0,\
        "delta":{"role":"assistant","content":"Sunny","annotations":[{"type":"url_citation","url_citation":{"url":"https://w.test","title":"W",\
        "content":"It is sunny.","start_index":0,"end_index":5}},{"type":"file","file":{"hash":"h","name":"a.pdf","content":[]}}],\
        "images":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AA=="}}]},"finish_reason":"stop","native_finish_reason":"end_turn",\
        "logprobs":null}]}

        data: {"id":"gen-1","provider":"Anthropic","model":"anthropic/claude-sonnet-4","object":"chat.completion.chunk","created":1,"choices":[{"index":0,\
        "delta":{"role":"assistant","content":""},"finish_reason":null,"native_finish_reason":null,"logprobs":null}],"usage":{"prompt_tokens":100,\
        "completion_tokens":20,"total_tokens":120,"cost":0.00042,"is_byok":false,"prompt_tokens_details":{"cached_tokens":64,"audio_tokens":0,\
        "video_tokens":0,"cache_write_tokens":0},"cost_details":{"upstream_inference_cost":null},"completion_tokens_details":{"reasoning_tokens":9}}}

        data: [DONE]


        """)

    static let openRouterEncrypted = Self(
        "OpenRouter, encrypted reasoning",
        """
        data: {"id":"gen-2","provider":"OpenAI","model":"openai/gpt-5","object":"chat.completion.chunk","created":1,"choices":[{"index":0,"delta":{"role":\
        "assistant","content":"","reasoning_details":[{"type":"reasoning.summary","summary":"Looked it up","format":"openai-responses-v1","index":0}]},\
        "finish_reason":null,"native_finish_reason":null,"logprobs":null}]}

        data: {"id":"gen-2","provider":"OpenAI","model":"openai/gpt-5","object":"chat.completion.chunk","created":1,"choices":[{"index":0,"delta":{"role":\
        "assistant","content":"Yes","reasoning_details":[{"type":"reasoning.encrypted","data":"Z0FB","id":"rs_1","format":"openai-responses-v1",\
        "index":0}]},"finish_reason":"stop","native_finish_reason":"completed","logprobs":null}]}

        data: [DONE]


        """)

    static let deepSeek = Self(
        "DeepSeek",
        """
        data: {"id":"1f63","object":"chat.completion.chunk","created":1718345013,"model":"deepseek-reasoner","system_fingerprint":"fp_a49d71b8a1","choices":[\
        {"index":0,"delta":{"role":"assistant","content":null,"reasoning_content":"9.11"},"logprobs":null,"finish_reason":null}],"usage":null}

        data: {"id":"1f63","object":"chat.completion.chunk","created":1718345013,"model":"deepseek-reasoner","system_fingerprint":"fp_a49d71b8a1","choices":[\
        {"index":0,"delta":{"content":"9.8","reasoning_content":null},"logprobs":null,"finish_reason":null}],"usage":null}

        data: {"id":"1f63","object":"chat.completion.chunk","created":1718345013,"model":"deepseek-reasoner","system_fingerprint":"fp_a49d71b8a1","choices":[\
        {"index":0,"delta":{"content":"","reasoning_content":null},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":17,\
        "completion_tokens":9,"total_tokens":26,"prompt_cache_hit_tokens":16,"prompt_cache_miss_tokens":1,"completion_tokens_details":\
        {"reasoning_tokens":5}}}

        data: [DONE]


        """)

    static let mistral = Self(
        "Mistral",
        """
        data: {"id":"m1","object":"chat.completion.chunk","created":1,"model":"magistral-medium","choices":[{"index":0,"delta":{"content":[{"type":"thinking",\
        "thinking":[{"type":"text","text":"Hm"}],"closed":true}]},"finish_reason":null}]}

        data: {"id":"m1","object":"chat.completion.chunk","created":1,"model":"magistral-medium","choices":[{"index":0,"delta":{"content":[{"type":"text",\
        "text":"Yes"}]},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"total_tokens":12,"completion_tokens":3}}

        data: [DONE]


        """)

    static let groq = Self(
        "Groq",
        """
        data: {"id":"g","object":"chat.completion.chunk","created":1,"model":"llama-3.1-8b-instant","system_fingerprint":"fp_g","choices":[{"index":0,"delta":{\
        "role":"assistant","content":"Hey"},"logprobs":null,"finish_reason":null}],"x_groq":{"id":"req_01"}}

        data: {"id":"g","object":"chat.completion.chunk","created":1,"model":"llama-3.1-8b-instant","system_fingerprint":"fp_g","choices":[{"index":0,"delta":{},\
        "logprobs":null,"finish_reason":"stop"}],"usage":{"queue_time":0.01,"prompt_tokens":5,"prompt_time":0.1,"completion_tokens":2,\
        "completion_time":0.2,"total_tokens":7,"total_time":0.3}}

        data: [DONE]


        """)

    static let moonshot = Self(
        "Moonshot",
        """
        data: {"id":"k","object":"chat.completion.chunk","created":1,"model":"kimi-k2","choices":[{"index":0,"delta":{"content":"Yo"},"finish_reason":null}]}

        data: {"id":"k","object":"chat.completion.chunk","created":1,"model":"kimi-k2","choices":[{"index":0,"delta":{},"finish_reason":"stop","usage":{\
        "prompt_tokens":8,"completion_tokens":1,"total_tokens":9}}]}

        data: [DONE]


        """)

    static let sgLang = Self(
        "SGLang",
        """
        data: {"id":"s","object":"chat.completion.chunk","created":1,"model":"q","choices":[{"index":0,"delta":{"role":null,"content":"A","reasoning_content":null,\
        "tool_calls":null},"logprobs":null,"finish_reason":"stop","matched_stop":"\\n"}],"usage":null}

        data: [DONE]


        """)

    static let legacyFunction = Self(
        "an old server with function_call",
        """
        data: {"id":"f","object":"chat.completion.chunk","created":1,"model":"old","choices":[{"index":0,"delta":{"role":"assistant","content":null,\
        "function_call":{"name":"roll","arguments":""}},"finish_reason":null}]}

        data: {"id":"f","object":"chat.completion.chunk","created":1,"model":"old","choices":[{"index":0,"delta":{"function_call":{"arguments":"{\\"n\\":6}"}},\
        "finish_reason":null}]}

        data: {"id":"f","object":"chat.completion.chunk","created":1,"model":"old","choices":[{"index":0,"delta":{},"finish_reason":"function_call"}]}

        data: [DONE]


        """)
}
