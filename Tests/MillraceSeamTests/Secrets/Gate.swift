import MillraceCore

/// Holds those who pass until it is opened, and tells when the first has come.
final class Gate: Sendable {
    private struct State {
        var isOpen = false
        var hasArrival = false
        var held: [CheckedContinuation<Void, Never>] = []
        var watching: [CheckedContinuation<Void, Never>] = []
    }
    private let state = Locked(State())

    func pass() async {
        let watching = state.withLock { state in
            state.hasArrival = true
            defer { state.watching = [] }
            return state.watching
        }
        for continuation in watching { continuation.resume() }
        await wait(\.held) { $0.isOpen }
    }

    func waitForArrival() async { await wait(\.watching) { $0.hasArrival } }

    func open() {
        let held = state.withLock { state in
            state.isOpen = true
            defer { state.held = [] }
            return state.held
        }
        for continuation in held { continuation.resume() }
    }

    private func wait(_ list: WritableKeyPath<State, [CheckedContinuation<Void, Never>]>, until isOver: (State) -> Bool) async {
        await withCheckedContinuation { continuation in
            let isOver = state.withLock { state in
                let isOver = isOver(state)
                if !isOver { state[keyPath: list].append(continuation) }
                return isOver
            }
            if isOver { continuation.resume() }
        }
    }
}
