import Millrace
import MillraceCore
import MillraceHTTP

/// What prompts and personas have in common: versions, conditions, activation.
struct PromptVersionRoutes: Sendable {
    let stored: StoredPrompts
    let kind: PromptKind

    func list(_ request: APIRequest, _ name: String) async throws -> HTTPResponse {
        let page = try request.page()
        let current = try await stored.find(kind, name)
        guard let current, let page = try await stored.versions(kind, name, page: page) else { throw notFound(name) }
        return .json { $0.write(page) { version, object in write(version, current, &object, withText: false) } }
    }

    func get(_ request: APIRequest, _ name: String) async throws -> HTTPResponse {
        guard let current = try await stored.find(kind, name) else { throw notFound(name) }
        let text = request.parameter("version")
        guard let number = Int(text), let version = try await stored.version(kind, name, number) else {
            throw Problem(.notFound, "the \(kind.rawValue) '\(name)' has no version '\(text)'")
        }
        return .json { write(version, current, &$0, withText: true) }
    }

    func delete(_ request: APIRequest, _ name: String) async throws -> HTTPResponse {
        let bytes = try await request.body()
        var fields = FieldReader(bytes.isEmpty ? [:] : try request.parse(bytes))
        let condition = try Self.condition(request, &fields)
        try fields.finish()
        guard try await stored.delete(kind, name, if: condition) else { throw notFound(name) }
        return HTTPResponse(.noContent)
    }

    /// Uses the version that the body names: a number, or `null` for none.
    func activate(_ request: APIRequest, _ name: String) async throws -> StoredPrompt {
        let json = try await request.json()
        var fields = FieldReader(json)
        var version: Int?
        switch fields.all["version"] {
        case .null? where kind == .prompt: break
        case let value? where (value.integer ?? 0) > 0: version = value.integer
        default:
            if fields.problems.isEmpty {
                fields.note("version", "must be the number of a version" + (kind == .prompt ? ", or null for none" : ""))
            }
        }
        try fields.finish()
        let condition = try Self.revision(request)
        guard let changed = try await stored.activate(kind, name, version: version, if: condition) else { throw notFound(name) }
        return changed
    }

    private func write(_ version: PromptVersion, _ current: StoredPrompt, _ object: inout JSONObjectWriter, withText: Bool) {
        object.member("version", version.number)
        if kind == .persona { object.member("name", version.draft.title) }
        object.member("description", version.draft.description)
        object.member("hash", version.hash)
        object.member("is_active", version.number == current.active?.number)
        object.member("created_at", version.createdAt.description)
        if withText { object.member("text", version.draft.text) }
    }

    private func notFound(_ name: String) -> Problem { Problem(.notFound, "no \(kind.rawValue) '\(name)' is stored") }

    // MARK: Conditions

    /// What a change expects: `version` of the body (the newest one's number, 0 for none), and `If-Match`.
    static func condition(_ request: APIRequest, _ fields: inout FieldReader) throws(Problem) -> PromptCondition {
        var condition = try revision(request)
        if let value = fields.value("version") {
            if let number = value.integer, number >= 0 {
                condition.newestVersion = number
            } else {
                fields.note("version", "must be the number of the newest version, 0 where there is none")
            }
        }
        return condition
    }

    /// `If-Match` (RFC 9110, section 13.1.1): one tag that an answer gave, or `*` for whatever is stored, but something.
    private static func revision(_ request: APIRequest) throws(Problem) -> PromptCondition {
        guard let header = request.head["if-match"] else { return PromptCondition() }
        if header == "*" { return PromptCondition(exists: true) }
        guard header.utf8.count > 2, header.hasPrefix("\""), header.hasSuffix("\""), !header.dropFirst().dropLast().contains("\"") else {
            throw Problem.fields([
                FieldProblem(field: "If-Match", message: "must be the ETag of an answer, such as \"1795309200000000-3\", or *")
            ])
        }
        return condition(ofTag: header.dropFirst().dropLast())
    }

    /// The moment of the first version is in it: what was deleted and stored anew counts its revisions from 1 again.
    static func tag(_ stored: StoredPrompt) -> String { "\"\(stored.createdAt.microseconds)-\(stored.revision)\"" }

    private static func condition(ofTag tag: Substring) -> PromptCondition {
        let parts = tag.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, let microseconds = Int64(parts[0]), let revision = Int(parts[1]) else {
            // A tag that is not from here is that of nothing: no revision is 0.
            return PromptCondition(revision: 0)
        }
        return PromptCondition(revision: revision, createdAt: Timestamp(microseconds: microseconds))
    }

    /// `true` or `false`.
    static func flag(_ fields: inout FieldReader, _ name: String) -> Bool? {
        guard let value = fields.value(name) else { return nil }
        if case .bool(let flag) = value { return flag }
        fields.note(name, "must be true or false")
        return nil
    }
}
