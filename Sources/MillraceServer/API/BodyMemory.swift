import MillraceHTTP
import Synchronization

/// What the bodies of requests may hold in memory together while they are being read: each has a limit of its own, and thousands of
/// connections times that limit is more than any machine has.
///
/// The first bytes of a body do not count, so that small requests are served while big ones are refused; connections are counted elsewhere.
final class BodyMemory: Sendable {
    /// How much of each body does not count, in bytes.
    static let uncounted = 64 << 10

    /// Bytes of all bodies.
    let limit: Int
    private let held = Atomic<Int>(0)

    init(limit: Int) { self.limit = limit }

    /// What is held now, in bytes.
    var heldBytes: Int { held.load(ordering: .relaxed) }

    /// One body's part. It is given back by ``release()``, or with the last reference.
    final class Share: @unchecked Sendable {  // Sendable: used by the request's task only.
        private let memory: BodyMemory
        private var taken = 0

        init(of memory: BodyMemory) { self.memory = memory }

        deinit { release() }

        /// Takes what a body of so many bytes needs beyond what was taken.
        /// - Throws: ``Problem`` 503 when the others have too much.
        func grow(to count: Int) throws(Problem) {
            let more = max(count - BodyMemory.uncounted, 0) - taken
            guard more > 0 else { return }
            guard memory.held.wrappingAdd(more, ordering: .relaxed).newValue <= memory.limit else {
                memory.held.wrappingSubtract(more, ordering: .relaxed)
                throw Problem(
                    .serviceUnavailable, "too many large requests at once; try again (limits.bodyMemoryBytes)",
                    headers: [("Retry-After", "1")])
            }
            taken += more
        }

        /// The body is read and its bytes are done with.
        func release() {
            memory.held.wrappingSubtract(taken, ordering: .relaxed)
            taken = 0
        }
    }
}
