import Millrace
import MillraceCore

/// Reads the stream of one answer of the Messages API, event by event.
///
/// Source: <https://platform.claude.com/docs/en/build-with-claude/streaming>. A message starts, its blocks start, grow and stop, a delta
/// says why it ended, and it stops. As the API's versioning policy asks, events, blocks and deltas of unknown kinds are passed over; what
/// is known and comes in an impossible order is an error. What is left out on purpose stands in ``ignoredFields`` and ``ignoredBlocks``.
struct MessagesDecoder: Sendable {
    private enum Phase { case idle, started, complete }

    private enum Block {
        /// Citations are held until the block stops: the API sends them before, between or after the text that they back.
        case text(citations: [Citation])
        case thinking(signature: String)
        case toolUse(PendingCall)
        /// The input of ``MessagesRequest/answerTool``, which streams as text.
        case answer(PendingCall)
        case ignored

        enum Kind { case text, thinking, toolUse, answer, ignored }

        var kind: Kind {
            switch self {
            case .text: .text
            case .thinking: .thinking
            case .toolUse: .toolUse
            case .answer: .answer
            case .ignored: .ignored
            }
        }

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
            case .text, .thinking, .ignored: break
            }
        }
    }

    private struct PendingCall {
        let id: String
        let name: String
        /// What the block started with: the whole input where no deltas follow.
        let input: JSONValue
        var json = ""
    }

    /// The events that this decoder reads; a text in one of them that is no JSON is an error.
    private static let events: Set<String> = [
        "message_start", "content_block_start", "content_block_delta", "content_block_stop", "message_delta", "message_stop",
    ]

    private let documents: [MessagesRequest.Document]
    private let answerTool: String?
    private let server: String
    private let requestID: String?

    private var phase = Phase.idle
    private var blocks: [Int: Block] = [:]
    private var counted = MessagesUsage()
    private var stopReason: StopReason?
    private var modelID: String
    private var streamedBytes = 0
    private var calledTools = false
    private var answeredByTool = false
    /// A tool call whose arguments are unusable. Why is known when the message says why it stopped.
    private var broken: (tool: String, problem: String)?

    /// - Parameters:
    ///   - request: what was asked; citations name its documents.
    ///   - model: the model's name, in case the answer gives none.
    ///   - server: the server's name, for errors.
    ///   - requestID: the provider's id of the request, for errors.
    init(_ request: MessagesRequest, model: String, server: String, requestID: String? = nil) {
        documents = request.documents
        answerTool = request.answerTool
        modelID = model
        self.server = server
        self.requestID = requestID
    }

    /// Whether the message has stopped; what follows is of no interest.
    var isComplete: Bool { phase == .complete }

    /// What the call has consumed as far as is known. Before the final figures the answer's tokens are estimated, four bytes each, once
    /// that is more than what was reported at its start.
    var consumed: Usage? {
        guard phase != .idle else { return nil }
        let reported = counted.usage
        let estimate = (streamedBytes + 3) / 4
        guard stopReason == nil, estimate > reported.completionTokens ?? 0 else { return reported }
        return Usage(
            promptTokens: reported.promptTokens, completionTokens: estimate, cachedPromptTokens: reported.cachedPromptTokens,
            isEstimated: true)
    }

    /// Takes the next message of the stream.
    /// - Returns: what it says, in order.
    /// - Throws: ``ErrorCode/modelError`` for an `error` event and for what cannot be read.
    mutating func receive(_ message: SSEMessage) throws(MillraceError) -> [ModelEvent] {
        guard phase != .complete else { return [] }
        let json: JSONValue
        do throws(MillraceError) { json = try JSONValue(parsing: message.data) } catch {
            if message.event == "error" {
                throw MessagesFailure.streamed(["error": ["message": .string(message.data)]], server: server, requestID: requestID)
            }
            guard Self.events.contains(message.event) else { return [] }
            throw unreadable("sent an event \(message.event) that is no JSON")
        }
        let kind = json["type"]?.string ?? message.event
        if kind == "error" { throw MessagesFailure.streamed(json, server: server, requestID: requestID) }
        guard Self.events.contains(kind) else { return [] }
        guard (phase == .idle) == (kind == "message_start") else {
            throw unreadable(phase == .idle ? "sent \(kind) before message_start" : "started a message within another")
        }
        switch kind {
        case "message_start": return messageStarted(json["message"] ?? .null)
        case "content_block_start": return try blockStarted(try index(json, kind), json["content_block"] ?? .null)
        case "content_block_delta": return try blockGrew(try index(json, kind), json["delta"] ?? .null)
        case "content_block_stop": return try blockStopped(try index(json, kind))
        case "message_delta": return try messageEnded(json)
        default: return try messageStopped()
        }
    }

    /// Takes the stream's end.
    /// - Throws: ``ErrorCode/modelError``, worth another attempt, where the message has not stopped.
    func finish() throws(MillraceError) -> ModelResponse {
        guard phase == .complete, let stopReason else {
            throw unreadable("ended the stream before the answer was complete: try again")
        }
        return ModelResponse(stopReason: stopReason, usage: counted.usage, modelID: modelID)
    }

    // MARK: The message

    private mutating func messageStarted(_ message: JSONValue) -> [ModelEvent] {
        phase = .started
        modelID = message["model"]?.string ?? modelID
        guard let usage = message["usage"], !usage.isNull else { return [] }
        counted.update(usage)
        return [.usage(counted.usage)]
    }

    private mutating func messageEnded(_ json: JSONValue) throws(MillraceError) -> [ModelEvent] {
        if let usage = json["usage"] { counted.update(usage) }
        if let reason = json["delta"]?["stop_reason"]?.string { stopReason = Self.stopReason(reason) }
        try checkBroken()
        if stopReason == .toolUse, answeredByTool, !calledTools { stopReason = .endTurn }
        return [.usage(counted.usage)]
    }

    private mutating func messageStopped() throws(MillraceError) -> [ModelEvent] {
        guard blocks.isEmpty else { throw unreadable("stopped the answer within a block") }
        guard stopReason != nil else { throw unreadable("stopped the answer without saying why") }
        try checkBroken()
        phase = .complete
        return []
    }

    /// The API's reason as ours; one without a counterpart keeps its name, such as `pause_turn` and `model_context_window_exceeded`.
    private static func stopReason(_ name: String) -> StopReason {
        switch name {
        case "end_turn": .endTurn
        case "max_tokens": .maxTokens
        case "stop_sequence": .stopSequence
        case "tool_use": .toolUse
        case "refusal": .contentFilter
        default: StopReason(rawValue: name)
        }
    }

    private func checkBroken() throws(MillraceError) {
        // A refused answer is cut off anywhere, and says so by its stop reason.
        guard let broken, let stopReason, stopReason != .contentFilter else { return }
        if stopReason == .maxTokens || stopReason.rawValue == "model_context_window_exceeded" {
            // A cut text is an answer of its own kind, with its stop reason; half a call is nothing.
            guard broken.tool != answerTool else { return }
            throw MessagesFailure.unreadable(
                "cut the answer off within a call of the tool '\(broken.tool)': allow more tokens, or ask for less", server: server,
                requestID: requestID)
        }
        throw unreadable("sent a call of the tool '\(broken.tool)' whose arguments are \(broken.problem): try again")
    }

    // MARK: Blocks

    private mutating func blockStarted(_ index: Int, _ block: JSONValue) throws(MillraceError) -> [ModelEvent] {
        guard blocks[index] == nil else { throw unreadable("started block \(index) twice") }
        blocks[index] = .ignored
        switch block["type"]?.string {
        case "text":
            blocks[index] = .text(citations: (block["citations"]?.array ?? []).compactMap { citation($0) })
            return text(block["text"]?.string ?? "")
        case "thinking":
            blocks[index] = .thinking(signature: block["signature"]?.string ?? "")
            return reasoning(block["thinking"]?.string ?? "")
        case "redacted_thinking":
            guard let data = block["data"]?.string else { throw unreadable("sent redacted reasoning without its data") }
            return [.reasoning(Reasoning(redactedContent: data))]
        case "tool_use":
            guard let id = block["id"]?.string, let name = block["name"]?.string else {
                throw unreadable("started a tool call without its id or name")
            }
            let call = PendingCall(id: id, name: name, input: block["input"] ?? .null)
            if name == answerTool {
                answeredByTool = true
                blocks[index] = .answer(call)
            } else {
                calledTools = true
                blocks[index] = .toolUse(call)
            }
        default: break
        }
        return []
    }

    private mutating func blockGrew(_ index: Int, _ delta: JSONValue) throws(MillraceError) -> [ModelEvent] {
        guard let kind = blocks[index]?.kind else { throw unreadable("added to block \(index), which is not open") }
        switch (delta["type"]?.string, kind) {
        case (_, .ignored): return []
        case ("text_delta", .text): return text(try string("text", of: delta))
        case ("citations_delta", .text):
            if let citation = citation(delta["citation"] ?? .null) { blocks[index]?.add(citation) }
        case ("thinking_delta", .thinking): return reasoning(try string("thinking", of: delta))
        case ("signature_delta", .thinking): blocks[index] = .thinking(signature: try string("signature", of: delta))
        case ("input_json_delta", .toolUse):
            let piece = try string("partial_json", of: delta)
            streamedBytes += piece.utf8.count
            blocks[index]?.add(json: piece)
        case ("input_json_delta", .answer):
            let piece = try string("partial_json", of: delta)
            blocks[index]?.add(json: piece)
            return text(piece)
        case ("text_delta", _), ("citations_delta", _), ("thinking_delta", _), ("signature_delta", _), ("input_json_delta", _):
            throw unreadable("added a \(delta["type"]?.string ?? "") to block \(index), which is of another kind")
        default: break
        }
        return []
    }

    private mutating func blockStopped(_ index: Int) throws(MillraceError) -> [ModelEvent] {
        guard let block = blocks.removeValue(forKey: index) else { throw unreadable("stopped block \(index), which is not open") }
        switch block {
        case .text(let citations): return citations.map { .citation($0) }
        case .thinking(let signature): return signature.isEmpty ? [] : [.reasoning(Reasoning(signature: signature))]
        case .toolUse(let call):
            guard let arguments = arguments(of: call) else { return [] }
            return [.toolCall(ToolCall(id: call.id, name: call.name, arguments: arguments))]
        case .answer(let call):
            // Its pieces have been streamed; what is left is to see that they are whole.
            let arguments = arguments(of: call)
            return MessagesConversation.isBlank(call.json) ? text((arguments ?? [:]).text) : []
        case .ignored: return []
        }
    }

    private mutating func text(_ text: String) -> [ModelEvent] {
        streamedBytes += text.utf8.count
        return text.isEmpty ? [] : [.text(text)]
    }

    private mutating func reasoning(_ text: String) -> [ModelEvent] {
        streamedBytes += text.utf8.count
        return text.isEmpty ? [] : [.reasoning(Reasoning(text: text))]
    }

    /// A call's arguments; `nil`, with ``broken`` set, where they are none. Streamed without the server's checks
    /// (`eager_input_streaming`), they may be anything.
    private mutating func arguments(of call: PendingCall) -> JSONValue? {
        if MessagesConversation.isBlank(call.json) { return call.input.object == nil ? [:] : call.input }
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

    private func citation(_ json: JSONValue) -> Citation? { Citation(messagesLocation: json, documents: documents) }

    private func index(_ json: JSONValue, _ kind: String) throws(MillraceError) -> Int {
        guard let index = json["index"]?.integer else { throw unreadable("sent \(kind) without an index") }
        return index
    }

    private func string(_ name: String, of delta: JSONValue) throws(MillraceError) -> String {
        guard let text = delta[name]?.string else { throw unreadable("sent a \(delta["type"]?.string ?? "delta") without its \(name)") }
        return text
    }

    private func unreadable(_ problem: String) -> MillraceError {
        MessagesFailure.unreadable(problem, server: server, requestID: requestID, isRetryable: true)
    }
}
