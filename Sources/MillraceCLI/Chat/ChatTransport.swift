import MillraceCore

/// How a stream of events is opened.
enum StreamOpening: Equatable {
    /// Start a run; the same key and body again attach to the same run.
    case start(body: [UInt8], idempotencyKey: String)
    /// Read a run's log on after an event.
    case follow(responseID: String, lastEventID: String?, after: Int?)
}

/// How a stream of events ended without an error.
enum StreamClose: Equatable {
    /// The connection has ended.
    case closed
    /// There is nothing after the given event (204).
    case nothingMore
}

/// What carries a run's events to the terminal: HTTP, or a server in this process.
protocol ChatTransport {
    /// Opens a stream and hands over its bytes (`text/event-stream`) until it ends.
    /// - Parameters:
    ///   - receive: gets the bytes as they come.
    ///   - proceed: asked at least every 100 ms on the calling thread; `false` closes the stream.
    /// - Throws: ``MillraceError``: `isRetryable` when the connection broke, ``ErrorCode/cancelled`` when `proceed` said so.
    func stream(_ opening: StreamOpening, receive: ([UInt8]) throws -> Void, proceed: () throws -> Bool) throws -> StreamClose

    /// Asks for a run to be stopped.
    func cancel(responseID: String) throws
}
