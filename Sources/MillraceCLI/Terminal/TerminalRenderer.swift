import MillraceCore

/// Turns a run's events into what a terminal shows: content on standard output, everything about it on standard error. A pure machine.
struct TerminalRenderer {
    struct Piece: Equatable {
        var stream: Terminal.Stream
        var text: String
    }

    let isJSON: Bool
    let outputIsTerminal: Bool
    let errorIsTerminal: Bool
    private var block: Int?
    private var atLineStart = true
    /// What the run's `response_start` and `response_end` said.
    private(set) var responseID: String?
    private(set) var chatID: String?
    private(set) var endStatus: String?

    init(isJSON: Bool, outputIsTerminal: Bool, errorIsTerminal: Bool) {
        self.isJSON = isJSON
        self.outputIsTerminal = outputIsTerminal
        self.errorIsTerminal = errorIsTerminal
    }

    /// Takes the next message of the stream.
    mutating func received(_ message: SSEMessage) -> [Piece] {
        let data = (try? JSONValue(parsing: message.data)) ?? .null
        if message.event == "response_start" { responseID = data["response_id"]?.string }
        if let chat = data["chat_id"]?.string { chatID = chat }
        if message.event == "response_end" { endStatus = data["status"]?.string ?? "error" }
        if isJSON {
            let line: JSONValue = ["event": .string(message.event), "id": .string(message.id), "data": data]
            return [Piece(stream: .output, text: line.text + "\n")]
        }
        switch message.event {
        case "content": return content(data)
        case "reasoning": return note(data["text"]?.string ?? "")
        // What is printed stays printed: at least it is said plainly.
        case "status" where data["retraction"] != nil: return note(data["message"]?.string ?? "", isDim: false)
        case "status": return note(data["message"]?.string ?? data["status"]?.string ?? "")
        case "document": return note("document: " + (data["title"]?.string ?? data["document_id"]?.string ?? ""))
        case "citation": return note(citation(data))
        case "tool_call": return note("tool: " + (data["tool_name"]?.string ?? ""))
        case "interrupt":
            return note("waits for an answer (\(data["interrupt_id"]?.string ?? "")): \(data["message"]?.string ?? "")", isDim: false)
        case "error": return note("error: \(data["message"]?.string ?? "") (\(data["error_type"]?.string ?? "unknown"))", isDim: false)
        case "response_end": return end()
        default: return []
        }
    }

    /// The stream has ended, with or without its terminal event: what is needed to leave the cursor at a line's start.
    mutating func ended() -> [Piece] {
        if isJSON || atLineStart { return [] }
        atLineStart = true
        return [Piece(stream: .output, text: "\n")]
    }

    private mutating func content(_ data: JSONValue) -> [Piece] {
        let text = clean(data["content"]?.string ?? "", outputIsTerminal)
        if text.isEmpty { return [] }
        var separator = ""
        let index = data["content_block_index"]?.integer
        if let block, let index, index != block { separator = atLineStart ? "\n" : "\n\n" }
        if let index { block = index }
        atLineStart = text.hasSuffix("\n")
        return [Piece(stream: .output, text: separator + text)]
    }

    private mutating func end() -> [Piece] {
        var pieces = ended()
        switch endStatus {
        case "completed": break
        case "cancelled": pieces += note("cancelled", isDim: false)
        case "blocked": pieces += note("blocked by a guardrail", isDim: false)
        case let status: pieces += note("ended: \(status ?? "")", isDim: false)
        }
        return pieces
    }

    private mutating func note(_ text: String, isDim: Bool = true) -> [Piece] {
        let text = clean(text, errorIsTerminal)
        if text.isEmpty { return [] }
        // On one screen a note must not stand in the middle of a line of the answer.
        let breaks = !atLineStart && outputIsTerminal && errorIsTerminal
        if breaks { atLineStart = true }
        let shown = isDim && errorIsTerminal ? "\u{1B}[2m\(text)\u{1B}[0m\n" : text + "\n"
        return (breaks ? [Piece(stream: .output, text: "\n")] : []) + [Piece(stream: .error, text: shown)]
    }

    private func citation(_ data: JSONValue) -> String {
        let number = data["reference_number"]?.integer.map { "[\($0)] " } ?? ""
        let title = data["document_title"]?.string ?? data["document_id"]?.string ?? ""
        let page = data["page"]?.integer.map { ", page \($0)" } ?? ""
        let quote = data["text"]?.string.map { ": \u{201C}\($0)\u{201D}" } ?? ""
        return "\(number)\(title)\(page)\(quote)"
    }

    /// Text from a model or a document must not steer the terminal: control characters but newline and tab are dropped.
    private func clean(_ text: String, _ isTerminal: Bool) -> String {
        guard isTerminal else { return text }
        var kept = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            let isControl = scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value)
            if !isControl || scalar == "\n" || scalar == "\t" { kept.append(scalar) }
        }
        return String(kept)
    }
}
