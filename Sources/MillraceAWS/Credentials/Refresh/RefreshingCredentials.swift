import MillraceCore
import MillraceHTTPClient

/// Keeps credentials until shortly before they expire, and finds new ones once for all who ask.
///
/// ``CredentialRefresh`` decides; this asks the source in a task of its own, so that a caller who is cancelled leaves alone. When the last
/// of those who wait is cancelled, the task is, too.
final class RefreshingCredentials: AWSCredentialProvider {
    private struct State {
        var machine = CredentialRefresh()
        var waiters: [Int: UnsafeContinuation<AWSCredentials, any Error>] = [:]
        /// Callers who were cancelled before they began to wait.
        var cancelled: Set<Int> = []
        var callers = 0
        var flight: Int?
        var task: Task<Void, Never>?
    }

    private let state = Locked(State())
    private let clock: HTTPPolicyClock
    private let logger: Logger
    private let source: @Sendable () async throws -> CredentialRefresh.Found

    /// - Parameters:
    ///   - logger: where it is said that old credentials go on for want of new ones.
    ///   - source: asks for new credentials; it must end by itself within a bounded time, and soon when it is cancelled.
    init(clock: HTTPPolicyClock, logger: Logger = .silent, _ source: @escaping @Sendable () async throws -> CredentialRefresh.Found) {
        self.clock = clock
        self.logger = logger
        self.source = source
    }

    func credentials() async throws -> AWSCredentials {
        try Task.checkCancellation()
        let caller = state.withLock { state in
            state.callers += 1
            return state.callers
        }
        defer { state.withLock { _ = $0.cancelled.remove(caller) } }
        return try await withTaskCancellationHandler {
            try await withUnsafeThrowingContinuation { continuation in
                if let result = wait(caller, continuation) { continuation.resume(with: result) }
            }
        } onCancel: {
            leave(caller)
        }
    }

    func refused(_ credentials: AWSCredentials) async {
        state.withLock { $0.machine.refused(credentials) }
    }

    /// How many wait.
    var waiting: Int { state.withLock { $0.waiters.count } }

    /// - Returns: what the caller gets at once; `nil`: it waits.
    private func wait(
        _ caller: Int, _ continuation: UnsafeContinuation<AWSCredentials, any Error>
    ) -> Result<AWSCredentials, any Error>? {
        let now = clock.wall()
        return state.withLock { state in
            if state.cancelled.contains(caller) { return .failure(CancellationError()) }
            switch state.machine.asked(at: now) {
            case .use(let credentials): return .success(credentials)
            case .wait(let flight, let startsIt):
                state.waiters[caller] = continuation
                if startsIt {
                    state.flight = flight
                    state.task = Task { await self.fly(flight) }
                }
                return nil
            }
        }
    }

    private func leave(_ caller: Int) {
        let (waiter, task) = state.withLock { state -> (UnsafeContinuation<AWSCredentials, any Error>?, Task<Void, Never>?) in
            guard let waiter = state.waiters.removeValue(forKey: caller) else {
                state.cancelled.insert(caller)
                return (nil, nil)
            }
            guard state.waiters.isEmpty, let flight = state.flight else { return (waiter, nil) }
            state.machine.abandoned(flight: flight)
            defer { (state.flight, state.task) = (nil, nil) }
            return (waiter, state.task)
        }
        waiter?.resume(throwing: CancellationError())
        task?.cancel()
    }

    private func fly(_ flight: Int) async {
        let result: Result<CredentialRefresh.Found, any Error>
        do { result = .success(try await source()) } catch { result = .failure(error) }
        let now = clock.wall()
        let (waiters, outcome) = state.withLock { state in
            let outcome =
                switch result {
                case .success(let found): state.machine.arrived(found, flight: flight, at: now)
                case .failure: state.machine.failed(flight: flight, at: now)
                }
            guard outcome != .ignore else { return ([UnsafeContinuation<AWSCredentials, any Error>](), outcome) }
            defer { (state.waiters, state.flight, state.task) = ([:], nil, nil) }
            return (Array(state.waiters.values), outcome)
        }
        if case .use(let credentials) = outcome { logOldCredentials(credentials, result, at: now) }
        for waiter in waiters {
            switch (outcome, result) {
            case (.use(let credentials), _): waiter.resume(returning: credentials)
            case (_, .failure(let error)): waiter.resume(throwing: error)
            case (_, .success(let found)): waiter.resume(throwing: Self.expired(found.credentials.origin))
            }
        }
    }

    private func logOldCredentials(
        _ credentials: AWSCredentials, _ result: Result<CredentialRefresh.Found, any Error>, at now: Timestamp
    ) {
        if case .failure(let error) = result {
            logger.warning(
                "AWS credentials were not renewed, the old ones go on",
                [
                    "origin": .string(credentials.origin), "expires": credentials.expiration.map { .string($0.description) } ?? .null,
                    "reason": .string((error as? MillraceError)?.message ?? "\(type(of: error))"),
                ])
        } else if let expiration = credentials.expiration, expiration <= now {
            logger.warning(
                "AWS credentials have expired at their source, which gives no others",
                ["origin": .string(credentials.origin), "expires": .string(expiration.description)])
        }
    }

    private static func expired(_ origin: String) -> MillraceError {
        MillraceError(
            .awsCredentials, "the credentials from \(origin) have expired, and there are no newer ones: renew them there",
            isRetryable: true)
    }
}
