import Glibc
import Millrace

/// Gathers the rows of a log that a reader asked for: exactly from the event after its cursor, consecutive, about as many bytes as it wants.
struct EventStretch {
    private let after: Int
    private let byteLimit: Int
    private var frames: [UInt8] = []
    private var first = 0
    private var last = 0
    private var hasMore = false

    init(after: Int, byteLimit: Int) {
        self.after = after
        self.byteLimit = byteLimit
    }

    /// Whether a row of `count` bytes still belongs to the stretch. The first always does; a row behind a gap (a crash lost what was
    /// between) starts a stretch of its own.
    mutating func takes(firstSequence: Int, byteCount count: Int) -> Bool {
        if first > 0, firstSequence > last + 1 || frames.count + count > byteLimit { hasMore = true }
        return !hasMore
    }

    /// Adds a row's frames, without the events that the reader has.
    mutating func add(firstSequence: Int, lastSequence: Int, frames bytes: UnsafeRawBufferPointer) {
        let start = max(firstSequence, after + 1)
        let skipped = Self.offset(ofMessage: start - firstSequence, in: bytes)
        frames.append(contentsOf: bytes[skipped...])
        if first == 0 { first = start }
        last = lastSequence
    }

    func events(status: RunStatus) -> StoredEvents {
        StoredEvents(frames: frames, firstSequence: first, lastSequence: last, status: status, hasMore: hasMore)
    }

    /// Where the message with that index, from 0, begins: each ends with an empty line.
    static func offset(ofMessage index: Int, in bytes: UnsafeRawBufferPointer) -> Int {
        guard index > 0, let base = bytes.baseAddress else { return 0 }
        var messages = 0
        var position = 0
        while position < bytes.count, let found = memchr(base + position, 0x0A, bytes.count - position) {
            position = UnsafeRawPointer(found) - base + 1
            guard position < bytes.count, bytes[position] == 0x0A else { continue }
            position += 1
            messages += 1
            if messages == index { return position }
        }
        return bytes.count
    }
}
