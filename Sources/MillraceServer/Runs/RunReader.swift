import Millrace
import MillraceCore
import MillraceEventLoop
import MillraceHTTP
import Synchronization

/// Whether the streams of a server end, for it stops. Any thread may ask.
final class ReadersEnd: Sendable {
    private let began = Atomic<Bool>(false)
    var hasBegun: Bool { began.load(ordering: .relaxed) }
    func begin() { began.store(true, ordering: .relaxed) }
}

/// One reader of a run's log: the body of an SSE response. It has a cursor and copies from the loop's tail, or from the store where the
/// tail no longer reaches back. Confined to its connection's loop.
final class RunReader: HTTPBodySource, @unchecked Sendable {  // Sendable: hops between threads only to be used on `loop` again.
    let responseID: String
    private let principal: Principal
    private let hub: RunHub
    private let loop: EventLoop
    /// `nil` for a run that is only in the store.
    @exclusivity(unchecked) private var tail: RunTail?
    /// The sequence of the last event handed to the connection as a whole.
    @exclusivity(unchecked) private var cursor: Int
    @exclusivity(unchecked) private var current: Current?
    @exclusivity(unchecked) private var sink: (any HTTPBodySink)?
    @exclusivity(unchecked) private var isFetching = false
    @exclusivity(unchecked) private var hasStarted = false
    @exclusivity(unchecked) private var isDetached = false
    @exclusivity(unchecked) private var failure: OutOfLine<MillraceError>?
    /// The store's log was read to its end.
    @exclusivity(unchecked) private var storeIsDrained = false

    /// Bytes that are being copied, and how far.
    private enum Current {
        case batch(EventBatch, offset: Int)
        indirect case stored(StoredEvents, offset: Int)
        /// What is left of an event that had begun when text was taken back.
        indirect case rest([UInt8], sequence: Int, offset: Int)
    }

    /// How much one read from the store brings, in bytes.
    private static let fetchBytes = 64 << 10

    init(
        responseID: String, principal: Principal, after sequence: Int, tail: RunTail?, hub: RunHub, loop: EventLoop
    ) {
        self.responseID = responseID
        self.principal = principal
        self.hub = hub
        self.loop = loop
        self.tail = tail
        cursor = sequence
    }

    var keepAlive: (interval: Int64, bytes: StaticString)? {
        (hub.keepAliveInterval, ": keep-alive\n\n")
    }

    func attached(to sink: any HTTPBodySink) {
        self.sink = sink
        tail?.add(self)
    }

    func detached() {
        guard !isDetached else { return }
        isDetached = true
        sink = nil
        current = nil
        tail?.remove(self)
        tail = nil
    }

    /// There may be something new.
    func wake() { sink?.bodyIsReady() }

    func produce(into buffer: inout ByteBuffer, limit: Int) -> HTTPBodyProgress {
        let end = buffer.count + limit
        if !hasStarted {
            hasStarted = true
            buffer.append("retry: ")
            buffer.append(decimal: hub.settings.retryMilliseconds)
            // No blank line: the field belongs to the first event, since some clients hand a lone `retry` on as an event without data.
            buffer.append("\n")
        }
        while buffer.count < end {
            if current == nil, let progress = findNext(&buffer, end: end) { return progress }
            copy(into: &buffer, end: end)
        }
        return .more
    }

    /// Text is taken back: of what is being copied the event that has begun is finished, and what follows it is looked for anew.
    func retract(_ retraction: Retraction) {
        let rest: (bytes: [UInt8], first: Int, offset: Int)
        switch current {
        case .none, .rest: return
        case .batch(let batch, let offset): rest = (batch.frames.bytes, batch.firstSequence, offset)
        case .stored(let stored, let offset): rest = (stored.frames, stored.firstSequence, offset)
        }
        let (end, sequence) = rest.bytes.withUnsafeBytes { bytes in
            var end = 0
            var sequence = rest.first - 1
            while end < rest.offset {
                end = Retraction.endOfMessage(from: end, in: bytes)
                sequence += 1
            }
            return (end, sequence)
        }
        cursor = max(cursor, end > rest.offset ? sequence - 1 : sequence)
        guard end > rest.offset else {
            current = nil
            return
        }
        current = .rest(Array(rest.bytes[rest.offset..<end]), sequence: sequence, offset: 0)
    }

    /// Finds the bytes that follow the cursor, and copies them if they fit whole; returns how to go on where there are none now.
    private func findNext(_ buffer: inout ByteBuffer, end: Int) -> HTTPBodyProgress? {
        // Behind a whole event: who reads on after the restart begins with the next.
        if hub.readersEnd.hasBegun { return .end }
        if let failure {
            Self.appendUnavailable(failure.value, to: &buffer)
            return .abort
        }
        guard let tail else {
            if storeIsDrained { return .end }
            fetch()
            return .wait
        }
        if tail.state == .broken {
            Self.appendUnavailable(MillraceError(.storageUnavailable, "the run's log cannot be stored now"), to: &buffer)
            return .abort
        }
        if cursor < tail.floorSequence {
            fetch()
            return .wait
        }
        guard let batch = tail.batch(after: cursor) else { return tail.state == .ended ? .end : .wait }
        let offset = cursor < batch.firstSequence ? 0 : batch.offset(after: cursor)
        if offset == 0, batch.frames.count <= end - buffer.count {
            buffer.append(batch.frames)
            cursor = batch.lastSequence
        } else {
            current = .batch(batch, offset: offset)
        }
        return nil
    }

    private func copy(into buffer: inout ByteBuffer, end: Int) {
        switch current {
        case .none: break
        case .batch(let batch, let offset):
            let count = min(end - buffer.count, batch.frames.count - offset)
            batch.frames.withBytes { buffer.append(UnsafeRawBufferPointer(rebasing: $0[offset..<offset + count])) }
            if offset + count == batch.frames.count {
                cursor = batch.lastSequence
                current = nil
            } else {
                current = .batch(batch, offset: offset + count)
            }
        case .stored(let stored, let offset):
            let end = copy(stored.frames, from: offset, into: &buffer, end: end)
            if end == stored.frames.count { cursor = stored.lastSequence }
            current = end == stored.frames.count ? nil : .stored(stored, offset: end)
        case .rest(let bytes, let sequence, let offset):
            let end = copy(bytes, from: offset, into: &buffer, end: end)
            if end == bytes.count { cursor = sequence }
            current = end == bytes.count ? nil : .rest(bytes, sequence: sequence, offset: end)
        }
    }

    /// - Returns: up to where the bytes are copied.
    private func copy(_ bytes: [UInt8], from offset: Int, into buffer: inout ByteBuffer, end: Int) -> Int {
        let count = min(end - buffer.count, bytes.count - offset)
        bytes.withUnsafeBytes { buffer.append(UnsafeRawBufferPointer(rebasing: $0[offset..<offset + count])) }
        return offset + count
    }

    /// Reads the next stretch from the store, off the loop.
    private func fetch() {
        guard !isFetching else { return }
        isFetching = true
        let (store, responseID, cursor, principal) = (hub.store, responseID, cursor, principal)
        Task(executorPreference: loop.executor) {
            do {
                self.fetched(
                    try await store.events(of: responseID, after: cursor, byteLimit: Self.fetchBytes, principal: principal))
            } catch {
                self.failure = OutOfLine(RunLifecycle.publicError(error))
            }
            self.isFetching = false
            self.wake()
        }
    }

    private func fetched(_ stored: StoredEvents?) {
        guard !isDetached else { return }
        guard let stored = stored?.applying(tail?.retractions ?? []) else {
            failure = OutOfLine(MillraceError(.notFound, "the run was deleted or has expired: the rest of its log is gone"))
            return
        }
        if !stored.frames.isEmpty {
            current = .stored(stored, offset: 0)
            if tail == nil, !stored.hasMore, stored.status.isTerminal { storeIsDrained = true }
        } else if tail != nil {
            // The tail dropped only what is committed, so this is a log that ends here.
            cursor = max(cursor, tail?.floorSequence ?? cursor)
        } else if stored.status.isTerminal {
            storeIsDrained = true
        } else {
            failure = OutOfLine(
                MillraceError(
                    .storageUnavailable, "the run was cut off and is not closed yet; read it again in a few seconds", isRetryable: true))
        }
    }

    /// An error that is no event of the log: it has no id, so that reading can go on behind the last real event.
    private static func appendUnavailable(_ error: MillraceError, to buffer: inout ByteBuffer) {
        let isGone = error.code == .notFound
        let code = isGone ? ErrorCode.notFound : .storageUnavailable
        buffer.append("event: error\ndata: ")
        buffer.appendJSONObject { object in
            object.member("error_type", code.rawValue)
            object.member("message", error.message)
            object.member("details", json: [:])
            object.member("type", "about:blank")
            object.member("title", code.rawValue)
            object.member("status", isGone ? 404 : 503)
        }
        buffer.append("\n\n")
    }
}
