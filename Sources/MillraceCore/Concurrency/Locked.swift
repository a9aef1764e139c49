import Glibc

/// A value behind a mutex. Hold the lock for a few instructions only; nothing may be awaited inside.
///
/// A pthread mutex: uncontended it costs what `Synchronization.Mutex` does, and ThreadSanitizer understands it.
public final class Locked<Value>: @unchecked Sendable {  // Sendable: the mutex guards the value.
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private var value: Value

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
    public func withLock<R, E: Error>(_ body: (inout Value) throws(E) -> R) throws(E) -> R {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return try body(&value)
    }
}
