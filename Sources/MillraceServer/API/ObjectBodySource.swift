import Millrace
import MillraceCore
import MillraceEventLoop
import MillraceHTTP

/// Stored bytes as a response's body: a task reads them ahead of the connection, within a bound. Confined to its connection's loop.
final class ObjectBodySource: HTTPBodySource, @unchecked Sendable {  // Sendable: its task and the connection are on one loop.
    private let loop: EventLoop
    private var buffer = ByteBuffer()
    private var hasEnded = false
    private var failure: (any Error)?
    private var task: Task<Void, Never>?
    private var sink: (any HTTPBodySink)?
    /// Waits for room.
    private var writer: UnsafeContinuation<Void, Never>?
    /// Waits for the first piece, the end, or the error.
    private var opener: UnsafeContinuation<Void, Never>?
    private var isDetached = false

    /// How much waits here for the connection, in bytes.
    private static let readAhead = 256 << 10

    init(loop: EventLoop) { self.loop = loop }

    /// Begins to read, and returns as soon as there is something to send.
    /// - Parameter read: reads the bytes and hands each piece on.
    /// - Throws: what `read` throws before its first piece.
    func open(_ read: @escaping @Sendable (_ hand: @Sendable ([UInt8]) async throws -> Void) async throws -> Void) async throws {
        task = Task(executorPreference: loop.executor) { [self] in
            do {
                try await read { [self] in try await take($0) }
                hasEnded = true
            } catch {
                failure = error
            }
            wake()
        }
        // A client that leaves before there is a first piece cancels the request's task, and nobody has been attached yet.
        await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                if buffer.isEmpty, !hasEnded, failure == nil { opener = continuation } else { continuation.resume() }
            }
        } onCancel: {
            loop.post { [self] in detached() }
        }
        if buffer.isEmpty, let failure { throw failure }
    }

    private func take(_ piece: [UInt8]) async throws {
        while buffer.count >= Self.readAhead, !isDetached {
            await withUnsafeContinuation { writer = $0 }
        }
        if isDetached { throw CancellationError() }
        buffer.append(piece)
        wake()
    }

    private func wake() {
        let opener = opener
        self.opener = nil
        opener?.resume()
        sink?.bodyIsReady()
    }

    func attached(to sink: any HTTPBodySink) { self.sink = sink }

    func produce(into output: inout ByteBuffer, limit: Int) -> HTTPBodyProgress {
        let count = min(limit, buffer.count)
        if count > 0 {
            buffer.withBytes { output.append(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
            buffer.consume(count)
            if buffer.count < Self.readAhead { releaseWriter() }
        }
        if !buffer.isEmpty { return .more }
        if failure != nil { return .abort }
        return hasEnded ? .end : .wait
    }

    func detached() {
        isDetached = true
        sink = nil
        task?.cancel()
        releaseWriter()
    }

    private func releaseWriter() {
        let writer = writer
        self.writer = nil
        writer?.resume()
    }
}
