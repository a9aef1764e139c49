package import MillraceCore

/// How far a body source has come.
package enum HTTPBodyProgress: Equatable, Sendable {
    /// There is more at once, as soon as there is room.
    case more
    /// Nothing now; the source calls ``HTTPBodySink/bodyIsReady()`` when there is.
    case wait
    /// That was all.
    case end
    /// The body cannot be completed: what was produced goes out, then the connection closes so that the client sees a cut answer.
    case abort
}

/// Where a response's body comes from, piece by piece, as the client takes it: a connection asks for more only when it has room, so a slow
/// reader costs no more than the connection's buffer. Touched on the connection's loop only.
package protocol HTTPBodySource: AnyObject {
    /// The body is about to be sent; `sink` is told when there is something to produce. The source keeps it until ``detached()``.
    func attached(to sink: any HTTPBodySink)
    /// Appends up to about `limit` bytes.
    func produce(into buffer: inout ByteBuffer, limit: Int) -> HTTPBodyProgress
    /// The body was sent, or the connection is gone. Called once.
    func detached()
    /// Bytes to send when nothing else was sent for an interval, in nanoseconds; `nil` for none.
    var keepAlive: (interval: Int64, bytes: StaticString)? { get }
}

extension HTTPBodySource {
    package var keepAlive: (interval: Int64, bytes: StaticString)? { nil }
}

/// A connection, as its body source sees it.
package protocol HTTPBodySink: AnyObject {
    /// Something can be produced: the connection asks for it when this turn ends.
    func bodyIsReady()
}
