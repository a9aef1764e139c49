import Glibc
import MillraceCore
import MillraceCounterparts
import Testing

@testable import MillraceAWS

@Suite(.ownThreads) struct RefreshingCredentialsTests {
    /// A source whose answers a test gives.
    private final class Source: Sendable {
        private struct State {
            var asked = 0
            var cancelled = 0
            var flights: [UnsafeContinuation<CredentialRefresh.Found, any Error>?] = []
            var watchers: [(condition: @Sendable (State) -> Bool, continuation: UnsafeContinuation<Void, Never>)] = []
        }
        private let state = Locked(State())

        func next() async throws -> CredentialRefresh.Found {
            let index = state.withLock { state in
                state.asked += 1
                state.flights.append(nil)
                return state.flights.count - 1
            }
            return try await withTaskCancellationHandler {
                try await withUnsafeThrowingContinuation { continuation in
                    state.withLock { $0.flights[index] = continuation }
                    notify()
                }
            } onCancel: {
                let flight = state.withLock { state in
                    state.cancelled += 1
                    defer { state.flights[index] = nil }
                    return state.flights[index]
                }
                flight?.resume(throwing: CancellationError())
                notify()
            }
        }

        func answer(_ result: Result<CredentialRefresh.Found, any Error>) {
            let flight = state.withLock { state in
                defer { state.flights[state.flights.count - 1] = nil }
                return state.flights.last ?? nil
            }
            flight?.resume(with: result)
        }

        var asked: Int { state.withLock { $0.asked } }

        /// Waits until the source was asked for the nth time, and waits for an answer.
        func isAsked(_ count: Int) async { await wait { $0.asked == count && $0.flights.last.flatMap { $0 } != nil } }
        /// Waits until so many flights were cancelled.
        func isCancelled(_ count: Int) async { await wait { $0.cancelled == count } }

        private func wait(until condition: @escaping @Sendable (State) -> Bool) async {
            await withUnsafeContinuation { continuation in
                state.withLock { $0.watchers.append((condition, continuation)) }
                notify()
            }
        }

        private func notify() {
            let due = state.withLock { state in
                let due = state.watchers.filter { $0.condition(state) }
                state.watchers = state.watchers.filter { !$0.condition(state) }
                return due
            }
            for watcher in due { watcher.continuation.resume() }
        }
    }

    private static func found(_ name: String, _ clock: CredentialClock, minutes: Int64) -> CredentialRefresh.Found {
        CredentialRefresh.Found(
            credentials: AWSCredentials(
                accessKeyID: name, secretAccessKey: "s", expiration: clock.now.adding(seconds: minutes * 60), origin: "the test"),
            isStaticallyStable: false)
    }

    @Test(.timeLimit(.minutes(1))) func manyCallers_makeOneFlight() async throws {
        let (source, clock) = (Source(), CredentialClock())
        let kept = RefreshingCredentials(clock: clock.policy) { try await source.next() }
        let names = try await withThrowingTaskGroup(of: String.self) { group in
            for _ in 0..<200 { group.addTask { try await kept.credentials().accessKeyID } }
            await source.isAsked(1)
            source.answer(.success(Self.found("one", clock, minutes: 60)))
            return try await group.reduce(into: Set<String>()) { $0.insert($1) }
        }
        #expect(names == ["one"] && source.asked == 1)
        clock.advance(seconds: 30 * 60)
        #expect(try await kept.credentials().accessKeyID == "one")
    }

    @Test(.timeLimit(.minutes(1))) func aCancelledCaller_leavesTheOthersTheirFlight() async throws {
        let (source, clock) = (Source(), CredentialClock())
        let kept = RefreshingCredentials(clock: clock.policy) { try await source.next() }
        let first = Task { try await kept.credentials() }
        await source.isAsked(1)
        let second = Task { try await kept.credentials().accessKeyID }
        while kept.waiting < 2 { await Task.yield() }
        first.cancel()
        await #expect(throws: CancellationError.self) { try await first.value }
        source.answer(.success(Self.found("one", clock, minutes: 60)))
        #expect(try await second.value == "one")
        #expect(source.asked == 1)
    }

    @Test(.timeLimit(.minutes(1))) func theLastCancelledCaller_endsTheFlight_andTheNextStartsAnother() async throws {
        let (source, clock) = (Source(), CredentialClock())
        let kept = RefreshingCredentials(clock: clock.policy) { try await source.next() }
        let only = Task { try await kept.credentials() }
        await source.isAsked(1)
        only.cancel()
        await #expect(throws: CancellationError.self) { try await only.value }
        await source.isCancelled(1)
        let next = Task { try await kept.credentials().accessKeyID }
        await source.isAsked(2)
        while kept.waiting < 1 { await Task.yield() }
        source.answer(.success(Self.found("two", clock, minutes: 60)))
        #expect(try await next.value == "two")
    }

    @Test(.timeLimit(.minutes(1))) func aCallerWhoIsCancelledAlready_doesNotAsk() async throws {
        let (source, clock) = (Source(), CredentialClock())
        let kept = RefreshingCredentials(clock: clock.policy) { try await source.next() }
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await kept.credentials()
        }
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(source.asked == 0)
    }

    @Test(.timeLimit(.minutes(1))) func aFailure_isEverybodysWhereThereIsNothingElse_andNobodysWhereThereIs() async throws {
        let (source, clock) = (Source(), CredentialClock())
        let kept = RefreshingCredentials(clock: clock.policy) { try await source.next() }
        let failing = Task { try await kept.credentials() }
        await source.isAsked(1)
        source.answer(.failure(MillraceError(.awsCredentials, "down")))
        let error = await #expect(throws: MillraceError.self) { try await failing.value }
        #expect(error?.message == "down")

        let first = Task { try await kept.credentials() }
        await source.isAsked(2)
        source.answer(.success(Self.found("one", clock, minutes: 60)))
        _ = try await first.value
        clock.advance(seconds: 46 * 60)
        let advisory = Task { try await kept.credentials().accessKeyID }
        await source.isAsked(3)
        // Who comes meanwhile does not wait.
        #expect(try await kept.credentials().accessKeyID == "one")
        source.answer(.failure(MillraceError(.awsCredentials, "down")))
        #expect(try await advisory.value == "one")
        clock.advance(seconds: 5 * 60)
        let mandatory = Task { try await kept.credentials() }
        await source.isAsked(4)
        source.answer(.failure(MillraceError(.awsCredentials, "still down")))
        await #expect(throws: MillraceError.self) { try await mandatory.value }
    }

    @Test(.timeLimit(.minutes(1))) func oldCredentialsThatGoOn_areInTheLog_withoutTheirSecrets() async throws {
        let (source, clock) = (Source(), CredentialClock())
        let directory = try TemporaryDirectory()
        let descriptor = open(directory.path + "/log", O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        defer { close(descriptor) }
        let logger = Logger(sink: LogSink(descriptor: descriptor))
        let kept = RefreshingCredentials(clock: clock.policy, logger: logger) { try await source.next() }
        for index in 1...2 {
            let task = Task { try await kept.credentials() }
            await source.isAsked(index)
            source.answer(
                index == 1 ? .success(Self.found("AKIAONE", clock, minutes: 60)) : .failure(MillraceError(.awsCredentials, "STS is down")))
            _ = try await task.value
            clock.advance(seconds: 46 * 60)
        }
        logger.flush()
        let text = String(decoding: try BoundedFile.read(directory.path + "/log", limit: 10_000), as: UTF8.self)
        #expect(text.contains("AWS credentials were not renewed") && text.contains("STS is down") && text.contains("the test"))
        #expect(!text.contains("AKIAONE"))
    }

    @Test(.timeLimit(.minutes(1))) func credentialsThatAreExpiredWhenTheyCome_areAnErrorThatSaysWhose() async throws {
        let (source, clock) = (Source(), CredentialClock())
        let kept = RefreshingCredentials(clock: clock.policy) { try await source.next() }
        let task = Task { try await kept.credentials() }
        await source.isAsked(1)
        source.answer(.success(Self.found("old", clock, minutes: -5)))
        let error = await #expect(throws: MillraceError.self) { try await task.value }
        #expect(error?.message.contains("the credentials from the test have expired") == true)
    }

    @Test(.timeLimit(.minutes(1))) func manyWhoComeAndGo_neverHang() async throws {
        let clock = CredentialClock()
        let flights = Locked(0)
        let kept = RefreshingCredentials(clock: clock.policy) {
            flights.withLock { $0 += 1 }
            await Task.yield()
            try Task.checkCancellation()
            // Each expires at once after it was used.
            return Self.found("x", clock, minutes: 0).adding(seconds: 1)
        }
        await withTaskGroup(of: Void.self) { group in
            for index in 0..<2000 {
                group.addTask {
                    let task = Task { try await kept.credentials() }
                    if index % 3 == 0 { task.cancel() }
                    if index % 5 == 0 { clock.advance(seconds: 2) }
                    do { _ = try await task.value } catch {}
                }
            }
        }
        #expect(kept.waiting == 0)
    }
}

extension CredentialRefresh.Found {
    fileprivate func adding(seconds: Int64) -> CredentialRefresh.Found {
        var copy = self
        copy.credentials = AWSCredentials(
            accessKeyID: credentials.accessKeyID, secretAccessKey: "s", expiration: credentials.expiration?.adding(seconds: seconds),
            origin: credentials.origin)
        return copy
    }
}
