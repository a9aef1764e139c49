import Millrace
import MillraceCore
import MillraceHTTP

/// `/api/v1/chats`: conversations and their messages.
struct ChatRoutes: Sendable {
    let store: any Store
    /// Bytes of a page.
    let pageBytes: Int

    private func page(_ request: APIRequest) throws -> PageRequest {
        var page = try request.page()
        page.byteLimit = pageBytes
        return page
    }

    func list(_ request: APIRequest) async throws -> HTTPResponse {
        let page = try await store.chats(page: try page(request), principal: request.principal)
        return .json { $0.write(page) { chat, object in object.write(chat) } }
    }

    func create(_ request: APIRequest) async throws -> HTTPResponse {
        let bytes = try await request.body()
        var fields = FieldReader(bytes.isEmpty ? [:] : try request.parse(bytes))
        let chatID = fields.identifier("chat_id") ?? Identifier.make(prefix: "c")
        let title = fields.string("title", limit: 1024)
        let metadata = fields.object("metadata") ?? [:]
        try fields.finish()
        let now = Timestamp.now()
        let chat = Chat(id: chatID, title: title, createdAt: now, updatedAt: now, metadata: metadata)
        try await store.createChat(chat, principal: request.principal)
        var response = HTTPResponse.json(.created) { $0.write(chat) }
        try? response.headers.set("Location", "/api/v1/chats/\(chatID)")
        return response
    }

    func get(_ request: APIRequest) async throws -> HTTPResponse {
        guard let chat = try await store.chat(request.parameter("chat_id"), principal: request.principal) else { throw notFound(request) }
        return .json { $0.write(chat) }
    }

    func update(_ request: APIRequest) async throws -> HTTPResponse {
        var fields = FieldReader(try await request.json())
        let change = ChatChange(title: fields.string("title", limit: 1024), metadata: fields.object("metadata"))
        try fields.finish()
        guard let chat = try await store.updateChat(request.parameter("chat_id"), change, principal: request.principal) else {
            throw notFound(request)
        }
        return .json { $0.write(chat) }
    }

    func delete(_ request: APIRequest) async throws -> HTTPResponse {
        _ = try await request.body()
        guard try await store.deleteChat(request.parameter("chat_id"), principal: request.principal) else { throw notFound(request) }
        return HTTPResponse(.noContent)
    }

    func messages(_ request: APIRequest) async throws -> HTTPResponse {
        let page = try await store.messages(of: request.parameter("chat_id"), page: try page(request), principal: request.principal)
        guard let page else { throw notFound(request) }
        return .json { $0.write(page) { message, object in object.write(message) } }
    }

    private func notFound(_ request: APIRequest) -> Problem {
        Problem(.notFound, "there is no chat '\(request.parameter("chat_id"))'")
    }
}
