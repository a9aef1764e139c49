import Millrace
import MillraceBackends
import MillraceCore
import Testing

/// The stores that the conformance suite runs against.
enum StoreKind: CaseIterable, Sendable {
    case memory
    case sqlite

    /// Lends an empty store, closed at the end.
    func withStore(_ body: (any Store) async throws -> Void) async throws {
        let directory = try TemporaryDirectory()
        let store: any Store =
            switch self {
            case .memory: InMemoryStore()
            case .sqlite: try SQLiteStore(path: "\(directory.path)/test.db", configuration: .forTests)
            }
        do {
            try await body(store)
        } catch {
            await store.close()
            throw error
        }
        await store.close()
    }
}

extension SQLiteStore.Configuration {
    /// Without syncs, which tests of behaviour need not wait for.
    static var forTests: Self {
        var configuration = Self()
        configuration.durability = .off
        return configuration
    }
}

extension Principal {
    static let ada = Principal(named: "ada")
    static let bob = Principal(named: "bob")
}

/// Values for tests; times are seconds after the epoch.
enum Fixture {
    static func time(_ seconds: Int64) -> Timestamp { Timestamp(microseconds: seconds * 1_000_000) }

    /// A run whose log begins with the event 1.
    static func run(
        _ id: String, chat: String = "c", parent: String? = nil, key: IdempotencyKey? = nil, createsChat: Bool = true,
        at seconds: Int64 = 1,
        task: String = "chat", text: String = "Hello"
    ) -> NewRun {
        NewRun(
            run: RunRecord(
                responseID: id, chatID: chat, task: task, modelID: "local", status: .running, requestID: "q_\(id)",
                userMessageID: "u_\(id)", startedAt: time(seconds), reservedSequence: 64),
            firstBatch: batch(id, 1...1),
            userMessage: Message(
                id: "u_\(id)", chatID: chat, parentID: parent, role: .user, parts: [.text(text)], createdAt: time(seconds)),
            idempotencyKey: key, createsChat: createsChat)
    }

    static func frame(_ id: String, _ sequence: Int) -> String {
        "event: content\nid: \(id):\(sequence)\ndata: {\"content\":\"piece \(sequence)\"}\n\n"
    }

    static func frames(_ id: String, _ sequences: ClosedRange<Int>) -> [UInt8] {
        Array(sequences.map { frame(id, $0) }.joined().utf8)
    }

    static func append(
        _ handle: RunHandle, _ sequences: ClosedRange<Int>, reserved: Int = 64, hidden: String? = nil, completion: RunCompletion? = nil
    ) -> RunAppend {
        RunAppend(
            handle: handle, batch: batch(handle.responseID, sequences, hidden: hidden), reservedSequence: reserved,
            completion: completion)
    }

    static func batch(_ id: String, _ sequences: ClosedRange<Int>, hidden: String? = nil) -> EventBatch {
        var buffer = ByteBuffer()
        buffer.append(frames(id, sequences))
        return EventBatch(
            firstSequence: sequences.lowerBound, lastSequence: sequences.upperBound, frames: buffer,
            hidden: hidden.map { Array($0.utf8) })
    }

    /// A batch without sent events, such as one that only raises the reservation.
    static func hidden(_ handle: RunHandle, after sequence: Int, reserved: Int = 64) -> RunAppend {
        RunAppend(
            handle: handle,
            batch: EventBatch(firstSequence: sequence + 1, lastSequence: sequence, frames: ByteBuffer(), hidden: Array("{}\n".utf8)),
            reservedSequence: reserved)
    }

    static func completion(_ id: String, chat: String = "c", _ status: RunStatus = .completed, at seconds: Int64 = 2) -> RunCompletion {
        RunCompletion(
            status: status, endedAt: time(seconds), usage: Usage(promptTokens: 3, completionTokens: 4),
            message: Message(
                id: id, chatID: chat, parentID: "u_\(id)", role: .assistant, parts: [.text("Answer \(id)")], createdAt: time(seconds),
                modelID: "local", usage: Usage(promptTokens: 3, completionTokens: 4), metadata: ["sources": 2], status: status))
    }
}

extension Store {
    /// Appends and waits for the commit.
    func commit(_ appends: RunAppend...) async throws {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            append(appends) { error in
                if let error { continuation.resume(throwing: error) } else { continuation.resume() }
            }
        }
    }

    /// Creates a run that must be new.
    func start(_ run: NewRun, _ principal: Principal = .ada) async throws -> RunHandle {
        guard case .created(let handle) = try await createRun(run, principal: principal) else {
            throw MillraceError(.conflict, "the run exists already")
        }
        return handle
    }

    /// Creates a run and ends it with the event 2.
    func finish(_ run: NewRun, _ principal: Principal = .ada, at seconds: Int64 = 2) async throws {
        let handle = try await start(run, principal)
        try await commit(
            Fixture.append(handle, 2...2, completion: Fixture.completion(run.run.responseID, chat: run.run.chatID, at: seconds)))
    }
}

/// Checks that `body` throws a ``MillraceError`` of that code, and returns it.
@discardableResult
func expectError(_ code: ErrorCode, at location: SourceLocation = #_sourceLocation, _ body: () async throws -> Void) async -> MillraceError?
{
    do {
        try await body()
        Issue.record("no error, expected \(code)", sourceLocation: location)
    } catch let error as MillraceError {
        #expect(error.code == code, "\(error)", sourceLocation: location)
        return error
    } catch {
        Issue.record("expected \(code), not \(error)", sourceLocation: location)
    }
    return nil
}
