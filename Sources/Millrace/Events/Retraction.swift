import Glibc
import MillraceCore

/// What was taken back of a run's log: the text of a stretch of events. They stay where they are, as tombstones.
public struct Retraction: Equatable, Sendable {
    /// The block whose text is taken back; `nil`: that of every block.
    public var contentBlockIndex: Int?
    /// The sequence of the first event of the stretch.
    public var firstSequence: Int
    /// The sequence of its last event. Events of other blocks and of other kinds between the two stay as they are.
    public var lastSequence: Int

    /// Creates a retraction.
    public init(contentBlockIndex: Int?, firstSequence: Int, lastSequence: Int) {
        self.contentBlockIndex = contentBlockIndex
        self.firstSequence = firstSequence
        self.lastSequence = lastSequence
    }
}

/// What a `status` `retracted` says.
package struct RetractionNotice: Equatable, Sendable {
    package var retraction: Retraction
    /// The rule's name, or who judged it; never a part of the text.
    package var reason: String

    package init(_ retraction: Retraction, reason: String) {
        self.retraction = retraction
        self.reason = reason
    }

    /// Why text is taken back that nobody has judged.
    package static let unjudged = "unjudged"

    /// What people are told.
    var message: String {
        if reason == Self.unjudged { return "A part of the answer is taken back, for no guardrail has judged it." }
        return "A guardrail takes a part of the answer back: \(reason)."
    }

    var json: JSONValue {
        var members: [String: JSONValue] = [
            "first_sequence": .integer(retraction.firstSequence), "last_sequence": .integer(retraction.lastSequence),
            "reason": .string(reason),
        ]
        if let block = retraction.contentBlockIndex { members["content_block_index"] = .integer(block) }
        return .object(members)
    }
}

extension Retraction {
    /// Encoded events with tombstones in the place of what is taken back: the same kind, id, sequence and place in the block, without the
    /// text, and `retracted`.
    /// - Parameters:
    ///   - bytes: consecutive, whole `text/event-stream` messages.
    ///   - firstSequence: the sequence of the first of them.
    /// - Returns: `nil` where there is nothing to take back.
    package func applied(to bytes: UnsafeRawBufferPointer, firstSequence first: Int) -> [UInt8]? {
        guard first <= lastSequence else { return nil }
        var out: [UInt8] = []
        var copied = 0
        var start = 0
        var sequence = first
        while start < bytes.count, sequence <= lastSequence {
            let end = Self.endOfMessage(from: start, in: bytes)
            if sequence >= firstSequence, let tombstone = tombstone(of: bytes[start..<end]) {
                out += bytes[copied..<start]
                out += tombstone
                copied = end
            }
            start = end
            sequence += 1
        }
        return copied == 0 ? nil : out + bytes[copied...]
    }

    /// A piece of text as its tombstone; `nil` for what stays.
    private func tombstone(of message: Slice<UnsafeRawBufferPointer>) -> [UInt8]? {
        let lines = message.split(separator: UInt8(ascii: "\n"), maxSplits: 2)
        guard lines.count == 3 else { return nil }
        let isReasoning = lines[0].elementsEqual("event: reasoning".utf8)
        guard isReasoning || lines[0].elementsEqual("event: content".utf8) else { return nil }
        let data = lines[2].dropFirst("data: ".utf8.count)
        // What cannot be read is taken back as a whole: it may hold the text.
        var members = (try? JSONValue(parsing: Array(data)))?.object ?? [:]
        if let contentBlockIndex, let block = members["content_block_index"]?.integer, block != contentBlockIndex { return nil }
        if members["retracted"] == true { return nil }
        if isReasoning {
            members["text"] = ""
            members["signature"] = JSONValue.null
            members["redacted_content"] = JSONValue.null
        } else {
            members["content"] = ""
        }
        members["retracted"] = true
        return Array(message[..<data.startIndex]) + Array(JSONValue.object(members).text.utf8) + Array("\n\n".utf8)
    }

    /// Where the message that begins at `start` ends: behind an empty line.
    package static func endOfMessage(from start: Int, in bytes: UnsafeRawBufferPointer) -> Int {
        guard let base = bytes.baseAddress else { return 0 }
        var position = start
        while position < bytes.count, let found = memchr(base + position, 0x0A, bytes.count - position) {
            position = UnsafeRawPointer(found) - base + 1
            if position < bytes.count, bytes[position] == 0x0A { return position + 1 }
        }
        return bytes.count
    }
}

extension EventBatch {
    /// The batch with tombstones in the place of what is taken back; `nil` where nothing of it is.
    package func applying(_ retraction: Retraction) -> EventBatch? {
        guard firstSequence <= retraction.lastSequence, lastSequence >= retraction.firstSequence else { return nil }
        guard let redacted = frames.withBytes({ retraction.applied(to: $0, firstSequence: firstSequence) }) else { return nil }
        var frames = ByteBuffer(capacity: redacted.count)
        frames.append(redacted)
        return EventBatch(firstSequence: firstSequence, lastSequence: lastSequence, frames: frames, hidden: hidden)
    }
}

extension StoredEvents {
    /// The stretch with tombstones in the place of what is taken back.
    package func applying(_ retractions: some Sequence<Retraction>) -> StoredEvents {
        var stretch = self
        for retraction in retractions where firstSequence > 0 && retraction.lastSequence >= firstSequence {
            guard let frames = stretch.frames.withUnsafeBytes({ retraction.applied(to: $0, firstSequence: firstSequence) }) else {
                continue
            }
            stretch.frames = frames
        }
        return stretch
    }
}
