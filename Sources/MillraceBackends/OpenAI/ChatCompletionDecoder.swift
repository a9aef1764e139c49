import Millrace
import MillraceCore

/// Reads the chunks of a streamed chat completion: a value that is fed the `data` of each server-sent event and gives what the model said.
///
/// Source: OpenAI's API reference, "The chat completion chunk object", and what vLLM, llama.cpp, Ollama, LM Studio, OpenRouter, DeepSeek
/// and Mistral add to it. ``mappedFields`` and ``ignoredFields`` name every field.
///
/// - Text and reasoning come out as they come in. A refusal is text too, and the answer's stop reason is then `refusal`.
/// - Tool calls come out at the end, whole: only then is it certain that no piece of them is missing, and the usage has been reported
///   before arguments that are no JSON end the call.
/// - Only choice 0 is read.
/// - An answer is complete with a `finish_reason` or with `[DONE]`. A stream that ends without both was cut off, which is an error.
struct ChatCompletionDecoder: Sendable {
    /// The stop reason of a model that declined to answer.
    static let refusal = StopReason(rawValue: "refusal")
    /// Finish reasons that say that the server gave up: OpenRouter's, vLLM's and SGLang's, DeepSeek's.
    private static let failures: Set<String> = ["error", "abort", "insufficient_system_resource"]

    private let provider: String
    private let makeID: @Sendable () -> String
    private var modelID: String
    private var finishReason: String?
    /// Whether a stop sequence ended the answer, where the server says so.
    private var hasMatchedStop = false
    private var hasFailed = false
    private var hasRefused = false
    private var hasChoice = false
    private var citations: Set<Citation> = []
    private var tools = ToolCallAssembler()
    private var frame = TextDeltaFrame()
    /// What the server has reported so far.
    private(set) var usage = Usage.unknown
    /// Whether the server said `[DONE]`; what comes behind it is not looked at.
    private(set) var isDone = false

    /// - Parameters:
    ///   - modelID: the model that was asked; the server may name a more exact one.
    ///   - provider: the server as people call it, for errors.
    ///   - makeID: gives a tool call its id where the server gave none.
    init(modelID: String, provider: String, makeID: @escaping @Sendable () -> String = { Identifier.make(prefix: "call") }) {
        self.modelID = modelID
        self.provider = provider
        self.makeID = makeID
    }

    // MARK: Input

    /// Takes the data of one server-sent event if it holds a piece of text and nothing else, as nearly every one does.
    /// - Returns: the text; `nil` for any other event, which has not been taken then.
    mutating func receive(text data: String) -> String? {
        guard !isDone, let text = TextDeltaScanner.text(in: data, modelID: modelID, frame: &frame) else { return nil }
        hasChoice = true
        return text
    }

    /// Takes the data of one server-sent event.
    /// - Throws: ``ErrorCode/modelError`` for a problem that the server reports, and for what is no chunk.
    mutating func receive(_ data: String) throws(MillraceError) -> [ModelEvent] {
        if let text = receive(text: data) { return text.isEmpty ? [] : [.text(text)] }
        return try receive(whole: data)
    }

    /// Takes the data of one server-sent event, and reads all of it.
    /// - Throws: as ``receive(_:)-(String)``.
    mutating func receive(whole data: String) throws(MillraceError) -> [ModelEvent] {
        guard !isDone else { return [] }
        // What is read in full may change what later chunks are read by, such as the model's name.
        frame.forget()
        if data.utf8.first != UInt8(ascii: "{") {
            let text = data.filter { !$0.isWhitespace }
            if text == "[DONE]" { isDone = true }
            if isDone || text.isEmpty { return [] }
        }
        let chunk: JSONValue
        do throws(MillraceError) { chunk = try JSONValue(parsing: data) } catch {
            var failure = MillraceError(
                .modelError, "the model's server \(provider) sent a chunk that is not valid JSON", isRetryable: true)
            failure.cause = error.message
            throw failure
        }
        return try receive(chunk)
    }

    /// Takes a whole chat completion, from a server that does not stream.
    /// - Throws: as ``receive(_:)-(String)``.
    mutating func receive(completion: JSONValue) throws(MillraceError) -> [ModelEvent] {
        let events = try receive(completion)
        isDone = true
        return events
    }

    private mutating func receive(_ chunk: JSONValue) throws(MillraceError) -> [ModelEvent] {
        guard let members = chunk.object else {
            throw MillraceError(.modelError, "the model's server \(provider) sent a chunk that is no object", isRetryable: true)
        }
        var events: [ModelEvent] = []
        if let model = members["model"]?.string, !model.isEmpty { modelID = model }
        if let usage = members["usage"] { report(usage, into: &events) }
        let choices = members["choices"]?.array
        if choices == nil || members["error"]?.isNull == false, let problem = OpenAIProblem(json: chunk) {
            throw problem.error(provider: provider)
        }
        for (position, choice) in (choices ?? []).enumerated() where (choice["index"]?.integer ?? position) == 0 {
            try receive(choice: choice, into: &events)
        }
        return events
    }

    private mutating func receive(choice: JSONValue, into events: inout [ModelEvent]) throws(MillraceError) {
        hasChoice = true
        if choice["error"]?.isNull == false, let problem = OpenAIProblem(json: choice) { throw problem.error(provider: provider) }
        if let delta = choice["delta"]?.object ?? choice["message"]?.object { try receive(delta: delta, into: &events) }
        // Moonshot reports the usage within the choice.
        if let usage = choice["usage"] { report(usage, into: &events) }
        guard let reason = choice["finish_reason"]?.string, !reason.isEmpty else { return }
        finishReason = reason
        // vLLM and SGLang name the text at which they stopped; a number is a token that ends an answer.
        if (choice["stop_reason"] ?? choice["matched_stop"])?.string != nil { hasMatchedStop = true }
        if Self.failures.contains(reason) || choice["native_finish_reason"]?.string == "network_error" { hasFailed = true }
    }

    private mutating func report(_ json: JSONValue, into events: inout [ModelEvent]) {
        guard let reported = Usage(openAI: json), reported != usage else { return }
        usage = reported
        events.append(.usage(reported))
    }

    private mutating func receive(delta: [String: JSONValue], into events: inout [ModelEvent]) throws(MillraceError) {
        readReasoning(delta, into: &events)
        switch delta["content"] {
        case .string(let text)? where !text.isEmpty: events.append(.text(text))
        case .array(let parts)?: for part in parts { Self.read(part: part, into: &events) }
        default: break
        }
        if let refusal = delta["refusal"]?.string, !refusal.isEmpty {
            hasRefused = true
            events.append(.text(refusal))
        }
        for annotation in delta["annotations"]?.array ?? [] { read(annotation: annotation, into: &events) }
        for call in delta["tool_calls"]?.array ?? [] {
            let function = call["function"]
            try tools.receive(
                index: call["index"]?.integer, id: call["id"]?.string, name: function?["name"]?.string, arguments: function?["arguments"])
        }
        if let call = delta["function_call"], call.object != nil {
            try tools.receive(index: 0, id: nil, name: call["name"]?.string, arguments: call["arguments"])
        }
    }

    /// Reasoning comes under three names, and OpenRouter says the same text under two of them.
    private func readReasoning(_ delta: [String: JSONValue], into events: inout [ModelEvent]) {
        var text = delta["reasoning_content"]?.string ?? ""
        if text.isEmpty { text = delta["reasoning"]?.string ?? "" }
        let isTold = !text.isEmpty
        if isTold { events.append(.reasoning(Reasoning(text: text))) }
        for detail in delta["reasoning_details"]?.array ?? [] {
            if !isTold, let text = detail["text"]?.string ?? detail["summary"]?.string, !text.isEmpty {
                events.append(.reasoning(Reasoning(text: text)))
            }
            if let signature = detail["signature"]?.string, !signature.isEmpty {
                events.append(.reasoning(Reasoning(signature: signature)))
            }
            if let data = detail["data"]?.string, !data.isEmpty { events.append(.reasoning(Reasoning(redactedContent: data))) }
        }
    }

    /// Mistral's reasoning models send their content in parts.
    private static func read(part: JSONValue, into events: inout [ModelEvent]) {
        if let text = part["text"]?.string, !text.isEmpty { events.append(.text(text)) }
        for thought in part["thinking"]?.array ?? [] {
            if let text = thought["text"]?.string, !text.isEmpty { events.append(.reasoning(Reasoning(text: text))) }
        }
    }

    private mutating func read(annotation: JSONValue, into events: inout [ModelEvent]) {
        guard let found = annotation["url_citation"], let url = found["url"]?.string else { return }
        let title = found["title"]?.string
        // OpenAI gives the place in the answer, not the source's words; OpenRouter gives those as `content`.
        let citation = Citation(documentID: url, text: found["content"]?.string ?? "", documentTitle: title, documentPointer: url)
        if citations.insert(citation).inserted { events.append(.citation(citation)) }
    }

    // MARK: End

    /// Ends the answer, once the stream has ended.
    /// - Returns: the tool calls, and how the answer ended.
    /// - Throws: ``ErrorCode/modelError`` for an answer that was cut off or given up (a retry can help), and for tool calls that cannot be
    ///   used.
    func finish() throws(MillraceError) -> (calls: [ToolCall], response: ModelResponse) {
        guard finishReason != nil || isDone else {
            throw MillraceError(
                .modelError, "the model's server \(provider) ended the stream before the answer was complete", isRetryable: true)
        }
        guard hasChoice else {
            throw MillraceError(.modelError, "the model's server \(provider) sent no answer", isRetryable: true)
        }
        guard !hasFailed else {
            throw MillraceError(
                .modelError, "the model's server \(provider) gave up before the answer was complete (\(finishReason ?? ""))",
                isRetryable: true)
        }
        let calls = try tools.finish(wasCut: stopReason == .maxTokens, makeID: makeID)
        return (calls, ModelResponse(stopReason: stopReason, usage: usage, modelID: modelID))
    }

    private var stopReason: StopReason {
        switch finishReason {
        case nil, "stop", "eos", "eos_token":
            // Some servers say `stop` also when the model waits for its tools.
            if !tools.isEmpty { .toolUse } else if hasRefused { Self.refusal } else { hasMatchedStop ? .stopSequence : .endTurn }
        case "tool_calls", "function_call": .toolUse
        case "length": .maxTokens
        case "content_filter": .contentFilter
        case let other?: StopReason(rawValue: other)
        }
    }
}
