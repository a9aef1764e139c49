import Millrace
import MillraceCore
import MillraceHTTP

/// `/api/v1/task-handlers` and `/api/v1/admin/task`: what can be asked for, and how it is configured.
struct TaskHandlerRoutes: Sendable {
    let store: any Store
    let handlers: TaskHandlerRegistry
    let configurations: HandlerConfigurations
    /// Handlers and their configuration are the server's own, not the asker's.
    private let owner = Principal.system

    init(store: any Store, handlers: TaskHandlerRegistry, configurations: HandlerConfigurations) {
        self.store = store
        self.handlers = handlers
        self.configurations = configurations
    }

    func list(_ request: APIRequest) throws -> HTTPResponse {
        .json { object in
            object.member("items", array: handlers.all) { handler, object in write(handler, &object) }
            object.member("default", handlers.defaultName)
        }
    }

    func get(_ request: APIRequest) throws -> HTTPResponse {
        let name = request.parameter("name")
        guard let handler = handlers.handler(named: name) else { throw notFound(name) }
        return .json { write(handler, &$0) }
    }

    private func write(_ handler: any TaskHandler, _ object: inout JSONObjectWriter) {
        object.member("name", handler.name)
        object.member("description", handler.description)
        object.member("is_default", handler.name == handlers.defaultName)
    }

    func metadata(_ request: APIRequest) async throws -> HTTPResponse {
        let name = request.parameter("name")
        guard let metadata = try await store.taskHandler(name, principal: owner) else { throw notFound(name) }
        return .json { $0.write(metadata) }
    }

    /// Replaces the stored configuration: the body is the configuration itself, or `{"configuration": {…}}`.
    func update(_ request: APIRequest) async throws -> HTTPResponse {
        let name = request.parameter("name")
        let json = try await request.json()
        var fields = FieldReader(json)
        let configuration = fields.value("configuration") == nil ? fields.all : fields.object("configuration") ?? [:]
        guard handlers.handler(named: name) != nil else { throw notFound(name) }
        let entry = try await configurations.examine(configuration)
        for problem in entry.problems { fields.note(problem.field, problem.message) }
        try fields.finish()
        guard let metadata = try await store.updateTaskHandler(name, configuration: configuration, principal: owner) else {
            throw notFound(name)
        }
        configurations.use(entry, for: name, since: metadata.updatedAt)
        return .json { $0.write(metadata) }
    }

    private func notFound(_ name: String) -> Problem {
        var problem = Problem(.notFound, "there is no task handler '\(name)'")
        problem.extra["known_tasks"] = .array(handlers.names.map { .string($0) })
        return problem
    }
}
