import Millrace
import MillraceCore
import Testing

@testable import MillraceBackends

@Suite struct OpenAIProblemTests {
    @Test(arguments: [
        (
            401,
            #"{"error":{"message":"Incorrect API key provided: sk-secret.","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}"#,
            "Incorrect API key provided: ********.", "invalid_api_key", false
        ),
        (
            400, #"{"error":{"message":"Unsupported parameter","type":"invalid_request_error","param":"max_tokens","code":null}}"#,
            "Unsupported parameter", "invalid_request_error", false
        ),
        (
            404, #"{"error":{"message":"model 'x' not found","type":"not_found_error","param":null,"code":null}}"#, "model 'x' not found",
            "not_found_error", false
        ),
        (
            400,
            #"{"error":{"code":400,"message":"request (9000 tokens) exceeds the available context size","type":"exceed_context_size_error","n_ctx":4096}}"#,
            "exceeds the available context size", "exceed_context_size_error", false
        ),
        (
            429, #"{"error":{"message":"Rate limit reached","type":"requests","param":null,"code":"rate_limit_exceeded"}}"#,
            "Rate limit reached",
            "rate_limit_exceeded", true
        ),
        (
            429,
            #"{"error":{"message":"You exceeded your current quota","type":"insufficient_quota","param":null,"code":"insufficient_quota"}}"#,
            "no credit", "insufficient_quota", false
        ),
        (
            402, #"{"error":{"message":"Insufficient Balance","type":"unknown_error","code":"invalid_request_error"}}"#, "no credit", nil,
            false
        ),
        (
            429,
            #"{"error":{"message":"Provider returned error","code":429,"metadata":{"raw":"{\"error\":{\"message\":\"slow down\"}}","provider_name":"X"}},"user_id":"u"}"#,
            "Provider returned error: slow down", nil, true
        ),
        (
            502,
            #"{"error":{"message":"Provider returned error","code":502,"metadata":{"raw":"upstream connect error","provider_name":"X"}}}"#,
            "upstream connect error", nil, true
        ),
        (
            400, #"{"object":"error","message":"max_tokens is too large","type":"BadRequestError","param":null,"code":400}"#,
            "max_tokens is too large", "BadRequestError", false
        ),
        (404, #"{"error":"model \"x\" not found, try pulling it first"}"#, "try pulling it first", nil, false),
        (404, #"{"detail":"Not Found"}"#, "Not Found", nil, false),
        (
            422, #"{"detail":[{"loc":["body","messages"],"msg":"field required","type":"value_error.missing"}]}"#, "field required", nil,
            false
        ),
        (503, "upstream is starting", "upstream is starting", nil, true),
        (502, "<html>\n<head><title>502 Bad\n Gateway</title></head><body></body></html>", "(502 Bad Gateway)", nil, true),
        (502, "  <HTML><HEAD><TITLE>Error</TITLE></HEAD>", "(Error)", nil, true), (500, "<!doctype html><p>", "an HTML page", nil, true),
        (500, "", "answered 500", nil, true), (501, "{}", "answered 501", nil, false), (418, #"{"teapot":true}"#, "teapot", nil, false),
    ])
    func refusal_isExplained(status: Int, body: String, words: String, kind: String?, isRetryable: Bool) async {
        let outcome = await openAIOutcome(OpenAIScriptedTransport(.body(body, status: status, type: "text/x")))
        let error = outcome.error
        #expect(error?.code == .modelError)
        #expect(error?.message.contains(words) == true, "\(String(describing: error))")
        #expect(error?.message.contains("models.test") == true && error?.message.contains("\(status)") == true)
        #expect(error?.message.contains("sk-secret") == false)
        #expect(error?.isRetryable == isRetryable)
        #expect(error?.details["provider_status"] == .integer(status))
        #expect(error?.details["provider_request_id"] == "req_upstream")
        if let kind { #expect(error?.details["provider_error"] == .string(kind)) }
        #expect(outcome.events.isEmpty && outcome.response == nil)
    }

    @Test func refusedParameter_isNamed() async {
        let body =
            #"{"error":{"message":"Unsupported parameter","type":"invalid_request_error","param":"max_tokens","code":"unsupported_parameter"}}"#
        let error = await openAIOutcome(OpenAIScriptedTransport(.body(body, status: 400))).error
        #expect(error?.details["provider_param"] == "max_tokens")
    }

    @Test(arguments: [
        // OpenRouter: a last chunk with the error beside the choice.
        (
            #"{"id":"gen-1","object":"chat.completion.chunk","created":1,"model":"m","provider":"X","error":{"code":"server_error","message":"Provider disconnected"},"choices":[{"index":0,"delta":{"content":""},"finish_reason":"error"}]}"#,
            "Provider disconnected", true
        ),
        (#"{"error":{"code":429,"message":"Rate limited"},"choices":[]}"#, "Rate limited", true),
        (#"{"error":{"code":400,"message":"Bad"}}"#, "Bad", false),
        // vLLM, llama.cpp, Ollama, older vLLM.
        (#"{"error":{"message":"EngineCore died","type":"InternalServerError","param":null,"code":500}}"#, "EngineCore died", true),
        (#"{"error":{"code":500,"message":"Compute error.","type":"server_error"}}"#, "Compute error.", true),
        (#"{"error":{"message":"the context is full","type":"exceed_context_size_error","n_ctx":512}}"#, "context is full", false),
        (
            #"{"error":{"message":"an error was encountered while running the model","type":"api_error","param":null,"code":null}}"#,
            "running the model", true
        ),
        (#"{"error":"an error was encountered"}"#, "an error was encountered", true),
        (#"{"object":"error","message":"aborted","type":"BadRequestError","code":400}"#, "aborted", false),
        (#"{"error":{"message":"You exceeded your quota","type":"insufficient_quota","code":"insufficient_quota"}}"#, "quota", false),
        (#"{"choices":[{"index":0,"delta":{},"error":{"code":502,"message":"upstream"},"finish_reason":"error"}]}"#, "upstream", true),
    ])
    func problemInTheMiddle_endsTheCall(chunk: String, words: String, isRetryable: Bool) async {
        let stream = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"x\"}}]}\n\ndata: \(chunk)\n\ndata: [DONE]\n\n"
        let outcome = await openAIOutcome(OpenAIScriptedTransport(.stream(stream)))
        #expect(outcome.text == "x")
        #expect(outcome.error?.code == .modelError)
        #expect(outcome.error?.message.contains(words) == true)
        #expect(outcome.error?.isRetryable == isRetryable)
    }

    @Test func nullError_isNone() async {
        let stream =
            "data: {\"error\":null,\"choices\":[{\"index\":0,\"delta\":{\"content\":\"x\"},\"error\":null,\"finish_reason\":\"stop\"}]}\n\n"
        #expect(await openAIOutcome(OpenAIScriptedTransport(.stream(stream))).text == "x")
    }
}
