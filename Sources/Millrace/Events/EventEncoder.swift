package import MillraceCore

/// Writes events as `text/event-stream` messages, straight into bytes.
///
/// The form is WHATWG HTML's section 9.2: `event:` the kind, `id:` response id and sequence, `data:` one JSON object without newlines.
package struct EventEncoder: ~Copyable {
    /// Where an event stands in its block.
    package struct BlockPosition: Equatable, Sendable {
        package var index: Int
        package var sequence: Int
    }

    /// `\nid: RESPONSE:` and `\ndata: {"response_id":"RESPONSE","sequence":`: the parts that all events of a run share.
    private let idPart: [UInt8]
    private let dataPart: [UInt8]
    private var stamp = ByteBuffer()
    private var stampTime = Timestamp(microseconds: .min)

    package init(responseID: String) {
        idPart = Array("\nid: \(responseID):".utf8)
        dataPart = Array("\ndata: {\"response_id\":\"\(responseID)\",\"sequence\":".utf8)
    }

    /// Appends one message.
    package mutating func append(
        _ event: Event, sequence: Int, time: Timestamp, block: BlockPosition?, to buffer: inout ByteBuffer
    ) {
        buffer.append("event: ")
        buffer.append(event.kind.rawValue)
        buffer.append(idPart)
        buffer.append(decimal: sequence)
        buffer.append(dataPart)
        buffer.append(decimal: sequence)
        appendRest(of: event, time: time, block: block, to: &buffer)
        buffer.append("\n\n")
    }

    /// Appends one event that is not sent: a JSON object on a line of its own.
    package mutating func appendHidden(
        _ event: Event, after sequence: Int, ordinal: Int, time: Timestamp, block: BlockPosition?, to buffer: inout ByteBuffer
    ) {
        buffer.append("{\"event\":")
        buffer.append(jsonString: event.kind.rawValue)
        buffer.append(",\"after\":")
        buffer.append(decimal: sequence)
        buffer.append(",\"ordinal\":")
        buffer.append(decimal: ordinal)
        appendRest(of: event, time: time, block: block, to: &buffer)
        buffer.append("\n")
    }

    /// Writes everything behind the sequence, up to the closing brace.
    private mutating func appendRest(of event: Event, time: Timestamp, block: BlockPosition?, to buffer: inout ByteBuffer) {
        if time != stampTime {
            stamp.removeAll()
            stamp.append(",\"timestamp\":\"")
            stamp.append(timestamp: time)
            stamp.append("\"")
            stamp.shrink()
            stampTime = time
        }
        buffer.append(stamp)
        if let block {
            buffer.append(",\"content_block_index\":")
            buffer.append(decimal: block.index)
            buffer.append(",\"block_sequence\":")
            buffer.append(decimal: block.sequence)
        }
        if case .content(let text) = event.body {
            buffer.append(",\"content\":")
            buffer.append(jsonString: text)
        } else {
            Self.appendFields(of: event, to: &buffer)
        }
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
            buffer.add("usage", json: end.usage.json)
            buffer.add("chat_id", end.chatID)
        case .custom(let members):
            for (name, value) in members.sorted(by: { $0.key < $1.key }) { buffer.add(member: name, json: value) }
        }
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
