import Millrace
import MillraceAWS
import MillraceCore

/// Reads one answer of `ConverseStream`, event by event, or of `Converse`, whole.
///
/// A message starts, its blocks grow and stop, it stops, and metadata say what it consumed. Events, blocks and deltas of unknown kinds are
/// passed over. What is left out on purpose stands in ``ignoredMembers``. An answer is whole once `messageStop` has come; metadata that never
/// follow cost its figures, and nothing else.
///
/// Source: `ConverseStream` and `Converse`, Amazon Bedrock API Reference.
struct ConverseDecoder: Sendable {
    private enum Phase { case idle, started, stopped, complete }

    private enum Block {
        /// Citations are held until the block stops: they may come before, between or after the text that they back.
        case text(citations: [Citation])
        case reasoning(signature: String)
        case toolUse(PendingCall)
        /// The input of ``ConverseRequest/answerTool``, which streams as text.
        case answer(PendingCall)
        case ignored

        // What grows is taken out of the block first, so that it grows in place and is not copied with every piece.

        mutating func add(_ citation: Citation) {
            guard case .text(var citations) = self else { return }
            self = .ignored
            citations.append(citation)
            self = .text(citations: citations)
        }

        mutating func add(json piece: String) {
            switch self {
            case .toolUse(var call):
                self = .ignored
                call.json += piece
                self = .toolUse(call)
            case .answer(var call):
                self = .ignored
                call.json += piece
                self = .answer(call)
            case .text, .reasoning, .ignored: break
            }
        }
    }

    private struct PendingCall {
        let id: String
        let name: String
        var json = ""
    }

    private let sources: ConverseSources
    private let answerTool: String?
    private let server: String

    private var phase = Phase.idle
    private var blocks: [Int: Block] = [:]
    private var counted: Usage?
    private var stopReason = ""
    private var modelID: String
    private var metadata: [String: JSONValue] = [:]
    private var streamedBytes = 0
    private var calledTools = false
    private var answeredByTool = false
    /// A tool call whose arguments are unusable. Why is known when the message says why it stopped.
    private var broken: (tool: String, problem: String)?

    /// - Parameters:
    ///   - request: what was asked; citations name its documents.
    ///   - model: the model's name, in case the answer gives none.
    ///   - server: the server's name, for errors.
    init(_ request: ConverseRequest, model: String, server: String) {
        sources = request.sources
        answerTool = request.answerTool
        modelID = model
        self.server = server
    }

    /// Whether the message has stopped; all that can follow are metadata.
    var hasStopped: Bool { phase == .stopped || phase == .complete }

    /// What the call has consumed as far as is known: the service's figures, and before they come an estimate of the answer's tokens, four
    /// bytes each. What the prompt had is not known until then.
    var consumed: Usage? {
        if let counted { return counted }
        guard phase != .idle else { return nil }
        return Usage(completionTokens: (streamedBytes + 3) / 4, isEstimated: true)
    }

    /// Takes the next event of the stream.
    /// - Returns: what it says, in order.
    /// - Throws: ``ErrorCode/modelError`` for what cannot be read.
    mutating func receive(_ event: BedrockStreamEvent) throws(MillraceError) -> [ModelEvent] {
        let payload = event.payload
        switch event.type {
        case "metadata": return metadataCame(payload)
        // What belongs to a message cannot follow its end.
        case _ where hasStopped: return []
        case "messageStart":
            guard phase == .idle else { throw unreadable("started a message within another") }
            phase = .started
            return []
        case "contentBlockStart": return try blockStarted(try index(payload, event.type), payload["start"] ?? .null)
        case "contentBlockDelta": return try blockGrew(try index(payload, event.type), payload["delta"] ?? .null)
        case "contentBlockStop": return try blockStopped(try index(payload, event.type))
        case "messageStop": return try messageStopped(payload)
        default: return []
        }
    }

    /// Takes the whole answer of `Converse`.
    mutating func receive(converse json: JSONValue) throws(MillraceError) -> [ModelEvent] {
        var events: [ModelEvent] = []
        for event in try Self.events(of: json, server: server) { events += try receive(event) }
        return events
    }

    /// Takes the answer's end.
    /// - Throws: ``ErrorCode/modelError``, worth another attempt, where the message has not stopped or the model wrote what cannot be used.
    func finish() throws(MillraceError) -> ModelResponse {
        guard hasStopped else { throw unreadable("ended the stream before the answer was complete: try again") }
        guard !stopReason.hasPrefix("malformed_") else {
            let what = stopReason == "malformed_tool_use" ? "a tool call" : "an answer"
            throw unreadable("says that the model wrote \(what) that it cannot read (\(stopReason)): try again")
        }
        try checkBroken()
        let reason = stopReason == "tool_use" && answeredByTool && !calledTools ? .endTurn : Self.stopReason(stopReason)
        return ModelResponse(stopReason: reason, usage: consumed ?? .unknown, modelID: modelID, providerMetadata: metadata)
    }

    /// The API's reason as ours; one without a counterpart keeps its name, such as `model_context_window_exceeded`.
    static func stopReason(_ name: String) -> StopReason {
        switch name {
        case "end_turn": .endTurn
        case "tool_use": .toolUse
        case "max_tokens": .maxTokens
        case "stop_sequence": .stopSequence
        case "guardrail_intervened": .guardrail
        case "content_filtered": .contentFilter
        default: StopReason(rawValue: name)
        }
    }

    // MARK: The message

    private mutating func messageStopped(_ payload: JSONValue) throws(MillraceError) -> [ModelEvent] {
        guard let reason = payload["stopReason"]?.string else { throw unreadable("stopped the answer without saying why") }
        stopReason = reason
        note("additional_model_response_fields", payload["additionalModelResponseFields"])
        // Some models leave out the last block's stop.
        var events: [ModelEvent] = []
        for index in blocks.keys.sorted() { events += try blockStopped(index) }
        phase = .stopped
        return events
    }

    private mutating func metadataCame(_ payload: JSONValue) -> [ModelEvent] {
        if phase == .stopped { phase = .complete }
        note("latency_ms", payload["metrics"]?["latencyMs"])
        note("guardrail", payload["trace"]?["guardrail"])
        note("latency", payload["performanceConfig"]?["latency"])
        note("service_tier", payload["serviceTier"]?["type"])
        if let routed = payload["trace"]?["promptRouter"]?["invokedModelId"]?.string { modelID = routed }
        guard let json = payload["usage"], json.object != nil else { return [] }
        let usage = ConverseUsage.usage(json)
        counted = usage
        return [.usage(usage)]
    }

    private mutating func note(_ name: String, _ value: JSONValue?) {
        if let value, !value.isNull { metadata[name] = value }
    }

    private func checkBroken() throws(MillraceError) {
        // A filtered answer is cut off anywhere, and says so by its stop reason.
        guard let broken, !["content_filtered", "guardrail_intervened"].contains(stopReason) else { return }
        if stopReason == "max_tokens" || stopReason == "model_context_window_exceeded" {
            // A cut text is an answer of its own kind, with its stop reason; half a call is nothing.
            guard broken.tool != answerTool else { return }
            throw BedrockFailure.unreadable(
                "cut the answer off within a call of the tool '\(broken.tool)': allow more tokens, or ask for less", server: server)
        }
        throw unreadable("sent a call of the tool '\(broken.tool)' whose arguments are \(broken.problem): try again")
    }

    // MARK: Blocks

    private mutating func blockStarted(_ index: Int, _ start: JSONValue) throws(MillraceError) -> [ModelEvent] {
        guard blocks[index] == nil else { throw unreadable("started block \(index) twice") }
        phase = .started
        if let tool = start["toolUse"], !tool.isNull {
            // One that runs at the service; what the model makes of it follows as text.
            guard tool["type"]?.string != "server_tool_use" else {
                blocks[index] = .ignored
                return []
            }
            guard let id = tool["toolUseId"]?.string, let name = tool["name"]?.string else {
                throw unreadable("started a tool call without its id or name")
            }
            let call = PendingCall(id: id, name: name)
            if name == answerTool {
                answeredByTool = true
                blocks[index] = .answer(call)
            } else {
                calledTools = true
                blocks[index] = .toolUse(call)
            }
        } else if start["toolResult"] != nil || start["image"] != nil {
            blocks[index] = .ignored
        }
        // Text and reasoning start with their first delta, also where a model starts them before, with nothing in it.
        return []
    }

    private mutating func blockGrew(_ index: Int, _ delta: JSONValue) throws(MillraceError) -> [ModelEvent] {
        phase = .started
        if let piece = delta["text"]?.string {
            guard try opened(index, as: .text(citations: [])) else { return [] }
            return text(piece)
        }
        if let citation = delta["citation"], !citation.isNull {
            guard try opened(index, as: .text(citations: [])) else { return [] }
            if let citation = sources.citation(citation) { blocks[index]?.add(citation) }
            return []
        }
        if let piece = delta["reasoningContent"], !piece.isNull {
            guard try opened(index, as: .reasoning(signature: "")) else { return [] }
            return reasoning(piece, at: index)
        }
        if let tool = delta["toolUse"], !tool.isNull {
            guard let piece = tool["input"]?.string else { throw unreadable("sent a tool call's delta without its input") }
            switch blocks[index] {
            case .toolUse: streamedBytes += piece.utf8.count
            case .answer:
                blocks[index]?.add(json: piece)
                return text(piece)
            case .ignored: return []
            case .text, .reasoning, nil: throw unreadable("added to a tool call in block \(index), which is none")
            }
            blocks[index]?.add(json: piece)
        }
        return []
    }

    /// Opens a block with its first delta.
    /// - Returns: whether the block is not passed over.
    private mutating func opened(_ index: Int, as block: Block) throws(MillraceError) -> Bool {
        switch (blocks[index], block) {
        case (nil, _):
            blocks[index] = block
            return true
        case (.text, .text), (.reasoning, .reasoning): return true
        case (.ignored, _): return false
        default: throw unreadable("added to block \(index) what is of another kind")
        }
    }

    private mutating func blockStopped(_ index: Int) throws(MillraceError) -> [ModelEvent] {
        phase = .started
        // A block that never grew has said nothing.
        guard let block = blocks.removeValue(forKey: index) else { return [] }
        switch block {
        case .text(let citations): return citations.map { .citation($0) }
        case .reasoning(let signature): return signature.isEmpty ? [] : [.reasoning(Reasoning(signature: signature))]
        case .toolUse(let call):
            guard let arguments = arguments(of: call) else { return [] }
            return [.toolCall(ToolCall(id: call.id, name: call.name, arguments: arguments))]
        case .answer(let call):
            // Its pieces have been streamed; what is left is to see that they are whole.
            guard let arguments = arguments(of: call) else { return [] }
            return MessagesConversation.isBlank(call.json) ? text(arguments.text) : []
        case .ignored: return []
        }
    }

    private mutating func text(_ text: String) -> [ModelEvent] {
        streamedBytes += text.utf8.count
        return text.isEmpty ? [] : [.text(text)]
    }

    private mutating func reasoning(_ piece: JSONValue, at index: Int) -> [ModelEvent] {
        if let text = piece["text"]?.string {
            streamedBytes += text.utf8.count
            return text.isEmpty ? [] : [.reasoning(Reasoning(text: text))]
        }
        if let redacted = piece["redactedContent"]?.string { return [.reasoning(Reasoning(redactedContent: redacted))] }
        if let signature = piece["signature"]?.string, case .reasoning(let known)? = blocks[index] {
            blocks[index] = .reasoning(signature: known + signature)
        }
        return []
    }

    /// A call's arguments; `nil`, with ``broken`` set, where they are none.
    private mutating func arguments(of call: PendingCall) -> JSONValue? {
        if MessagesConversation.isBlank(call.json) { return [:] }
        do throws(MillraceError) {
            let arguments = try JSONValue(parsing: call.json)
            if arguments.object != nil { return arguments }
            broken = broken ?? (call.name, "no object")
        } catch {
            broken = broken ?? (call.name, "no JSON (\(error.message))")
        }
        return nil
    }

    // MARK: Reading

    private func index(_ json: JSONValue, _ kind: String) throws(MillraceError) -> Int {
        guard let index = json["contentBlockIndex"]?.integer else { throw unreadable("sent \(kind) without an index") }
        return index
    }

    private func unreadable(_ problem: String) -> MillraceError {
        BedrockFailure.unreadable(problem, server: server, isRetryable: true)
    }
}
