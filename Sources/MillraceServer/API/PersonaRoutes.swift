import Millrace
import MillraceCore
import MillraceHTTP

/// `/api/v1/personas`: who answers may sound like, stored in versions.
struct PersonaRoutes: Sendable {
    let stored: StoredPrompts
    private let versions: PromptVersionRoutes

    init(stored: StoredPrompts) {
        self.stored = stored
        versions = PromptVersionRoutes(stored: stored, kind: .persona)
    }

    func list(_ request: APIRequest) async throws -> HTTPResponse {
        let page = try await stored.list(.persona, page: try request.page())
        return .json { $0.write(page) { persona, object in Self.write(persona, &object, withText: false) } }
    }

    func get(_ request: APIRequest) async throws -> HTTPResponse {
        let id = request.parameter("persona_id")
        guard let persona = try await stored.find(.persona, id) else { throw notFound(id) }
        return response(persona)
    }

    func create(_ request: APIRequest) async throws -> HTTPResponse {
        let json = try await request.json()
        var fields = FieldReader(json)
        let id = fields.identifier("persona_id") ?? Identifier.make(prefix: "pe")
        return try await store(id, &fields, PromptCondition(newestVersion: 0))
    }

    func put(_ request: APIRequest) async throws -> HTTPResponse {
        let json = try await request.json()
        var fields = FieldReader(json)
        let id = request.parameter("persona_id")
        if let problem = FieldReader.identifierProblem(id) { fields.note("persona_id", problem) }
        let condition = try PromptVersionRoutes.condition(request, &fields)
        return try await store(id, &fields, condition)
    }

    private func store(
        _ id: String, _ fields: inout FieldReader, _ condition: PromptCondition
    ) async throws -> HTTPResponse {
        let isObject = fields.problems.first?.field != "body"
        let name = fields.string("name", limit: 256, required: isObject, mayBeEmpty: false)
        let description = fields.string("description", limit: 4096)
        let text = fields.string("text", limit: PromptRules.mostPersonaBytes, required: isObject, mayBeEmpty: false)
        let activates = PromptVersionRoutes.flag(&fields, "activate") ?? true
        try fields.finish()
        let draft = PromptDraft(title: name, description: description, text: text ?? "")
        let persona = try await stored.put(.persona, id, draft, activates: activates, if: condition)
        var response = response(persona, persona.revision == 1 ? .created : .ok)
        if persona.revision == 1 { try? response.headers.set("Location", "/api/v1/personas/\(id)") }
        return response
    }

    func delete(_ request: APIRequest) async throws -> HTTPResponse {
        try await versions.delete(request, request.parameter("persona_id"))
    }

    func activate(_ request: APIRequest) async throws -> HTTPResponse {
        response(try await versions.activate(request, request.parameter("persona_id")))
    }

    func listVersions(_ request: APIRequest) async throws -> HTTPResponse {
        try await versions.list(request, request.parameter("persona_id"))
    }

    func getVersion(_ request: APIRequest) async throws -> HTTPResponse {
        try await versions.get(request, request.parameter("persona_id"))
    }

    private func notFound(_ id: String) -> Problem { Problem(.notFound, "no persona '\(id)' is stored") }

    private func response(_ persona: StoredPrompt, _ status: HTTPStatus = .ok) -> HTTPResponse {
        var response = HTTPResponse.json(status) { Self.write(persona, &$0, withText: true) }
        try? response.headers.set("ETag", PromptVersionRoutes.tag(persona))
        return response
    }

    private static func write(_ persona: StoredPrompt, _ object: inout JSONObjectWriter, withText: Bool) {
        object.member("persona_id", persona.name)
        object.member("name", persona.active?.draft.title)
        object.member("description", persona.active?.draft.description)
        if withText { object.member("text", persona.active?.draft.text) }
        object.member("hash", persona.active?.hash)
        object.member("active_version", json: persona.active.map { .integer($0.number) } ?? .null)
        object.member("newest_version", persona.newestVersion)
        object.member("created_at", persona.createdAt.description)
        object.member("updated_at", persona.updatedAt.description)
    }
}
