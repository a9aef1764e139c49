import Glibc

/// Where log lines go: a bounded buffer that one thread writes to a file descriptor, so that a slow terminal or pipe never blocks a loop.
///
/// Lines that arrive while the buffer is full are dropped and counted; the count is logged when there is room again.
public final class LogSink: Sendable {
    private struct State: ~Copyable {
        var pending = ByteBuffer()
        var dropped = 0
        var isStopped = false
        var isWriting = false
    }
    private final class Box {
        var state = State()
    }

    private let descriptor: Int32
    private let limit: Int
    private let state = Monitor(Box())
    private let thread = Locked<NamedThread?>(nil)

    /// How long lines may wait to be written together, in nanoseconds.
    private static let gatherNanoseconds: Int64 = 20_000_000

    /// Starts the writing thread.
    /// - Parameters:
    ///   - descriptor: the file descriptor to write to (default: standard error).
    ///   - limit: how many bytes may wait before lines are dropped (default: 4 MiB).
    public init(descriptor: Int32 = 2, limit: Int = 4 << 20) {
        self.descriptor = descriptor
        self.limit = limit
        let state = state
        let started = try? NamedThread(name: "log") { Self.work(state, descriptor) }
        thread.withLock { $0 = started }
    }

    deinit { stop() }

    /// Queues whole lines, newline included.
    public func write(_ lines: borrowing ByteBuffer) {
        let count = lines.count
        state.update { box in
            if box.state.pending.count + count > limit {
                box.state.dropped += 1
                return false
            }
            let wasEmpty = box.state.pending.isEmpty
            box.state.pending.append(lines)
            return wasEmpty
        }
    }

    /// Waits until everything queued so far is written.
    public func flush() {
        _ = state.wait(nanoseconds: 2_000_000_000) { box in box.state.pending.isEmpty && !box.state.isWriting ? true : nil }
    }

    /// Writes what is queued and ends the thread. Safe to call twice.
    public func stop() {
        state.updateAndWakeAll { $0.state.isStopped = true }
        thread.withLock { thread in
            thread?.join()
            thread = nil
        }
    }

    private static func work(_ state: Monitor<Box>, _ descriptor: Int32) {
        var batch = ByteBuffer()
        while true {
            let stopped: Bool = state.wait { box in
                if !box.state.pending.isEmpty || box.state.dropped > 0 { return box.state.isStopped }
                return box.state.isStopped ? true : nil
            }
            if !stopped {
                // Lines that come close together share one write.
                _ = state.wait(nanoseconds: gatherNanoseconds) { $0.state.isStopped ? true : nil }
            }
            var dropped = 0
            state.update { box in
                swap(&batch, &box.state.pending)
                dropped = box.state.dropped
                box.state.dropped = 0
                box.state.isWriting = true
                return false
            }
            if dropped > 0 { batch.append("{\"level\":\"warning\",\"message\":\"log lines dropped\",\"count\":\(dropped)}\n") }
            write(batch, to: descriptor)
            batch.removeAll()
            state.updateAndWakeAll { $0.state.isWriting = false }
            if stopped { return }
        }
    }

    private static func write(_ batch: borrowing ByteBuffer, to descriptor: Int32) {
        batch.withBytes { bytes in
            var done = 0
            while done < bytes.count {
                let n = Glibc.write(descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done)
                if n > 0 { done += n } else if errno != EINTR && errno != EAGAIN { return }
                if n < 0 && errno == EAGAIN {
                    var poll = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                    _ = Glibc.poll(&poll, 1, 1000)
                }
            }
        }
    }
}
