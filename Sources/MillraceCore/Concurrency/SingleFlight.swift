/// Lets many who want the same thing at the same time share one attempt to make it.
///
/// The first to ask makes it in its own task; the others wait for its result, or its error. A waiter that is cancelled leaves alone. When the
/// one that makes it is cancelled, another takes its place.
package final class SingleFlight<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private enum Landing {
        case result(Result<Value, any Error>)
        /// Nobody makes it any more.
        case abandoned
        /// The waiter itself was cancelled.
        case cancelled
    }

    private struct State {
        var flights: [Key: [UInt64: UnsafeContinuation<Landing, Never>]] = [:]
        var nextWaiter: UInt64 = 0
    }

    private let state = Locked(State())

    package init() {}

    /// The result of the attempt that is under way, or else of one with `make`.
    /// - Throws: what `make` throws, be it another caller's; `CancellationError`.
    package func run(_ key: Key, _ make: () async throws -> Value) async throws -> Value {
        while true {
            try Task.checkCancellation()
            guard begins(key) else {
                switch await landing(of: key) {
                case .result(let result): return try result.get()
                case .abandoned: continue
                case .cancelled: throw CancellationError()
                }
            }
            do {
                let value = try await make()
                land(key, .result(.success(value)))
                return value
            } catch {
                // Somebody who was cancelled has learned nothing about the thing.
                land(key, error is CancellationError || Task.isCancelled ? .abandoned : .result(.failure(error)))
                throw error
            }
        }
    }

    /// How many wait for others, for tests.
    package var waiting: Int { state.withLock { $0.flights.values.reduce(0) { $0 + $1.count } } }

    private func begins(_ key: Key) -> Bool {
        state.withLock { state in
            guard state.flights[key] == nil else { return false }
            state.flights[key] = [:]
            return true
        }
    }

    private func land(_ key: Key, _ landing: Landing) {
        let waiters = state.withLock { $0.flights.removeValue(forKey: key) } ?? [:]
        for waiter in waiters.values { waiter.resume(returning: landing) }
    }

    private func landing(of key: Key) async -> Landing {
        let id = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        return await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                let known: Landing? = state.withLock { state in
                    // A cancellation from here on finds the waiter in the table.
                    if Task.isCancelled { return .cancelled }
                    guard state.flights[key] != nil else { return .abandoned }
                    state.flights[key]?[id] = continuation
                    return nil
                }
                if let known { continuation.resume(returning: known) }
            }
        } onCancel: {
            state.withLock { $0.flights[key]?.removeValue(forKey: id) }?.resume(returning: .cancelled)
        }
    }
}
