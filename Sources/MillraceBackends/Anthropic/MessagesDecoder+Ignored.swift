extension MessagesDecoder {
    /// The members of streamed objects that the decoder leaves out, each with the reason. An object is named by its `type`, or by the
    /// member that holds it.
    static let ignoredFields: [String: String] = {
        let record = "the response's head gives the request's id, which is what support asks for"
        let fixed = "always the same"
        let atStart = "empty until the message ends; message_delta says it"
        let container = "containers belong to tools that run at the provider, which a request uses at its own expense"
        let billing = "a breakdown of counts that are already in the totals"
        let place = "a citation names its source and words; Millrace has no place for offsets"
        return [
            "message.id": record,
            "message.type": fixed,
            "message.role": fixed,
            "message.content": atStart,
            "message.stop_reason": atStart,
            "message.stop_sequence": atStart,
            "message.stop_details": atStart,
            "message.container": container,
            "message.diagnostics": "only there when a request asks for it, which is for finding cache misses by hand",
            "delta.container": container,
            "delta.stop_sequence": "a response says that a stop sequence ended it, not which",
            "delta.stop_details": "its text is not stable and its category is the provider's; the stop reason says that it refused",
            "usage.cache_creation": billing,
            "usage.output_tokens_details": billing,
            "usage.server_tool_use": "counts calls, not tokens",
            "usage.service_tier": "says how the call was billed, not what it consumed",
            "usage.inference_geo": "says where the call ran, not what it consumed",
            "usage.speed": "says how fast the call ran, not what it consumed",
            "tool_use.caller": "a call is answered alike whether the model or its code made it",
            "tool_use.toolset_name": "the request sends single tools, no toolsets",
            "char_location.start_char_index": place,
            "char_location.end_char_index": place,
            "char_location.file_id": "documents are sent with the request, not as stored files",
            "page_location.end_page_number": "a citation has one page, its first",
            "page_location.file_id": "documents are sent with the request, not as stored files",
            "content_block_location.start_block_index": place,
            "content_block_location.end_block_index": place,
            "content_block_location.file_id": "documents are sent with the request, not as stored files",
            "web_search_result_location.encrypted_index": "only for handing the citation back, which is not done",
            "search_result_location.search_result_index": "the source names the result",
            "search_result_location.start_block_index": place,
            "search_result_location.end_block_index": place,
        ]
    }()

    /// The kinds of blocks that are left out whole, each with the reason.
    static let ignoredBlocks: [String: String] = {
        let atProvider = "runs at the provider; what the model makes of it follows as text, with citations"
        return [
            "server_tool_use": atProvider,
            "web_search_tool_result": atProvider,
            "web_fetch_tool_result": atProvider,
            "code_execution_tool_result": atProvider,
            "bash_code_execution_tool_result": atProvider,
            "text_editor_code_execution_tool_result": atProvider,
            "tool_search_tool_result": atProvider,
            "container_upload": "names a file in the provider's container, which Millrace does not fetch",
        ]
    }()
}
