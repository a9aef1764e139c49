import Millrace
import MillraceCore
import Testing

@testable import MillraceBackends

/// Streams as the API writes them, an event a line. Their members are those of the types in Anthropic's own client (`anthropic` 2.11.0).
enum AnthropicStreams {
    static let text = events(
        #"""
        {"type":"message_start","message":{"id":"msg_01","type":"message","role":"assistant","model":"claude-opus-5","content":[],"stop_reason":null,"stop_sequence":null,"stop_details":null,"container":null,"diagnostics":{"cache_miss_reason":{"type":"unavailable"}},"usage":{"input_tokens":21,"cache_creation_input_tokens":300,"cache_read_input_tokens":1000,"cache_creation":{"ephemeral_5m_input_tokens":300,"ephemeral_1h_input_tokens":0},"output_tokens":1,"output_tokens_details":{"thinking_tokens":0},"server_tool_use":null,"service_tier":"standard","inference_geo":"us","speed":"standard"}}}
        {"type":"content_block_start","index":0,"content_block":{"type":"text","text":"","citations":null}}
        {"type":"ping"}
        {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Grüße 🎉"}}
        {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":" aus 東京"}}
        {"type":"content_block_stop","index":0}
        {"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null,"stop_details":null,"container":null},"usage":{"input_tokens":21,"cache_creation_input_tokens":300,"cache_read_input_tokens":1000,"output_tokens":15,"output_tokens_details":{"thinking_tokens":0},"server_tool_use":null}}
        {"type":"message_stop"}
        """#)

    static let tools = events(
        #"""
        {"type":"message_start","message":{"id":"msg_02","type":"message","role":"assistant","model":"claude-opus-5","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":40,"output_tokens":2}}}
        {"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}
        {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"Two cities: "}}
        {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"ask for both."}}
        {"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"EqQBCgIYAhIM"}}
        {"type":"content_block_stop","index":0}
        {"type":"content_block_start","index":1,"content_block":{"type":"redacted_thinking","data":"EmwKAhgB"}}
        {"type":"content_block_stop","index":1}
        {"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":"toolu_01","name":"weather","input":{},"caller":{"type":"direct"},"toolset_name":null}}
        {"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":""}}
        {"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"{\"city\": \"K\\u00f6"}}
        {"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"ln\"}"}}
        {"type":"content_block_stop","index":2}
        {"type":"content_block_start","index":3,"content_block":{"type":"thinking","thinking":"And ","signature":"c2ln"}}
        {"type":"content_block_delta","index":3,"delta":{"type":"thinking_delta","thinking":"the time."}}
        {"type":"content_block_stop","index":3}
        {"type":"content_block_start","index":4,"content_block":{"type":"tool_use","id":"toolu_02","name":"clock","input":{}}}
        {"type":"content_block_stop","index":4}
        {"type":"content_block_start","index":5,"content_block":{"type":"tool_use","id":"toolu_03","name":"zone","input":{"of":"Köln"}}}
        {"type":"content_block_stop","index":5}
        {"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"output_tokens":88}}
        {"type":"message_stop"}
        """#)

    /// Citations come before, between and after the text that they back.
    static let citations = events(
        #"""
        {"type":"message_start","message":{"id":"msg_03","type":"message","role":"assistant","model":"claude-opus-5","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":600,"output_tokens":3}}}
        {"type":"content_block_start","index":0,"content_block":{"type":"text","text":"The lease says "}}
        {"type":"content_block_stop","index":0}
        {"type":"content_block_start","index":1,"content_block":{"type":"text","text":"","citations":[]}}
        {"type":"content_block_delta","index":1,"delta":{"type":"citations_delta","citation":{"type":"char_location","cited_text":"The tenant paints the walls.","document_index":0,"document_title":"lease","start_char_index":10,"end_char_index":38,"file_id":null}}}
        {"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"to paint"}}
        {"type":"content_block_delta","index":1,"delta":{"type":"citations_delta","citation":{"type":"page_location","cited_text":"White only.","document_index":1,"document_title":"rules","start_page_number":5,"end_page_number":6,"file_id":null}}}
        {"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":" the walls"}}
        {"type":"content_block_stop","index":1}
        {"type":"content_block_start","index":2,"content_block":{"type":"text","text":"; see also","citations":[{"type":"content_block_location","cited_text":"Two coats.","document_index":7,"document_title":"fetched","start_block_index":0,"end_block_index":2,"file_id":null}]}}
        {"type":"content_block_delta","index":2,"delta":{"type":"text_delta","text":" these"}}
        {"type":"content_block_delta","index":2,"delta":{"type":"citations_delta","citation":{"type":"web_search_result_location","cited_text":"Paint dries.","encrypted_index":"Eo8B","title":"Paint","url":"https://example.com/paint"}}}
        {"type":"content_block_delta","index":2,"delta":{"type":"citations_delta","citation":{"type":"search_result_location","cited_text":"Brushes.","search_result_index":0,"source":"kb/7","title":"Tools","start_block_index":0,"end_block_index":1}}}
        {"type":"content_block_delta","index":2,"delta":{"type":"citations_delta","citation":{"type":"char_location","cited_text":"Page one.","document_index":2,"document_title":"a page","start_char_index":0,"end_char_index":9,"file_id":null}}}
        {"type":"content_block_delta","index":2,"delta":{"type":"citations_delta","citation":{"type":"page_location","cited_text":"Page two.","document_index":3,"document_title":null,"start_page_number":2,"end_page_number":3,"file_id":null}}}
        {"type":"content_block_delta","index":2,"delta":{"type":"citations_delta","citation":{"type":"hologram_location","cited_text":"?"}}}
        {"type":"content_block_stop","index":2}
        {"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":30}}
        {"type":"message_stop"}
        """#)

    static let providerTools = events(
        #"""
        {"type":"message_start","message":{"id":"msg_04","type":"message","role":"assistant","model":"claude-opus-5","content":[],"stop_reason":null,"stop_sequence":null,"container":{"id":"container_1","expires_at":"2026-11-21T00:00:00Z","skills":null},"usage":{"input_tokens":9,"output_tokens":1}}}
        {"type":"content_block_start","index":0,"content_block":{"type":"server_tool_use","id":"srvtoolu_01","name":"web_search","input":{},"caller":{"type":"direct"}}}
        {"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{\"query\": \"paint\"}"}}
        {"type":"content_block_stop","index":0}
        {"type":"content_block_start","index":1,"content_block":{"type":"web_search_tool_result","tool_use_id":"srvtoolu_01","caller":{"type":"direct"},"content":[{"type":"web_search_result","title":"Paint","url":"https://example.com/paint","encrypted_content":"EqgfC","page_age":"2 days"}]}}
        {"type":"content_block_stop","index":1}
        {"type":"content_block_start","index":2,"content_block":{"type":"web_fetch_tool_result","tool_use_id":"srvtoolu_02","content":{"type":"web_fetch_result","url":"https://example.com/paint","retrieved_at":null,"content":{"type":"document","source":{"type":"text","media_type":"text/plain","data":"Paint dries."},"title":null,"citations":null}}}}
        {"type":"content_block_stop","index":2}
        {"type":"content_block_start","index":3,"content_block":{"type":"code_execution_tool_result","tool_use_id":"srvtoolu_03","content":{"type":"code_execution_result","stdout":"4","stderr":"","return_code":0,"content":[]}}}
        {"type":"content_block_stop","index":3}
        {"type":"content_block_start","index":4,"content_block":{"type":"bash_code_execution_tool_result","tool_use_id":"srvtoolu_04","content":{"type":"bash_code_execution_result","stdout":"","stderr":"","return_code":0,"content":[]}}}
        {"type":"content_block_stop","index":4}
        {"type":"content_block_start","index":5,"content_block":{"type":"text_editor_code_execution_tool_result","tool_use_id":"srvtoolu_05","content":{"type":"text_editor_code_execution_create_result","is_file_update":false}}}
        {"type":"content_block_stop","index":5}
        {"type":"content_block_start","index":6,"content_block":{"type":"tool_search_tool_result","tool_use_id":"srvtoolu_06","content":{"type":"tool_search_tool_search_result","tool_references":[]}}}
        {"type":"content_block_stop","index":6}
        {"type":"content_block_start","index":7,"content_block":{"type":"container_upload","file_id":"file_1"}}
        {"type":"content_block_stop","index":7}
        {"type":"content_block_start","index":8,"content_block":{"type":"text","text":""}}
        {"type":"content_block_delta","index":8,"delta":{"type":"text_delta","text":"It dries."}}
        {"type":"content_block_stop","index":8}
        {"type":"message_delta","delta":{"stop_reason":"pause_turn","stop_sequence":null,"container":{"id":"container_1","expires_at":"2026-11-21T00:00:00Z","skills":[]}},"usage":{"input_tokens":700,"output_tokens":60,"server_tool_use":{"web_search_requests":1,"web_fetch_requests":1}}}
        {"type":"message_stop"}
        """#)

    static let refusal = events(
        #"""
        {"type":"message_start","message":{"id":"msg_05","type":"message","role":"assistant","model":"claude-opus-5","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":9,"output_tokens":1}}}
        {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}
        {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"First"}}
        {"type":"content_block_stop","index":0}
        {"type":"message_delta","delta":{"stop_reason":"refusal","stop_sequence":null,"stop_details":{"type":"refusal","category":"cyber","explanation":"No."}},"usage":{"output_tokens":4}}
        {"type":"message_stop"}
        """#)

    static let failure = events(
        #"""
        {"type":"message_start","message":{"id":"msg_06","type":"message","role":"assistant","model":"claude-opus-5","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":9,"output_tokens":1}}}
        {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}
        {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Half an ans"}}
        {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"req_stream"}
        """#)

    static let all = [text, tools, citations, providerTools, refusal, failure]

    /// The events of a text that has one on each line.
    static func events(_ lines: String) -> [JSONValue] {
        lines.split(separator: "\n").compactMap { line in
            do throws(MillraceError) { return try JSONValue(parsing: String(line)) } catch {
                Issue.record("\(error): \(line)")
                return nil
            }
        }
    }

    /// Events as the API's bytes.
    static func bytes(_ events: [JSONValue]) -> [UInt8] {
        Array(events.map { "event: \($0["type"]?.string ?? "")\ndata: \($0.text)\n\n" }.joined().utf8)
    }

    static let documents = [
        ModelDocument(id: "doc_1", title: "lease.txt", text: "Lease. The tenant paints the walls."),
        ModelDocument(id: "doc_2", title: "rules.pdf", text: "White only."),
    ]

    static func request(
        _ request: ModelRequest = ModelRequest(turns: [.init(role: .user, parts: [.text("?")])], documents: documents),
        _ options: AnthropicOptions = AnthropicOptions()
    ) throws -> MessagesRequest {
        try MessagesRequest(request, model: "claude-test", options: options)
    }
}

/// What a decoder made of a stream.
struct AnthropicDecoded: Equatable {
    var events: [ModelEvent] = []
    var response: ModelResponse?
    var error: MillraceError?
    var consumed: Usage?

    var text: String { events.reduce(into: "") { if case .text(let piece) = $1 { $0 += piece } } }
    var reasoning: [Reasoning] { events.compactMap { if case .reasoning(let reasoning) = $0 { reasoning } else { nil } } }
    var toolCalls: [ToolCall] { events.compactMap { if case .toolCall(let call) = $0 { call } else { nil } } }
    var citations: [Citation] { events.compactMap { if case .citation(let citation) = $0 { citation } else { nil } } }
    var usages: [Usage] { events.compactMap { if case .usage(let usage) = $0 { usage } else { nil } } }

    /// Decodes events, each named in its SSE message as the API does.
    init(_ events: [JSONValue], request: MessagesRequest? = nil) throws {
        try self.init(
            messages: events.map { SSEMessage(event: $0["type"]?.string ?? "message", data: $0.text) }, request: request)
    }

    init(messages: [SSEMessage], request: MessagesRequest? = nil) throws {
        var decoder = MessagesDecoder(try request ?? AnthropicStreams.request(), model: "claude-test", server: "api.test")
        do throws(MillraceError) {
            for message in messages { events += try decoder.receive(message) }
            response = try decoder.finish()
        } catch {
            self.error = error
        }
        consumed = decoder.consumed
    }
}
