import Millrace
import MillraceAWS
import MillraceCore
import MillraceHTTP

/// `POST /api/v1/generate/stream` and `/invoke`: start a run and follow it, or wait for its end.
struct GenerateRoutes: Sendable {
    let hub: RunHub
    let handlers: TaskHandlerRegistry
    let models: LanguageModelRegistry
    let defaultTask: String?
    let content: ContentStore?
    /// The personas that a request may name.
    let stored: StoredPrompts

    /// The run's events as they happen.
    func stream(_ request: APIRequest) async throws -> HTTPResponse {
        let run: String
        switch try await start(request) {
        case .new(let started): return EventStream.response(hub.reader(of: started, after: 0, on: request.http.loop))
        case .existing(let responseID): run = responseID
        }
        switch try await hub.follow(run, after: 0, principal: request.principal, on: request.http.loop) {
        case .reader(let reader): return EventStream.response(reader)
        case .finished, nil: throw Problem(.notFound, "the run of this idempotency key was deleted")
        }
    }

    /// The same run, answered once when it ends.
    func invoke(_ request: APIRequest) async throws -> HTTPResponse {
        let responseID: String
        switch try await start(request) {
        case .new(let run):
            guard let completion = await run.ended() else { throw unavailable() }
            return Self.answer(completion.message)
        case .existing(let existing): responseID = existing
        }
        if let run = hub.live(responseID, principal: request.principal) {
            guard let completion = await run.ended() else { throw unavailable() }
            return Self.answer(completion.message)
        }
        let record = try await hub.store.run(responseID, principal: request.principal)
        if record?.status == .running { throw unavailable() }
        guard let record, record.status.isTerminal,
            let path = try await hub.store.path(in: record.chatID, to: responseID, principal: request.principal),
            let message = path.messages.last
        else { throw Problem(.notFound, "the run of this idempotency key was deleted") }
        return Self.answer(message)
    }

    private func unavailable() -> MillraceError {
        MillraceError(
            .storageUnavailable, "the run's end could not be stored; its log will be closed when the store works again", isRetryable: true)
    }

    private static func answer(_ message: Message) -> HTTPResponse {
        .json { object in
            object.member("message_id", message.id)
            object.member("chat_id", message.chatID)
            object.member("parts", json: .array(message.parts.map(\.json)))
            object.member("usage", json: (message.usage ?? .unknown).json)
            object.member("metadata", json: .object(message.metadata))
            object.member("status", message.status.rawValue)
        }
    }

    /// Checks the request, resolves its handler, model and place in the chat, and starts the run.
    private func start(_ request: APIRequest) async throws -> RunHub.Started {
        if hub.isDraining { throw MillraceError(.serverShutdown, "the server is stopping; try again", isRetryable: true) }
        defer { request.share?.release() }
        // What needs no waiting is kept out of async calls, each of which asks for its executor when it returns.
        let bytes = if let whole = try request.receivedBody() { whole } else { try await request.body() }
        var body = try GenerateBody(json: try request.parse(bytes))
        if body.namesContent {
            try await body.resolve { [content] in try await content?.record($0, principal: request.principal) }
        }
        let key = try idempotencyKey(request, bytes)
        let handler = try handler(for: body.task)
        let model = try models.model(body.modelID, task: handler.name, preferred: handler.options.modelID)
        let persona = try body.persona.flatMap { try stored.persona(named: $0) }
        let path: MessagePath?
        let chatID: String
        if body.chatID == nil, body.parentID == nil {
            (path, chatID) = (nil, Identifier.make(prefix: "c"))
        } else {
            (path, chatID) = try await place(body, request.principal)
        }
        let message = Message(
            id: Identifier.make(prefix: "m"), chatID: chatID, parentID: path?.messages.last?.id, role: .user, parts: body.parts,
            createdAt: .now())
        let task = TaskRequest(
            responseID: Identifier.make(prefix: "r"), requestID: request.http.id.description, chatID: chatID, task: handler.name,
            modelID: model.id, message: message, history: path?.messages ?? [], persona: persona?.text ?? body.persona,
            context: body.context)
        let start = RunHub.Start(
            request: task, handler: handler, principal: request.principal, idempotencyKey: key, createsChat: path == nil,
            prompts: persona.map { [$0.reference] } ?? [])
        do {
            return try await hub.start(start, on: request.http.loop)
        } catch let error as MillraceError where error.code == .notFound && error.details["content_id"] != nil {
            // A file has gone since it was looked up: said as if it had not been there, with the place of its name.
            try await body.resolve { [content] in try await content?.record($0, principal: request.principal) }
            throw error
        }
    }

    private func handler(for task: String?) throws(Problem) -> any TaskHandler {
        if let handler = handlers.handler(named: task ?? defaultTask) { return handler }
        guard let task = task ?? defaultTask else {
            throw Problem(.notFound, "no task was named and no handler is the default; known: \(handlers.names.joined(separator: ", "))")
        }
        var problem = Problem(.notFound, "No handler found for task: \(task)")
        problem.extra["known_tasks"] = .array(handlers.names.map { .string($0) })
        throw problem
    }

    /// Where a message goes that names its chat or its parent: the chat's path that it follows, `nil` for a chat that is to be made.
    private func place(_ body: GenerateBody, _ principal: Principal) async throws -> (MessagePath?, String) {
        guard let chatID = body.chatID else {
            throw Problem.fields([FieldProblem(field: "parent_id", message: "needs the chat_id that it belongs to")])
        }
        if let path = try await hub.store.path(in: chatID, to: body.parentID, principal: principal) { return (path, chatID) }
        if let parentID = body.parentID {
            throw Problem(.notFound, "the chat '\(chatID)' has no message '\(parentID)'")
        }
        return (nil, chatID)
    }

    /// `Idempotency-Key`, quoted or not (draft-ietf-httpapi-idempotency-key-header), with the hash of the body.
    private func idempotencyKey(_ request: APIRequest, _ body: [UInt8]) throws -> IdempotencyKey? {
        guard var key = request.head["idempotency-key"] else { return nil }
        if key.count >= 2, key.hasPrefix("\""), key.hasSuffix("\"") { key = String(key.dropFirst().dropLast()) }
        guard (1...255).contains(key.utf8.count) else {
            throw Problem.fields([FieldProblem(field: "Idempotency-Key", message: "must have 1 to 255 bytes")])
        }
        let lifetime = Int64(hub.settings.idempotencyHours) * 3_600_000_000
        return IdempotencyKey(
            key: key, bodyHash: SHA256.hexadecimal(body), expiresAt: Timestamp(microseconds: Timestamp.now().microseconds + lifetime))
    }
}

/// The response that carries a run's events.
enum EventStream {
    private static let headers: HTTPHeaders = [
        "Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no",
    ]

    static func response(_ reader: RunReader) -> HTTPResponse { HTTPResponse(.ok, headers: headers, body: .stream(reader)) }
}
