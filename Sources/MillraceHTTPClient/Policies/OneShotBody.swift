import MillraceCore

/// Watches the body of a request that can be read only once.
final class OneShotBody: Sendable {
    private struct Use {
        var wasPulled = false
        var hasFailed = false
    }
    private let use = Locked(Use())

    /// Watches the request's body from now on; `nil` for a body that can be sent any number of times.
    init?(of request: inout HTTPClientRequest) {
        guard case .stream(let length, let next) = request.body else { return nil }
        let use = use
        request.body = .stream(
            length: length,
            next: {
                use.withLock { $0.wasPulled = true }
                do { return try await next() } catch {
                    use.withLock { $0.hasFailed = true }
                    throw error
                }
            })
    }

    /// Whether something of it has been read, so that it cannot be sent again.
    var wasPulled: Bool { use.withLock { $0.wasPulled } }
    /// Whether it was the body itself that failed.
    var hasFailed: Bool { use.withLock { $0.hasFailed } }
}
