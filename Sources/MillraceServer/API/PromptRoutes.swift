import Millrace
import MillraceCore
import MillraceHTTP

/// `/api/v1/prompts`: the templates of handlers, stored in versions above the files and what handlers bring along.
struct PromptRoutes: Sendable {
    let stored: StoredPrompts
    let handlers: TaskHandlerRegistry
    private let versions: PromptVersionRoutes

    init(stored: StoredPrompts, handlers: TaskHandlerRegistry) {
        self.stored = stored
        self.handlers = handlers
        versions = PromptVersionRoutes(stored: stored, kind: .prompt)
    }

    /// A prompt as it is: what counts, and what is stored.
    private struct Entry {
        let name: String
        let source: PromptSource?
        let stored: StoredPrompt?
    }

    /// All prompts that there are, stored or not, by name.
    func list(_ request: APIRequest) throws -> HTTPResponse {
        let page = try request.page()
        let handler = request.head.queryValue("handler")
        let known = stored.prompts
        let sets = stored.library.sets
        var entries = known.mapValues { Entry(name: $0.name, source: nil, stored: $0) }
        for (handler, set) in sets {
            for (name, source) in set.sources {
                entries["\(handler)/\(name)"] = Entry(name: "\(handler)/\(name)", source: source, stored: known["\(handler)/\(name)"])
            }
        }
        let after = page.cursor ?? ""
        let rest = entries.values.filter { entry in
            entry.name > after && (handler.map { entry.name.hasPrefix($0 + "/") } ?? true)
        }.sorted { $0.name < $1.name }
        let items = Array(rest.prefix(page.limit))
        return .json { object in
            object.member("items", array: items) { entry, object in Self.write(entry, &object, withText: false) }
            object.member("next_cursor", rest.count > items.count ? items.last?.name : nil)
        }
    }

    func get(_ request: APIRequest) async throws -> HTTPResponse {
        let name = Self.name(request)
        guard let entry = try await entry(name) else { throw notFound(name) }
        return response(entry)
    }

    /// Stores a prompt that is not stored yet.
    func create(_ request: APIRequest) async throws -> HTTPResponse {
        let json = try await request.json()
        var fields = FieldReader(json)
        let name = fields.string("name", required: fields.problems.isEmpty)
        return try await store(name, &fields, PromptCondition(newestVersion: 0), isNew: true)
    }

    /// Stores the next version, which is used from then on unless `activate` is false.
    func put(_ request: APIRequest) async throws -> HTTPResponse {
        let json = try await request.json()
        var fields = FieldReader(json)
        let condition = try PromptVersionRoutes.condition(request, &fields)
        return try await store(Self.name(request), &fields, condition, isNew: false)
    }

    private func store(
        _ name: String?, _ fields: inout FieldReader, _ condition: PromptCondition, isNew: Bool
    ) async throws -> HTTPResponse {
        let description = fields.string("description", limit: 4096)
        let text = fields.string("text", limit: PromptRules.mostBytes, required: fields.problems.first?.field != "body")
        let activates = PromptVersionRoutes.flag(&fields, "activate") ?? true
        if let name, let problem = problem(ofName: name) { fields.note("name", problem) }
        var place: PromptProblem?
        if let text, let name, fields.problems.isEmpty, let problem = PromptRules.problem(in: text, name: name) {
            fields.note("text", "line \(problem.line), column \(problem.column): \(problem.message)")
            place = problem
        }
        if !fields.problems.isEmpty {
            var problem = Problem.fields(fields.problems)
            if let place { problem.extra = ["line": .integer(place.line), "column": .integer(place.column)] }
            throw problem
        }
        guard let name, let text else { throw Problem.fields([FieldProblem(field: "body", message: "must be an object")]) }
        let draft = PromptDraft(description: description, text: text)
        let prompt = try await stored.put(.prompt, name, draft, activates: activates, if: condition)
        guard let entry = try await entry(name) else { throw notFound(name) }
        var response = response(entry, prompt, isNew || prompt.newestVersion == 1 ? .created : .ok)
        if response.status == .created {
            try? response.headers.set("Location", "/api/v1/prompts/" + name.split(separator: "/").joined(separator: ":"))
        }
        return response
    }

    /// Deletes what is stored; the file or the embedded text counts again.
    func delete(_ request: APIRequest) async throws -> HTTPResponse {
        try await versions.delete(request, Self.name(request))
    }

    func activate(_ request: APIRequest) async throws -> HTTPResponse {
        let name = Self.name(request)
        let prompt = try await versions.activate(request, name)
        guard let entry = try await entry(name) else { throw notFound(name) }
        return response(entry, prompt)
    }

    func listVersions(_ request: APIRequest) async throws -> HTTPResponse { try await versions.list(request, Self.name(request)) }

    func getVersion(_ request: APIRequest) async throws -> HTTPResponse { try await versions.get(request, Self.name(request)) }

    // MARK: Names

    /// `chat/system.xml.j2` of `chat:system.xml.j2`, or of a segment in which the slash is encoded.
    private static func name(_ request: APIRequest) -> String {
        request.parameter("name").split(separator: ":", omittingEmptySubsequences: false).joined(separator: "/")
    }

    private func problem(ofName name: String) -> String? {
        guard let parts = PromptLibrary.parts(of: name) else {
            return "must be a handler's name and a prompt's, such as chat/system.xml.j2"
        }
        if let problem = PromptRules.problem(ofName: parts.name) { return problem }
        if handlers.handler(named: parts.handler) != nil { return nil }
        return "there is no task handler '\(parts.handler)'; known: \(handlers.names.joined(separator: ", "))"
    }

    private func notFound(_ name: String) -> Problem { Problem(.notFound, "there is no prompt '\(name)'") }

    // MARK: Answers

    private func entry(_ name: String) async throws -> Entry? {
        let found = try await stored.find(.prompt, name)
        let source = PromptLibrary.parts(of: name).flatMap { stored.library.set(of: $0.handler).sources[$0.name] }
        return found == nil && source == nil ? nil : Entry(name: name, source: source, stored: found)
    }

    /// - Parameter change: what has just been stored, where something was.
    private func response(_ entry: Entry, _ change: StoredPrompt? = nil, _ status: HTTPStatus = .ok) -> HTTPResponse {
        var entry = entry
        if let change { entry = Entry(name: entry.name, source: entry.source, stored: change) }
        var response = HTTPResponse.json(status) { object in
            Self.write(entry, &object, withText: true)
            let advice = advice(entry)
            object.member("variables", json: .array(advice.variables.map { .string($0) }))
            object.member("warnings", json: .array(advice.warnings.map { .string($0) }))
        }
        if let stored = entry.stored { try? response.headers.set("ETag", PromptVersionRoutes.tag(stored)) }
        return response
    }

    private static func write(_ entry: Entry, _ object: inout JSONObjectWriter, withText: Bool) {
        object.member("name", entry.name)
        object.member("handler", PromptLibrary.parts(of: entry.name)?.handler)
        object.member("description", entry.stored?.active?.draft.description)
        object.member("origin", entry.source?.reference.origin.rawValue)
        object.member("hash", entry.source?.reference.hash)
        if withText { object.member("text", entry.source?.text) }
        object.member("active_version", json: entry.stored?.active.map { .integer($0.number) } ?? .null)
        object.member("newest_version", json: entry.stored.map { .integer($0.newestVersion) } ?? .null)
        object.member("created_at", entry.stored?.createdAt.description)
        object.member("updated_at", entry.stored?.updatedAt.description)
    }

    /// What a prompt asks for, and what in it would make runs fail although it can be read.
    private func advice(_ entry: Entry) -> (variables: [String], warnings: [String]) {
        guard let (handler, name) = PromptLibrary.parts(of: entry.name), entry.source != nil else { return ([], []) }
        let set = stored.library.set(of: handler)
        let variables = set.variables(of: name)
        var warnings = set.missingReferences(of: name).map { "it names '\($0)', and '\(handler)' has no such prompt" }
        if entry.source?.reference.origin == .stored, let below = stored.library.unstored(handler, name) {
            var sources = set.sources
            sources[name] = below
            let known = PromptSet(handler, sources).variables(of: name)
            warnings += variables.filter { !known.contains($0) }.map {
                "'\($0)' is not used by the prompt in its place: if the handler does not give it, every run fails\(Suggestion.phrase(for: $0, among: known))"
            }
        }
        return (variables, warnings)
    }
}
