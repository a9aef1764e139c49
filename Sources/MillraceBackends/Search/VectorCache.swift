import Millrace
import MillraceCore
import MillraceDatabase

/// How much memory the vectors of all indexes may take.
final class VectorMemory: Sendable {
    private let limit: Int
    private let used = Locked(0)

    init(limit: Int) { self.limit = limit }

    /// Takes bytes, or gives them back (below 0); false: there are not so many.
    func reserve(_ bytes: Int) -> Bool {
        used.withLock { used in
            guard bytes <= 0 || bytes <= limit - used else { return false }
            used += bytes
            return true
        }
    }
}

/// What a commit did to the vectors of an index.
struct VectorChanges: Sendable {
    /// One row's new vector; `nil`: it has none any more.
    struct Change: Sendable {
        var row: Int64
        var vector: [Float]?
    }
    /// The index's generation since this commit.
    var generation = 0
    /// Whether everything that was there before is gone.
    var removesAll = false
    var changes: [Change] = []
}

/// The vectors of one index in memory, where they fit: loaded by the first search, kept up to date by the writer after each commit.
final class VectorCache: Sendable {
    private struct State {
        var matrix: VectorMatrix?
        var places: [Int64: Int] = [:]
        var reserved = 0
        /// The newest commit that was applied, also while nothing is loaded.
        var generation = 0
        var isLoading = false
        /// What was committed while the matrix was being read.
        var missed: [VectorChanges] = []
        var isDropped = false
    }

    private let dimensions: Int
    private let memory: VectorMemory
    private let state = Locked(State())

    init(dimensions: Int, memory: VectorMemory) {
        self.dimensions = dimensions
        self.memory = memory
    }

    deinit { drop() }

    /// The vectors as of a generation; `nil`: they are not in memory.
    var snapshot: (matrix: VectorMatrix, generation: Int)? {
        state.withLock { state in state.matrix.map { ($0, state.generation) } }
    }

    /// Reads the vectors into memory if there is room and nobody else does. Inside a read transaction.
    /// - Parameters:
    ///   - generation: the index's, in the transaction.
    ///   - count: how many vectors there are.
    ///   - read: calls its argument with each row and its unit vector.
    func load(
        generation: Int, count: Int, read: ((Int64, UnsafeBufferPointer<Float>) -> Void) throws(MillraceError) -> Void
    ) throws(MillraceError) {
        let wanted = VectorMatrix.byteCount(count, dimensions: dimensions)
        let loads = state.withLock { state in
            // A transaction that is older than the last commit lacks what was never noted.
            guard state.matrix == nil, !state.isLoading, !state.isDropped, generation >= state.generation, memory.reserve(wanted) else {
                return false
            }
            state.isLoading = true
            state.reserved = wanted
            return true
        }
        guard loads else { return }
        var matrix = VectorMatrix(dimensions: dimensions)
        var places: [Int64: Int] = [:]
        var failure: MillraceError?
        do throws(MillraceError) {
            try read { row, vector in places[row] = matrix.append(row, vector) }
        } catch {
            failure = error
        }
        state.withLock { state in
            state.isLoading = false
            let missed = state.missed
            state.missed = []
            guard failure == nil, !state.isDropped else { return unload(&state) }
            state.matrix = matrix
            state.places = places
            state.generation = max(generation, state.generation)
            for changes in missed where changes.generation > generation { apply(changes, &state) }
        }
        if let failure { throw failure }
    }

    /// Takes over what was committed. Called in the order of the commits.
    func apply(_ changes: VectorChanges) {
        state.withLock { state in
            state.generation = max(state.generation, changes.generation)
            if state.isLoading { state.missed.append(changes) } else { apply(changes, &state) }
        }
    }

    /// Lets go of the memory for good.
    func drop() {
        state.withLock { state in
            state.isDropped = true
            if !state.isLoading { unload(&state) }
        }
    }

    private func unload(_ state: inout State) {
        _ = memory.reserve(-state.reserved)
        state.reserved = 0
        state.matrix = nil
        state.places = [:]
    }

    private func apply(_ changes: VectorChanges, _ state: inout State) {
        guard state.matrix != nil else { return }
        if changes.removesAll {
            state.matrix = VectorMatrix(dimensions: dimensions)
            state.places = [:]
        }
        for change in changes.changes {
            if let vector = change.vector {
                vector.withUnsafeBufferPointer { vector in
                    if let place = state.places[change.row] {
                        state.matrix?.replace(at: place, vector)
                    } else {
                        state.places[change.row] = state.matrix?.append(change.row, vector)
                    }
                }
            } else if let place = state.places.removeValue(forKey: change.row), let moved = state.matrix?.remove(at: place) {
                state.places[moved] = place
            }
        }
        let bytes = state.matrix?.byteCount ?? 0
        // Without room for what was added, the next searches read from the disk.
        guard memory.reserve(bytes - state.reserved) else { return unload(&state) }
        state.reserved = bytes
    }
}
