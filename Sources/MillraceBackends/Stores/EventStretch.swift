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

    /// Adds a row's frames, without the events that the reader has, and cut behind a whole event where the row is too large.
    mutating func add(firstSequence: Int, lastSequence: Int, frames bytes: UnsafeRawBufferPointer) {
        let start = max(firstSequence, after + 1)
        let skipped = Self.offset(ofMessage: start - firstSequence, in: bytes)
        var taken = UnsafeRawBufferPointer(rebasing: bytes[skipped...])
        last = lastSequence
        if frames.count + taken.count > byteLimit {
            let cut = Self.prefix(of: taken, atMost: max(byteLimit - frames.count, 1))
            if cut.count < taken.count {
                taken = UnsafeRawBufferPointer(rebasing: taken[..<cut.count])
                last = start + cut.messages - 1
                hasMore = true
            }
        }
        frames.append(contentsOf: taken)
        if first == 0 { first = start }
    }

    /// The whole messages that fit into `limit` bytes; at least one.
    private static func prefix(of bytes: UnsafeRawBufferPointer, atMost limit: Int) -> (count: Int, messages: Int) {
        var count = 0
        var messages = 0
        while count < bytes.count {
            let next = count + offset(ofMessage: 1, in: UnsafeRawBufferPointer(rebasing: bytes[count...]))
            if messages > 0, next > limit { break }
            count = next
            messages += 1
        }
        return (count, messages)
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
