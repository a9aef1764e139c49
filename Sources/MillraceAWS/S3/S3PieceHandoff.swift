import MillraceCore

/// Hands an object from the task that fetches it to the one that reads it, one piece ahead at most.
final class S3PieceHandoff<Head: Sendable>: Sendable {
    private struct State {
        var head: Head?
        var piece: [UInt8]?
        var end: Result<Void, any Error>?
        var isAbandoned = false
        var reader: UnsafeContinuation<Void, Never>?
        var fetcher: UnsafeContinuation<Void, Never>?
    }

    private let state = Locked(State())

    // MARK: The fetcher's side

    func begin(_ head: Head) { wakeReader { $0.head = head } }

    /// Waits until the reader has taken the piece.
    /// - Throws: `CancellationError` when the reader has left.
    func offer(_ piece: [UInt8]) async throws {
        wakeReader { $0.piece = piece }
        await withUnsafeContinuation { continuation in
            let isOver = state.withLock { state in
                if state.piece == nil || state.isAbandoned { return true }
                state.fetcher = continuation
                return false
            }
            if isOver { continuation.resume() }
        }
        if state.withLock({ $0.isAbandoned }) { throw CancellationError() }
    }

    func end(_ result: Result<Void, any Error>) { wakeReader { $0.end = result } }

    private func wakeReader(_ change: (inout State) -> Void) {
        let reader = state.withLock { state in
            change(&state)
            defer { state.reader = nil }
            return state.reader
        }
        reader?.resume()
    }

    // MARK: The reader's side

    func head() async throws -> Head {
        while true {
            let (head, end) = state.withLock { ($0.head, $0.end) }
            if let head { return head }
            try end?.get()
            await wait { $0.head != nil || $0.end != nil }
        }
    }

    /// The next piece; `nil` at the end.
    func next() async throws -> [UInt8]? {
        while true {
            let (piece, end, fetcher) = state.withLock { state in
                defer {
                    state.piece = nil
                    state.fetcher = nil
                }
                return (state.piece, state.end, state.fetcher)
            }
            fetcher?.resume()
            if let piece { return piece }
            if let end {
                try end.get()
                return nil
            }
            await wait { $0.piece != nil || $0.end != nil }
        }
    }

    /// The reader wants no more.
    func abandon() {
        let fetcher = state.withLock { state in
            state.isAbandoned = true
            state.piece = nil
            defer { state.fetcher = nil }
            return state.fetcher
        }
        fetcher?.resume()
    }

    private func wait(until isThere: (State) -> Bool) async {
        await withUnsafeContinuation { continuation in
            let isOver = state.withLock { state in
                if isThere(state) { return true }
                state.reader = continuation
                return false
            }
            if isOver { continuation.resume() }
        }
    }
}
