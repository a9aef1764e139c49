import Glibc

/// A value behind a mutex. Hold the lock for a few instructions only; nothing may be awaited inside.
///
/// A pthread mutex: uncontended it costs what `Synchronization.Mutex` does, and ThreadSanitizer understands it.
public final class Locked<Value>: @unchecked Sendable {  // Sendable: the mutex guards the value.
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    // Not checked for overlapping accesses: a call from inside the lock would wait for ever before it could overlap.
    @exclusivity(unchecked) @usableFromInline var value: Value

    /// Creates the mutex around a value.
    public init(_ value: sending Value) {
        self.value = value
        mutex = .allocate(capacity: 1)
        mutex.initialize(to: pthread_mutex_t())
        pthread_mutex_init(mutex, nil)
    }

    deinit {
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    /// Runs `body` with the value, holding the lock.
    @inlinable
    public func withLock<R, E: Error>(_ body: (inout Value) throws(E) -> R) throws(E) -> R {
        lock()
        defer { unlock() }
        return try body(&value)
    }

    @usableFromInline
    func lock() { pthread_mutex_lock(mutex) }

    @usableFromInline
    func unlock() { pthread_mutex_unlock(mutex) }
}
