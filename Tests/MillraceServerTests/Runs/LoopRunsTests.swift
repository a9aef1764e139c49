import Millrace
import MillraceBackends
import MillraceCore
import MillraceEventLoop
import Testing

@testable import MillraceServer

/// What a loop hands to the store at the end of a turn.
@Suite struct LoopRunsTests {
    private struct NoHandler: TaskHandler {
        let name = "none"
        let description = "Does nothing"
        func handle(_ request: TaskRequest, _ context: RunContext) async throws {}
    }

    /// A store that notes what it is given to append, one element a submission: the sequences.
    private final class NotingStore: Store, @unchecked Sendable {  // Sendable: its state is used on the loop, and behind it.
        private let store = InMemoryStore()
        private let answersAtOnce: Bool
        private(set) var submissions: [[Int]] = []
        private var unanswered: [@Sendable (MillraceError?) -> Void] = []
        /// What happens within the next append.
        var whileAppending: (() -> Void)?

        init(answersAtOnce: Bool) { self.answersAtOnce = answersAtOnce }

        /// Answers who waits, and the queue lets go of the runs.
        func answer() {
            for completed in unanswered { completed(nil) }
            unanswered = []
        }

        func append(_ appends: [RunAppend], completed: @escaping @Sendable (MillraceError?) -> Void) {
            submissions.append(appends.map(\.batch.lastSequence))
            whileAppending.take()?()
            if answersAtOnce { completed(nil) } else { unanswered.append(completed) }
        }

        func createRun(_ run: NewRun, principal: Principal) async throws -> RunCreation {
            try await store.createRun(run, principal: principal)
        }
        func run(of key: IdempotencyKey, at time: Timestamp, principal: Principal) async throws -> String? { nil }
        func run(_ responseID: String, principal: Principal) async throws -> RunRecord? { nil }
        func runs(_ filter: RunFilter, page: PageRequest, principal: Principal) async throws -> Page<RunRecord> {
            try await store.runs(filter, page: page, principal: principal)
        }
        func events(of responseID: String, after sequence: Int, byteLimit: Int, principal: Principal) async throws -> StoredEvents? { nil }
        func unfinishedRuns(principal: Principal) async throws -> [UnfinishedRun] { [] }
        func createChat(_ chat: Chat, principal: Principal) async throws {}
        func chat(_ chatID: String, principal: Principal) async throws -> Chat? { nil }
        func chats(page: PageRequest, principal: Principal) async throws -> Page<Chat> {
            try await store.chats(page: page, principal: principal)
        }
        func updateChat(_ chatID: String, _ change: ChatChange, principal: Principal) async throws -> Chat? { nil }
        func deleteChat(_ chatID: String, principal: Principal) async throws -> Bool { false }
        func messages(of chatID: String, page: PageRequest, principal: Principal) async throws -> Page<Message>? { nil }
        func path(in chatID: String, to parentID: String?, principal: Principal) async throws -> MessagePath? { nil }
        func registerTaskHandler(_ metadata: TaskHandlerMetadata, principal: Principal) async throws {}
        func taskHandler(_ name: String, principal: Principal) async throws -> TaskHandlerMetadata? { nil }
        func updateTaskHandler(
            _ name: String, configuration: [String: JSONValue], principal: Principal
        ) async throws -> TaskHandlerMetadata? { nil }
        func createContent(_ content: ContentRecord, principal: Principal) async throws {}
        func content(_ id: String, principal: Principal) async throws -> ContentRecord? { nil }
        func contents(page: PageRequest, principal: Principal) async throws -> Page<ContentRecord> {
            try await store.contents(page: page, principal: principal)
        }
        func deleteContent(_ id: String, principal: Principal) async throws -> Bool { false }
        func check(principal: Principal) async throws {}
        func close() async {}
    }

    /// Runs `body` on a loop with its runs' queue and one run, and gives what the store got.
    private func submissions(
        answersAtOnce: Bool, _ body: @escaping @Sendable (LoopRuns, Run, NotingStore) -> Void
    ) throws -> [[Int]] {
        let group = try EventLoopGroup(count: 1)
        let blocking = try BlockingExecutor(name: "blocking", threads: 1)
        let logger = Logger(sink: LogSink(), level: .error)
        let store = NotingStore(answersAtOnce: answersAtOnce)
        let hub = RunHub(store: store, settings: RunSettings(), group: group, blocking: blocking, logger: logger) { _ in
            throw MillraceError(.configuration, "no AWS here")
        }
        let loopRuns = LoopRuns(loop: group.loops[0], store: store, tailBytes: 1 << 20, patience: 1_000_000_000_000)
        loopRuns.connect([loopRuns])
        let request = TaskRequest(
            responseID: "r", requestID: "q", chatID: "c", task: "none", modelID: nil,
            message: Message(id: "m", chatID: "c", parentID: nil, role: .user, parts: [], createdAt: .now()), history: [], persona: nil,
            context: [])
        let run = Run(
            request: request, principal: .local, handler: NoHandler(), hub: hub, loopRuns: loopRuns, stages: [])
        _ = run.begin()
        try group.start()
        let isDone = Monitor(false)
        group.loops[0].post {
            body(loopRuns, run, store)
            // Behind the turn's end.
            group.loops[0].post { group.loops[0].post { isDone.updateAndWakeAll { $0 = true } } }
        }
        isDone.wait { $0 ? () : nil }
        isDone.update {
            $0 = false
            return false
        }
        group.loops[0].post {
            store.answer()
            isDone.updateAndWakeAll { $0 = true }
        }
        isDone.wait { $0 ? () : nil }
        group.stop()
        loopRuns.connect([])
        hub.disconnectLoops()
        blocking.stop()
        return store.submissions
    }

    private static func append(_ sequence: Int, of run: Run) -> RunAppend {
        RunAppend(
            handle: RunHandle(principal: .local, responseID: "r", number: 1),
            batch: EventBatch(firstSequence: sequence, lastSequence: sequence, frames: ByteBuffer(), hidden: nil), reservedSequence: 64)
    }

    @Test(arguments: [true, false]) func appendsOfATurn_areHandedOverTogether_inTheirOrder(answersAtOnce: Bool) throws {
        let given = try submissions(answersAtOnce: answersAtOnce) { loopRuns, run, _ in
            for sequence in 2...5 { loopRuns.store(Self.append(sequence, of: run), of: run) }
        }
        #expect(given == [[2, 3, 4, 5]])
    }

    /// Whatever the answer to a commit sets off may append again, also within the very call.
    @Test(arguments: [true, false]) func appendWhileTheStoreAnswers_isNotLost(answersAtOnce: Bool) throws {
        let given = try submissions(answersAtOnce: answersAtOnce) { loopRuns, run, store in
            store.whileAppending = { loopRuns.store(Self.append(4, of: run), of: run) }
            for sequence in 2...3 { loopRuns.store(Self.append(sequence, of: run), of: run) }
        }
        #expect(given == [[2, 3], [4]])
    }
}
