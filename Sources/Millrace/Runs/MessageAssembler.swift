package import MillraceCore

/// Reads a run's events and builds the assistant's message that is stored when the run ends.
package struct MessageAssembler: Sendable {
    /// The block that further pieces are added to; its text is kept apart from `parts` so that it grows in place.
    private enum Open: Sendable {
        case none
        /// Pieces that readers did not get are not joined with what they got: a guard has seen them apart.
        case text(block: Int?, isEmitted: Bool)
        case reasoning(block: Int?, isEmitted: Bool)
    }

    private struct Part: Sendable {
        var block: Int?
        var value: MessagePart
        var isEmitted = true
        /// Whether some of it was taken back: then it may be left without a text.
        var isRetracted = false

        var hasText: Bool {
            switch value {
            case .text(let text): !text.isEmpty
            case .reasoning(let reasoning): !reasoning.text.isEmpty
            default: true
            }
        }
    }

    private var parts: [Part] = []
    /// Blocks that a `status` event took back. What comes late for one of them is dropped as well.
    private var discarded: Set<Int> = []
    private var open = Open.none
    /// As bytes, to which a short piece is added in a fraction of the time that a `String` takes.
    private var openText: [UInt8] = []
    private var openIsRetracted = false
    private var openCitations: [Part] = []
    /// Out of line, for most runs have none.
    private var openReasoning: OutOfLine<Reasoning>?
    /// What `metadata` events said, later ones over earlier ones.
    package private(set) var metadata: [String: JSONValue] = [:]

    package init() {}

    /// Takes the next event.
    /// - Parameter block: the block that the log put it in.
    package mutating func receive(_ event: Event, block: Int?) {
        if case .content(let text) = event.body, case .text(block, event.isEmitted) = open, event.isPersisted, discarded.isEmpty {
            add(text)
            return
        }
        if !event.discardedBlocks.isEmpty { discard(event.discardedBlocks) }
        guard event.isPersisted, !isDiscarded(block) else { return }
        switch event.body {
        case .content(let text):
            if case .text(block, event.isEmitted) = open {
                add(text)
            } else if !addLate(text, block, event.isEmitted) {
                closeOpen()
                open = .text(block: block, isEmitted: event.isEmitted)
                add(text)
            }
        case .reasoning(let piece):
            if case .reasoning(block, event.isEmitted) = open {
                openReasoning?.value.add(piece)
            } else if !addLate(piece, block, event.isEmitted) {
                closeOpen()
                open = .reasoning(block: block, isEmitted: event.isEmitted)
                openReasoning = OutOfLine(piece)
            }
            if case .reasoning(block, _) = open, piece.endsBlock { closeOpen() }
        case .toolCall(let call): add(.toolCall(call), block)
        case .toolReturn(let result): add(.toolReturn(result), block)
        case .citation(let citation):
            // A citation backs the text before it and does not cut that text in two.
            let part = Part(block: block, value: .citation(citation))
            if case .text = open { openCitations.append(part) } else { add(part.value, block) }
        case .document(let document):
            add(.document(Attachment(pointer: document.pointer, mimeType: document.mimeType, title: document.title)), block)
        case .metadata(let facts): metadata.merge(facts) { _, new in new }
        case .responseStart, .status, .retracted, .failure, .responseEnd, .custom: break
        }
    }

    /// The message's parts so far.
    package mutating func finish() -> [MessagePart] {
        closeOpen()
        return parts.filter { !$0.isRetracted || $0.hasText }.map(\.value)
    }

    /// Readers' text of a block is taken back from a place on. What is sent in its stead joins what stays.
    /// - Parameter kept: how much of the block's persisted text stays.
    package mutating func retract(block: Int, keeping kept: KeptBytes) {
        closeOpen()
        var kept = kept
        var hasCutReasoning = false
        var emptied: [Int] = []
        for index in parts.indices where parts[index].block == block && parts[index].isEmitted {
            switch parts[index].value {
            case .text(let text):
                let count = text.utf8.count
                if count > kept.content {
                    parts[index].value = .text(String(decoding: text.utf8.prefix(kept.content), as: UTF8.self))
                    parts[index].isRetracted = true
                }
                kept.content -= min(count, kept.content)
            case .reasoning(let reasoning):
                // What is sent anew joins the part that is cut, and not one behind it.
                if hasCutReasoning {
                    emptied.append(index)
                    continue
                }
                let count = reasoning.text.utf8.count
                if count > kept.reasoning {
                    // A signature stands for the text that it had.
                    parts[index].value = .reasoning(
                        Reasoning(text: String(decoding: reasoning.text.utf8.prefix(kept.reasoning), as: UTF8.self)))
                    parts[index].isRetracted = true
                    hasCutReasoning = true
                }
                kept.reasoning -= min(count, kept.reasoning)
            default: continue
            }
        }
        for index in emptied.reversed() { parts.remove(at: index) }
        // Most often it is the newest part, which goes on growing in place.
        guard let last = parts.last, last.block == block, last.isEmitted, case .text(let text) = last.value else { return }
        parts.removeLast()
        open = .text(block: block, isEmitted: true)
        openText = Array(text.utf8)
        openIsRetracted = last.isRetracted
    }

    private mutating func add(_ part: MessagePart, _ block: Int?) {
        closeOpen()
        parts.append(Part(block: block, value: part))
    }

    private mutating func add(_ text: String) {
        var text = text
        text.withUTF8 { openText.append(contentsOf: $0) }
    }

    /// Adds a piece to the part of its block, behind which others have begun.
    /// - Returns: whether there is such a part.
    private mutating func addLate(_ text: String, _ block: Int?, _ isEmitted: Bool) -> Bool {
        for index in parts.indices.reversed() where block != nil && parts[index].block == block && parts[index].isEmitted == isEmitted {
            guard case .text(let before) = parts[index].value else { continue }
            parts[index].value = .text(before + text)
            return true
        }
        return false
    }

    private mutating func addLate(_ piece: Reasoning, _ block: Int?, _ isEmitted: Bool) -> Bool {
        for index in parts.indices.reversed() where block != nil && parts[index].block == block && parts[index].isEmitted == isEmitted {
            guard case .reasoning(var before) = parts[index].value, !before.endsBlock else { continue }
            before.add(piece)
            parts[index].value = .reasoning(before)
            return true
        }
        return false
    }

    private func isDiscarded(_ block: Int?) -> Bool {
        if let block { discarded.contains(block) } else { false }
    }

    private mutating func discard(_ blocks: [Int]) {
        discarded.formUnion(blocks)
        closeOpen()
        parts = parts.filter { !isDiscarded($0.block) }
    }

    private mutating func closeOpen() {
        switch open {
        case .none: break
        case .text(let block, let isEmitted):
            let text = String(decoding: openText, as: UTF8.self)
            parts.append(Part(block: block, value: .text(text), isEmitted: isEmitted, isRetracted: openIsRetracted))
            parts += openCitations
            openCitations = []
        case .reasoning(let block, let isEmitted):
            if let openReasoning { parts.append(Part(block: block, value: .reasoning(openReasoning.value), isEmitted: isEmitted)) }
        }
        open = .none
        openText = []
        openIsRetracted = false
        openReasoning = nil
    }
}

extension Reasoning {
    /// Adds the next piece of the same block.
    fileprivate mutating func add(_ piece: Reasoning) {
        text += piece.text
        signature = piece.signature ?? signature
        redactedContent = piece.redactedContent ?? redactedContent
    }
}
