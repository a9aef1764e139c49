import Glibc
import MillraceCore

/// Shows one run until its end, across broken connections and Ctrl-C.
struct RunFollower {
    enum Outcome: Equatable {
        /// The run's terminal event was shown.
        case ended(status: String)
        /// Everything was read already.
        case nothingMore
        /// Ctrl-C twice, or once before the run was known.
        case quit
    }

    let transport: any ChatTransport
    let write: ([TerminalRenderer.Piece]) -> Void
    /// How often Ctrl-C was pressed so far.
    let interrupts: () -> Int
    /// Waits for a number of milliseconds, less when Ctrl-C is pressed.
    let pause: (Int) -> Void
    /// Whether the first Ctrl-C stops the run. Otherwise it only stops the reading.
    var cancelsRun = true

    /// What is known of the run between connections.
    private struct Progress {
        var parser = SSEParser()
        var machine = ReconnectMachine()
        var lastEventID: String?
        var hasConnected = false
        var cancelIsSent = false
    }

    /// - Throws: ``MillraceError`` when the server refuses, or cannot be reached any more.
    func follow(_ opening: StreamOpening, _ renderer: inout TerminalRenderer) throws -> Outcome {
        var progress = Progress()
        var next = opening
        let interruptsBefore = interrupts()
        while true {
            var failure: MillraceError?
            progress.parser = SSEParser()
            do {
                let close = try transport.stream(
                    next, receive: { try receive($0, &progress, &renderer) },
                    proceed: { try proceed(interrupts() - interruptsBefore, &progress, renderer) })
                progress.hasConnected = true
                if close == .nothingMore { progress.machine.endReported() }
            } catch let error as MillraceError {
                if error.code == .cancelled {
                    write(renderer.ended())
                    return .quit
                }
                failure = error
            } catch let error as SSEParser.Failure {
                throw MillraceError(.invalidInput, "the server sent an event that is too long", cause: error)
            }
            let canRetry = failure.map { $0.isRetryable && progress.hasConnected } ?? true
            switch progress.machine.connectionEnded(canRetry: canRetry) {
            case .finish:
                write(renderer.ended())
                return renderer.endStatus.map { .ended(status: $0) } ?? .nothingMore
            case .giveUp:
                write(renderer.ended())
                let known = renderer.responseID.map { ": read on with `millrace runs follow \($0)`" } ?? ""
                throw failure ?? MillraceError(.timeout, "the stream breaks off again and again\(known)")
            case .reconnect(let milliseconds):
                if milliseconds > 0 { pause(milliseconds) }
                if stops(interrupts() - interruptsBefore, progress, renderer) {
                    write(renderer.ended())
                    return .quit
                }
            }
            next = reopening(opening, progress, renderer)
        }
    }

    /// Before `response_start` has named the run, the same request with the same key finds it again.
    private func reopening(_ opening: StreamOpening, _ progress: Progress, _ renderer: TerminalRenderer) -> StreamOpening {
        switch opening {
        case .follow(let responseID, let lastEventID, let after):
            return .follow(
                responseID: responseID, lastEventID: progress.lastEventID ?? lastEventID, after: progress.lastEventID == nil ? after : nil)
        case .start:
            guard let responseID = renderer.responseID, let lastEventID = progress.lastEventID else { return opening }
            return .follow(responseID: responseID, lastEventID: lastEventID, after: nil)
        }
    }

    private func receive(_ bytes: [UInt8], _ progress: inout Progress, _ renderer: inout TerminalRenderer) throws {
        progress.hasConnected = true
        let messages = try progress.parser.receive(bytes)
        if let retry = progress.parser.retryMilliseconds { progress.machine.retryReceived(milliseconds: retry) }
        for message in messages {
            // An error without an id belongs to the connection, not to the log.
            if !message.id.isEmpty { progress.lastEventID = message.id }
            write(renderer.received(message))
            progress.machine.eventReceived(isTerminal: message.event == "response_end")
        }
    }

    private func stops(_ interrupts: Int, _ progress: Progress, _ renderer: TerminalRenderer) -> Bool {
        interrupts >= 2 || interrupts == 1 && (!cancelsRun || renderer.responseID == nil)
    }

    /// Called between the stream's bytes: the first Ctrl-C asks for the run to be stopped, and its end is awaited; the second quits.
    private func proceed(_ interrupts: Int, _ progress: inout Progress, _ renderer: TerminalRenderer) throws -> Bool {
        if stops(interrupts, progress, renderer) { return false }
        if interrupts == 1, !progress.cancelIsSent, let responseID = renderer.responseID {
            progress.cancelIsSent = true
            try transport.cancel(responseID: responseID)
        }
        return true
    }

    /// Waits in slices, so that Ctrl-C is seen soon.
    static func pause(milliseconds: Int) {
        let before = InterruptSignal.count
        var left = milliseconds
        while left > 0, InterruptSignal.count == before {
            _ = poll(nil, 0, Int32(min(left, 50)))
            left -= 50
        }
    }
}
