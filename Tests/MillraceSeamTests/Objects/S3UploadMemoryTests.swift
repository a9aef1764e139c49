import Millrace
import MillraceAWS
import MillraceBackends
import MillraceCore
import MillraceHTTPClient
import Testing

/// How much of many slow uploads is taken at once.
@Suite struct S3UploadMemoryTests {
    /// An S3 that takes every object.
    private struct Sink: HTTPTransport {
        func exchange<R>(_ request: HTTPClientRequest, _ body: (any HTTPResponseStream) async throws -> R) async throws -> R {
            try await body(Answer())
        }

        private final class Answer: HTTPResponseStream {
            let status = 200
            let headers: HTTPClientHeaders = ["ETag": "\"a\""]
            func read(_ take: (UnsafeRawBufferPointer) throws -> Void) async throws -> Bool { false }
        }
    }

    /// Bodies that are asked for their first piece, and wait to be let go on.
    private final class SlowBodies: Sendable {
        private let state = Locked<(started: Int, waiters: [UnsafeContinuation<Void, Never>], isOpen: Bool)>((0, [], false))
        private let arrivals = AsyncStream<Void>.makeStream()

        var started: Int { state.withLock { $0.started } }

        func body(length: Int?) -> ObjectBody {
            let pulled = Locked(false)
            return .stream(length: length) { [self] in
                if pulled.withLock({ wasPulled in
                    defer { wasPulled = true }
                    return wasPulled
                }) {
                    return nil
                }
                await withUnsafeContinuation { continuation in
                    let isOpen = state.withLock { state in
                        state.started += 1
                        if !state.isOpen { state.waiters.append(continuation) }
                        return state.isOpen
                    }
                    arrivals.continuation.yield()
                    if isOpen { continuation.resume() }
                }
                return [UInt8](repeating: 0, count: length ?? 10)
            }
        }

        func waitUntilStarted(_ count: Int) async {
            for await _ in arrivals.stream where started >= count { return }
        }

        func letGo() {
            let waiters = state.withLock { state in
                state.isOpen = true
                defer { state.waiters = [] }
                return state.waiters
            }
            for waiter in waiters { waiter.resume() }
        }
    }

    private func store(uploadBytes: Int) throws -> S3ObjectStore {
        let client = AWSServiceClient(
            .s3, endpoint: AWSEndpointSettings(region: "us-east-1", url: "http://127.0.0.1:9000"), authentication: .none, transport: Sink())
        return try S3ObjectStore(try S3Client(client), bucket: "bucket", uploadBytes: uploadBytes)
    }

    /// Three parts of 8 MiB each: two at a time fit.
    @Test func uploadsOfUnknownLength_waitForMemory_withoutBeingRead() async throws {
        let store = try store(uploadBytes: 50 << 20)
        let bodies = SlowBodies()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<20 { group.addTask { try await store.put("\(number)", bodies.body(length: nil)) } }
            await bodies.waitUntilStarted(2)
            // A small one that comes later waits for its turn, and leaves when it is cancelled.
            let late = Task { try await store.put("late", bodies.body(length: 1)) }
            late.cancel()
            await #expect(throws: CancellationError.self) { try await late.value }
            #expect(bodies.started == 2)
            bodies.letGo()
            try await group.waitForAll()
        }
        #expect(bodies.started == 20)
    }

    @Test func uploadsOfKnownLength_countWithIt() async throws {
        let store = try store(uploadBytes: 1000)
        let bodies = SlowBodies()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<10 { group.addTask { try await store.put("\(number)", bodies.body(length: 100)) } }
            await bodies.waitUntilStarted(10)
            bodies.letGo()
            try await group.waitForAll()
            // More than there is at all: alone.
            try await store.put("large", bodies.body(length: 5000))
        }
    }

    @Test func cancelledAtTheFront_letsOthersGoOn() async throws {
        let store = try store(uploadBytes: 1000)
        let bodies = SlowBodies()
        let running = Task { try await store.put("running", bodies.body(length: 600)) }
        await bodies.waitUntilStarted(1)
        let large = Task { try await store.put("large", bodies.body(length: 900)) }
        let small = Task { try await store.put("small", bodies.body(length: 100)) }
        large.cancel()
        await #expect(throws: CancellationError.self) { try await large.value }
        await bodies.waitUntilStarted(2)
        bodies.letGo()
        _ = try await (running.value, small.value)
    }
}
