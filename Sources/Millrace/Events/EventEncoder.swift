package import MillraceCore

/// Writes events as `text/event-stream` messages, straight into bytes.
///
/// The form is WHATWG HTML's section 9.2: `event:` the kind, `id:` response id and sequence, `data:` one JSON object without newlines.
package struct EventEncoder: Sendable {
    /// Where an event stands in its block.
    package struct BlockPosition: Equatable, Sendable {
        package var index: Int
        package var sequence: Int
    }

    private let responseID: String

    package init(responseID: String) { self.responseID = responseID }

    /// Appends one message.
    package func append(
        _ event: Event, sequence: Int, at stamp: EventStamp, block: BlockPosition?, to buffer: inout ByteBuffer
    ) {
        if case .content(let text) = event.body, let block {
            var text = text
            let isPlain = text.withUTF8 { text in
                let bytes = UnsafeRawBufferPointer(text)
                guard JSONEscaping.firstEscape(in: bytes) == bytes.count else { return false }
                appendContent(bytes, sequence: sequence, at: stamp, block: block, to: &buffer)
                return true
            }
            if isPlain { return }
        }
        buffer.append("event: ")
        buffer.append(event.kind.rawValue)
        buffer.append("\nid: ")
        buffer.append(responseID)
        buffer.append(":")
        buffer.append(decimal: sequence)
        buffer.append("\ndata: {\"response_id\":\"")
        buffer.append(responseID)
        buffer.append("\",\"sequence\":")
        buffer.append(decimal: sequence)
        appendRest(of: event, at: stamp, block: block, to: &buffer)
        buffer.append("\n\n")
    }

    /// A piece of text without anything to escape: nearly every event of a stream is one, so it is written in one go.
    private func appendContent(
        _ text: UnsafeRawBufferPointer, sequence: Int, at stamp: EventStamp, block: BlockPosition, to buffer: inout ByteBuffer
    ) {
        // The literals have 113 bytes. So much and no more, so that an event that is sealed alone fills its memory.
        let digits = RawWriter.digits(of: sequence) * 2 + RawWriter.digits(of: block.index) + RawWriter.digits(of: block.sequence)
        let capacity = responseID.utf8.count * 2 + EventStamp.byteCount + text.count + digits + 113
        _ = buffer.appendUninitialized(capacity: capacity) { out in
            var writer = RawWriter(out)
            var responseID = responseID
            responseID.withUTF8 { id in
                writer.put("event: content\nid: ")
                writer.put(UnsafeRawBufferPointer(id))
                writer.put(":")
                writer.put(decimal: sequence)
                writer.put("\ndata: {\"response_id\":\"")
                writer.put(UnsafeRawBufferPointer(id))
            }
            writer.put("\",\"sequence\":")
            writer.put(decimal: sequence)
            stamp.withBytes { writer.put($0) }
            writer.put(",\"content_block_index\":")
            writer.put(decimal: block.index)
            writer.put(",\"block_sequence\":")
            writer.put(decimal: block.sequence)
            writer.put(",\"content\":\"")
            writer.put(text)
            writer.put("\"}\n\n")
            assert(writer.count == capacity)
            return writer.count
        }
    }

    /// Appends one event that is not sent: a JSON object on a line of its own.
    package func appendHidden(
        _ event: Event, after sequence: Int, ordinal: Int, at stamp: EventStamp, block: BlockPosition?,
        to buffer: inout ByteBuffer
    ) {
        buffer.append("{\"event\":")
        buffer.append(jsonString: event.kind.rawValue)
        buffer.append(",\"after\":")
        buffer.append(decimal: sequence)
        buffer.append(",\"ordinal\":")
        buffer.append(decimal: ordinal)
        appendRest(of: event, at: stamp, block: block, to: &buffer)
        buffer.append("\n")
    }

    /// Writes everything behind the sequence, up to the closing brace.
    private func appendRest(of event: Event, at stamp: EventStamp, block: BlockPosition?, to buffer: inout ByteBuffer) {
        stamp.withBytes { buffer.append($0) }
        if let block {
            buffer.append(",\"content_block_index\":")
            buffer.append(decimal: block.index)
            buffer.append(",\"block_sequence\":")
            buffer.append(decimal: block.sequence)
        }
        Self.appendFields(of: event, to: &buffer)
        buffer.append("}")
    }

    private static func appendFields(of event: Event, to buffer: inout ByteBuffer) {
        switch event.body {
        case .responseStart(let start):
            buffer.add("request_id", start.requestID)
            buffer.add("chat_id", start.chatID)
            buffer.add("task", start.task)
            buffer.add("model_id", start.modelID)
            buffer.add("parent_id", start.parentID)
            buffer.add("continues", start.continues)
        case .status(let status, let message, let discardedBlocks):
            buffer.add("status", status)
            buffer.add("message", message)
            if !discardedBlocks.isEmpty { buffer.add("discarded_blocks", json: .array(discardedBlocks.map { .integer($0) })) }
        case .retracted(let notice):
            buffer.add("status", "retracted")
            buffer.add("message", notice.message)
            buffer.add("retraction", json: notice.json)
        case .content(let text): buffer.add("content", text)
        case .reasoning(let reasoning):
            buffer.add("text", reasoning.text)
            buffer.add("signature", reasoning.signature)
            buffer.add("redacted_content", reasoning.redactedContent)
        case .toolCall(let call):
            buffer.add("tool_name", call.name)
            buffer.add("tool_args", json: call.arguments)
            buffer.add("tool_id", call.id)
        case .toolReturn(let result):
            buffer.add("tool_name", result.name)
            buffer.add("tool_id", result.id)
            buffer.add("result", json: result.result)
        case .document(let document):
            buffer.add("document_id", document.documentID)
            buffer.add("title", document.title)
            buffer.add("pointer", document.pointer)
            buffer.add("mime_type", document.mimeType)
            buffer.add("page_count", document.pageCount)
            buffer.add("word_count", document.wordCount)
        case .citation(let citation):
            buffer.add("document_id", citation.documentID)
            buffer.add("text", citation.text)
            buffer.add("page", citation.page)
            buffer.add("section", citation.section)
            buffer.add("citation_id", citation.citationID)
            buffer.add("reference_number", citation.referenceNumber)
            buffer.add("document_title", citation.documentTitle)
            buffer.add("document_pointer", citation.documentPointer)
        case .metadata(let metadata): buffer.add("metadata", json: .object(metadata))
        case .failure(let failure):
            buffer.add("error_type", failure.code.rawValue)
            buffer.add("message", failure.message)
            buffer.add("details", json: .object(failure.details))
            buffer.add("chat_id", failure.chatID)
            buffer.add("type", "about:blank")
            buffer.add("title", failure.code.rawValue)
            buffer.add("status", failure.httpStatus)
        case .responseEnd(let end):
            buffer.add("status", end.status.rawValue)
            buffer.add("usage", end.usage)
            buffer.add("chat_id", end.chatID)
        case .custom(let members):
            for (name, value) in members.sorted(by: { $0.key < $1.key }) { buffer.add(member: name, json: value) }
        }
    }
}

/// Writes into memory whose size the caller has made large enough for all that is put.
private struct RawWriter {
    private let base: UnsafeMutableRawPointer
    private(set) var count = 0

    init(_ memory: UnsafeMutableRawBufferPointer) { base = memory.baseAddress.unsafelyUnwrapped }

    @inline(__always)
    mutating func put(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress else { return }
        (base + count).copyMemory(from: source, byteCount: bytes.count)
        count &+= bytes.count
    }

    @inline(__always)
    mutating func put(_ literal: StaticString) {
        put(UnsafeRawBufferPointer(start: literal.utf8Start, count: literal.utf8CodeUnitCount))
    }

    /// How many bytes ``put(decimal:)`` writes; numbers below zero do not occur.
    @inline(__always)
    static func digits(of value: Int) -> Int {
        var digits = 1
        var rest = UInt(bitPattern: value) / 10
        while rest > 0 {
            digits &+= 1
            rest /= 10
        }
        return digits
    }

    @inline(__always)
    mutating func put(decimal value: Int) {
        var rest = UInt(bitPattern: value)
        var place = count &+ Self.digits(of: value)
        count = place
        repeat {
            place &-= 1
            base.storeBytes(of: UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: rest % 10), toByteOffset: place, as: UInt8.self)
            rest /= 10
        } while rest > 0
    }
}

extension ByteBuffer {
    /// Starts a further member of an object that has some already.
    private mutating func addName(_ name: StaticString) {
        append(",\"")
        append(name)
        append("\":")
    }

    fileprivate mutating func add(_ name: StaticString, _ value: String?) {
        addName(name)
        if let value { append(jsonString: value) } else { append("null") }
    }

    fileprivate mutating func add(_ name: StaticString, _ value: Int?) {
        addName(name)
        if let value { append(decimal: value) } else { append("null") }
    }

    /// As ``Usage/json`` says it, without a dictionary for every run.
    fileprivate mutating func add(_ name: StaticString, _ usage: Usage) {
        addName(name)
        appendJSONObject { object in
            if let cached = usage.cachedPromptTokens { object.member("cached_prompt_tokens", cached) }
            object.member("completion_tokens", usage.completionTokens)
            if usage.isEstimated { object.member("estimated", true) }
            object.member("estimated_cost", number: usage.estimatedCost)
            object.member("prompt_tokens", usage.promptTokens)
            object.member("total_tokens", usage.totalTokens)
        }
    }

    fileprivate mutating func add(_ name: StaticString, json value: JSONValue) {
        addName(name)
        append(json: value)
    }

    fileprivate mutating func add(member name: String, json value: JSONValue) {
        append(",")
        append(jsonString: name)
        append(":")
        append(json: value)
    }
}
