package import MillraceCore

/// The life of one run, from its handler's start to its committed end: who may still append, and how the run ends.
///
/// Pure: inputs are what has happened, outputs what the shell has to do. A run ends once, whatever comes in whichever order.
package struct RunLifecycle: Equatable, Sendable {
    /// How a run is to end.
    package struct Ending: Equatable, Sendable {
        package var status: RunStatus
        package var error: MillraceError?
        package init(_ status: RunStatus, error: MillraceError? = nil) {
            self.status = status
            self.error = error
        }
    }

    /// What the shell has to do.
    package enum Action: Equatable, Sendable {
        /// Nothing.
        case none
        /// Cancel the handler's task and call ``RunLifecycle/graceExpired()`` when it has not returned after the grace period.
        case stopHandler
        /// Append the terminal events with this status and error.
        case end(Ending)
        /// The terminal event is committed: let it out, and let go of the run.
        case close
        /// Nothing can be committed: tell the readers, close their connections, let go of the run.
        case abandon(MillraceError)
    }

    private enum State: Equatable {
        case running
        /// The handler was told to stop.
        indirect case stopping(Ending)
        /// The terminal event is appended and waits for its commit.
        case ending
        case closed
    }
    private var state = State.running

    package init() {}

    /// Whether the handler may append events.
    package var acceptsEvents: Bool { if case .running = state { true } else { false } }
    /// Whether the run is over, committed or abandoned.
    package var isClosed: Bool { if case .closed = state { true } else { false } }
    /// Whether the terminal event was appended, or the run is over.
    package var hasEnded: Bool { state == .ending || state == .closed }

    /// Somebody asked to cancel the run.
    package mutating func cancelled() -> Action { stop(Ending(.cancelled)) }

    /// The run took longer than it may.
    package mutating func deadlinePassed(seconds: Double) -> Action {
        stop(Ending(.error, error: MillraceError(.timeout, "the run took longer than its limit of \(Self.text(seconds)) seconds")))
    }

    /// The server's drain has reached its deadline.
    package mutating func serverStopping() -> Action {
        stop(Ending(.error, error: MillraceError(.serverShutdown, "the server is stopping; try again", isRetryable: true)))
    }

    /// A stage ended the run.
    package mutating func stageEnded(_ status: RunStatus) -> Action { stop(Ending(status)) }

    /// Who judges behind the readers has failed.
    package mutating func guardFailed(_ error: any Error) -> Action { stop(Ending(.error, error: Self.publicError(error))) }

    /// The handler has returned.
    package mutating func handlerReturned() -> Action {
        switch state {
        case .running: end(Ending(.completed))
        case .stopping(let ending): end(ending)
        case .ending, .closed: .none
        }
    }

    /// The handler has thrown. Why the run was stopped counts more than how the handler took it.
    package mutating func handlerThrew(_ error: any Error) -> Action {
        switch state {
        case .running: end(Ending(.error, error: Self.publicError(error)))
        case .stopping(let ending): end(ending)
        case .ending, .closed: .none
        }
    }

    /// The handler was told to stop and has not returned in time: the run ends without it.
    package mutating func graceExpired() -> Action {
        if case .stopping(let ending) = state { end(ending) } else { .none }
    }

    /// The commit that holds the terminal event has happened.
    package mutating func terminalCommitted() -> Action {
        guard state == .ending else { return .none }
        state = .closed
        return .close
    }

    /// The store could not commit in time.
    package mutating func storeFailed(_ error: MillraceError) -> Action {
        guard state != .closed else { return .none }
        state = .closed
        return .abandon(error)
    }

    private mutating func stop(_ ending: Ending) -> Action {
        guard state == .running else { return .none }
        state = .stopping(ending)
        return .stopHandler
    }

    private mutating func end(_ ending: Ending) -> Action {
        state = .ending
        return .end(ending)
    }

    /// What a client may see of a handler's error.
    package static func publicError(_ error: any Error) -> MillraceError {
        if let error = error as? MillraceError { return error }
        if error is CancellationError { return MillraceError(.cancelled, "the handler's work was cancelled", cause: error) }
        return MillraceError(.handlerError, "the handler failed; the server's log has the details under this request id", cause: error)
    }

    private static func text(_ seconds: Double) -> String {
        seconds == seconds.rounded() ? "\(Int(seconds))" : "\(seconds)"
    }
}
