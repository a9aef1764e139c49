/// What a model answered in one call.
public struct GeneratedAnswer: Equatable, Sendable {
    /// A part that is no text, and how many bytes of the text stand before it.
    private struct Placed: Equatable, Sendable {
        var textBefore: Int
        var part: MessagePart
    }

    /// The whole text.
    public var text = ""
    /// The tools that the model wants called.
    public private(set) var toolCalls: [ToolCall] = []
    /// How the answer ended; `nil` only while it has not.
    public var response: ModelResponse?
    private var placed: [Placed] = []
    /// The reasoning that further pieces are added to, apart from `placed` so that it grows in place.
    private var open: OpenReasoning?

    private struct OpenReasoning: Equatable, Sendable {
        var textBefore: Int
        var whole: Reasoning
    }

    /// An empty answer.
    public init() {}

    mutating func add(_ call: ToolCall) {
        closeReasoning()
        toolCalls.append(call)
        placed.append(Placed(textBefore: text.utf8.count, part: .toolCall(call)))
    }

    /// Pieces of reasoning that follow each other are one part, up to a signature.
    mutating func add(_ piece: Reasoning) {
        if open?.textBefore == text.utf8.count {
            open?.whole.text += piece.text
            open?.whole.signature = piece.signature
            open?.whole.redactedContent = piece.redactedContent
        } else {
            closeReasoning()
            open = OpenReasoning(textBefore: text.utf8.count, whole: piece)
        }
        if piece.endsBlock { closeReasoning() }
    }

    private mutating func closeReasoning() {
        if let open { placed.append(Placed(textBefore: open.textBefore, part: .reasoning(open.whole))) }
        open = nil
    }

    /// The answer as the assistant's turn that a next call hands back: text, reasoning with its signatures, and tool calls, in their order.
    public var parts: [MessagePart] {
        var parts: [MessagePart] = []
        let bytes = text.utf8
        var start = bytes.startIndex
        func addText(to end: String.Index) {
            if start < end { parts.append(.text(String(text[start..<end]))) }
            start = end
        }
        var whole = self
        whole.closeReasoning()
        for placed in whole.placed {
            addText(to: bytes.index(bytes.startIndex, offsetBy: placed.textBefore))
            parts.append(placed.part)
        }
        addText(to: bytes.endIndex)
        return parts
    }
}
