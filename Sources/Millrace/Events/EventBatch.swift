public import MillraceCore

/// Consecutive events of one run, encoded once: immutable, shared by every reader and by the store's next commit.
public final class EventBatch: Sendable {
    /// The sequence of the first sent event; of a batch without sent events, the sequence that it follows plus one.
    public let firstSequence: Int
    /// The sequence of the last sent event; below `firstSequence` when the batch has no sent event.
    public let lastSequence: Int
    /// The sent events as `text/event-stream` messages.
    public let frames: ByteBuffer
    /// Events with `emit: false`, one JSON object a line, each with the sequence it follows and an ordinal; `nil` for none.
    public let hidden: [UInt8]?

    /// Creates a batch.
    public init(firstSequence: Int, lastSequence: Int, frames: consuming ByteBuffer, hidden: [UInt8]? = nil) {
        self.firstSequence = firstSequence
        self.lastSequence = lastSequence
        self.frames = frames
        self.hidden = hidden
    }

    /// The bytes that the batch adds to the log.
    public var byteCount: Int { frames.count + (hidden?.count ?? 0) }
}

extension EventBatch {
    /// Where the event after `sequence` begins in ``frames``: every message ends in a blank line, and data has no newline of its own.
    package func offset(after sequence: Int) -> Int {
        var skipped = sequence - firstSequence + 1
        guard skipped > 0 else { return 0 }
        return frames.withBytes { bytes in
            var previous: UInt8 = 0
            for (index, byte) in bytes.enumerated() {
                if byte == UInt8(ascii: "\n"), previous == byte {
                    skipped -= 1
                    if skipped == 0 { return index + 1 }
                    previous = 0
                } else {
                    previous = byte
                }
            }
            return bytes.count
        }
    }
}
