/// One `sleep`: a timer that resumes whoever sleeps. Touched on the loop only.
final class LoopSleep: LoopTimer, @unchecked Sendable {  // Sendable: every access goes through `EventLoop.perform`.
    private unowned let loop: EventLoop
    private var continuation: UnsafeContinuation<Void, any Error>?
    private var isCancelled = false

    init(loop: EventLoop) {
        self.loop = loop
        super.init()
    }

    func begin(_ continuation: UnsafeContinuation<Void, any Error>, nanoseconds: Int64) {
        if isCancelled {
            continuation.resume(throwing: CancellationError())
            return
        }
        self.continuation = continuation
        loop.set(self, after: nanoseconds)
    }

    override func fire() {
        continuation?.resume()
        continuation = nil
    }

    func cancel() {
        isCancelled = true
        loop.clear(self)
        continuation?.resume(throwing: CancellationError())
        continuation = nil
    }
}
