import Millrace
import MillraceCore

/// What is stored of prompts and personas, as runs use it: changes go to the store, and from there into the library.
///
/// They are the server's own, not the asker's, as handlers' configuration is.
final class StoredPrompts: Sendable {
    let library: PromptLibrary
    /// `nil` where the store keeps none.
    private let store: (any PromptStore)?
    private let owner = Principal.system
    private let logger: Logger

    private struct State {
        var prompts: [String: StoredPrompt] = [:]
        var personas: [String: StoredPrompt] = [:]
        /// Whether somebody is changing something, and who waits.
        var isChanging = false
        var waiting: [UnsafeContinuation<Void, Never>] = []
    }
    private let state = Locked(State())

    init(store: any Store, library: PromptLibrary, logger: Logger) {
        self.store = store as? any PromptStore
        self.library = library
        self.logger = logger
    }

    // MARK: Reading

    /// Takes what the store has, before the server listens. A prompt that cannot be read any more does not count, and the log says so.
    func load() async throws {
        guard let store else { return }
        for kind in PromptKind.allCases {
            var page = PageRequest(limit: 50)
            repeat {
                let part = try await store.prompts(kind, page: page, principal: owner)
                for prompt in part.items { use(prompt) }
                page.cursor = part.nextCursor
            } while page.cursor != nil
        }
    }

    /// What is stored of the prompts, by name, without a question to the store.
    var prompts: [String: StoredPrompt] { state.withLock { $0.prompts } }

    /// The personas that a request may mean: the one of that id, or those that are called so.
    func personas(_ name: String) -> [StoredPrompt] {
        state.withLock { state in
            if let persona = state.personas[name] { return [persona] }
            return state.personas.values.filter { $0.active?.draft.title == name }.sorted { $0.name < $1.name }
        }
    }

    /// The stored persona that a request names by its id or, where one alone is called so, by its name; `nil`: the request's text is the persona.
    /// - Throws: ``Problem`` 422 for a name that several have, and for a persona of which no version is active.
    func persona(named name: String) throws(Problem) -> (text: String, reference: PromptReference)? {
        guard name.utf8.count <= 256 else { return nil }
        let found = personas(name)
        guard found.count <= 1 else {
            let ids = found.map(\.name).joined(separator: ", ")
            throw Problem.fields([
                FieldProblem(field: "persona", message: "several personas are called '\(name)': name one by its id: \(ids)")
            ])
        }
        guard let persona = found.first else { return nil }
        guard let active = persona.active, let reference = persona.reference else {
            throw Problem.fields([FieldProblem(field: "persona", message: "the persona '\(name)' has no active version: activate one")])
        }
        return (active.draft.text, reference)
    }

    /// The store.
    /// - Throws: 503 where it keeps no prompts.
    private func available() throws(MillraceError) -> any PromptStore {
        guard let store else { throw MillraceError(.storageUnavailable, "this server's store keeps no prompts") }
        return store
    }

    func find(_ kind: PromptKind, _ name: String) async throws -> StoredPrompt? {
        try await store?.prompt(kind, name, principal: owner)
    }

    func list(_ kind: PromptKind, page: PageRequest) async throws -> Page<StoredPrompt> {
        try await available().prompts(kind, page: page, principal: owner)
    }

    func version(_ kind: PromptKind, _ name: String, _ number: Int) async throws -> PromptVersion? {
        try await store?.promptVersion(kind, name, number, principal: owner)
    }

    func versions(_ kind: PromptKind, _ name: String, page: PageRequest) async throws -> Page<PromptVersion>? {
        try await store?.promptVersions(kind, name, page: page, principal: owner)
    }

    // MARK: Changing

    func put(
        _ kind: PromptKind, _ name: String, _ draft: PromptDraft, activates: Bool, if condition: PromptCondition
    ) async throws -> StoredPrompt {
        let store = try available()
        return try await change {
            let stored = try await store.storePrompt(
                kind, name, draft, activates: activates, if: condition, at: .now(), principal: owner)
            use(stored)
            return stored
        }
    }

    func activate(_ kind: PromptKind, _ name: String, version: Int?, if condition: PromptCondition) async throws -> StoredPrompt? {
        let store = try available()
        return try await change {
            let stored = try await store.activatePrompt(kind, name, version: version, if: condition, at: .now(), principal: owner)
            if let stored { use(stored) }
            return stored
        }
    }

    func delete(_ kind: PromptKind, _ name: String, if condition: PromptCondition) async throws -> Bool {
        let store = try available()
        return try await change {
            guard try await store.deletePrompt(kind, name, if: condition, principal: owner) else { return false }
            forget(kind, name)
            return true
        }
    }

    /// One change after the other, so that runs use what the store has last.
    private func change<R>(_ body: () async throws -> R) async throws -> R {
        await withUnsafeContinuation { continuation in
            let isFree = state.withLock { state in
                if state.isChanging {
                    state.waiting.append(continuation)
                    return false
                }
                state.isChanging = true
                return true
            }
            if isFree { continuation.resume() }
        }
        defer {
            let next = state.withLock { state -> UnsafeContinuation<Void, Never>? in
                if state.waiting.isEmpty {
                    state.isChanging = false
                    return nil
                }
                return state.waiting.removeFirst()
            }
            next?.resume()
        }
        return try await body()
    }

    private func use(_ stored: StoredPrompt) {
        switch stored.kind {
        case .persona: state.withLock { $0.personas[stored.name] = stored }
        case .prompt:
            state.withLock { $0.prompts[stored.name] = stored }
            guard let active = stored.active else {
                library.use(stored: nil, name: stored.name)
                return
            }
            if let problem = PromptRules.problem(in: active.draft.text, name: stored.name) {
                logger.error(
                    "a stored prompt cannot be read, and the one below it is used",
                    [
                        "prompt": .string(stored.name), "version": .integer(active.number),
                        "problem": .string("line \(problem.line), column \(problem.column): \(problem.message)"),
                    ])
                library.use(stored: nil, name: stored.name)
                return
            }
            library.use(
                stored: PromptSource(name: stored.name, text: active.draft.text, version: active.number, origin: .stored),
                name: stored.name)
        }
    }

    private func forget(_ kind: PromptKind, _ name: String) {
        state.withLock { state in
            switch kind {
            case .persona: state.personas[name] = nil
            case .prompt: state.prompts[name] = nil
            }
        }
        if kind == .prompt { library.use(stored: nil, name: name) }
    }
}
