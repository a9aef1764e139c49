// What ThreadSanitizer says of two threads; `.ci/sanitize thread` runs it with each argument.
//
//   overtaken   a continuation that is resumed before it is awaited: no race, but reported unless continuation_await.c is preloaded
//   awaited     one that is resumed after its task has suspended: no race
//   race        a counter that two threads change without a lock: a race, which must be reported in any case
import Glibc

final class Mailbox: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private var waiting: UnsafeContinuation<Int, any Error>?
    var counter = 0

    init() { pthread_mutex_init(mutex, nil) }

    func exchange(_ next: UnsafeContinuation<Int, any Error>?) -> UnsafeContinuation<Int, any Error>? {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        defer { waiting = next }
        return waiting
    }
}

let mode = CommandLine.arguments.dropFirst().first ?? "overtaken"
let mailbox = Mailbox()
var thread = pthread_t()
pthread_create(
    &thread, nil,
    { _ in
        while true {
            guard let continuation = mailbox.exchange(nil) else {
                usleep(1000)
                continue
            }
            if mode == "awaited" { usleep(20_000) }
            continuation.resume(returning: 1)
            if mode == "race" { mailbox.counter += 1 }
        }
    }, nil)

@MainActor func run() async throws {
    for _ in 0..<50 {
        _ = try await withUnsafeThrowingContinuation { continuation in
            _ = mailbox.exchange(continuation)
            if mode != "awaited" { usleep(20_000) }
        }
        if mode == "race" { mailbox.counter += 1 }
    }
}
try await run()
