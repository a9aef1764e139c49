import Millrace
import MillraceHTTP

/// Which path is answered by what.
enum APIRoutes {
    static func router(
        hub: RunHub, handlers: TaskHandlerRegistry, models: LanguageModelRegistry, readiness: ModelReadiness,
        backends: BackendReadiness, content: ContentRoutes, stored: StoredPrompts, defaultTask: String?, pageBytes: Int
    ) throws -> Router<APIResponder.Route> {
        let generate = GenerateRoutes(
            hub: hub, handlers: handlers, models: models, defaultTask: defaultTask, content: content.content, stored: stored)
        let runs = RunRoutes(hub: hub)
        let chats = ChatRoutes(store: hub.store, pageBytes: pageBytes)
        let tasks = TaskHandlerRoutes(store: hub.store, handlers: handlers, configurations: hub.configurations)
        let prompts = PromptRoutes(stored: stored, handlers: handlers)
        let personas = PersonaRoutes(stored: stored)
        let health = HealthRoutes(hub: hub, models: readiness, backends: backends)

        var router = Router<APIResponder.Route>()
        try router.add(.post, "/api/v1/generate/stream", .later(generate.stream))
        try router.add(.post, "/generate/stream", .later(generate.stream))
        try router.add(.post, "/api/v1/generate/invoke", .later(generate.invoke))

        try router.add(.get, "/api/v1/runs", .later(runs.list))
        try router.add(.get, "/api/v1/runs/{response_id}", .later(runs.get))
        try router.add(.get, "/api/v1/runs/{response_id}/events", .later(runs.events))
        try router.add(.post, "/api/v1/runs/{response_id}/cancel", .later(runs.cancel))

        try router.add(.get, "/api/v1/chats", .later(chats.list))
        try router.add(.post, "/api/v1/chats", .later(chats.create))
        try router.add(.get, "/api/v1/chats/{chat_id}", .later(chats.get))
        try router.add(.patch, "/api/v1/chats/{chat_id}", .later(chats.update))
        try router.add(.delete, "/api/v1/chats/{chat_id}", .later(chats.delete))
        try router.add(.get, "/api/v1/chats/{chat_id}/messages", .later(chats.messages))

        let formLimit = content.limit.addingReportingOverflow(ContentRoutes.formBytes)
        try router.add(
            .post, "/api/v1/content", .upload(bodyLimit: formLimit.overflow ? .max : formLimit.partialValue, content.upload))
        try router.add(.get, "/api/v1/content", .later(content.list))
        try router.add(.get, "/api/v1/generate/content/{pointer}", .later(content.download))
        try router.add(.delete, "/api/v1/generate/content/{pointer}", .later(content.delete))

        try router.add(.get, "/api/v1/task-handlers", .now(tasks.list))
        try router.add(.get, "/api/v1/task-handlers/{name}", .now(tasks.get))
        try router.add(.get, "/api/v1/admin/task/{name}", .later(tasks.metadata))
        try router.add(.put, "/api/v1/admin/task/{name}", .later(tasks.update))

        try router.add(.get, "/api/v1/prompts", .now(prompts.list))
        try router.add(.post, "/api/v1/prompts", .later(prompts.create))
        try router.add(.get, "/api/v1/prompts/{name}", .later(prompts.get))
        try router.add(.put, "/api/v1/prompts/{name}", .later(prompts.put))
        try router.add(.delete, "/api/v1/prompts/{name}", .later(prompts.delete))
        try router.add(.post, "/api/v1/prompts/{name}/activate", .later(prompts.activate))
        try router.add(.get, "/api/v1/prompts/{name}/versions", .later(prompts.listVersions))
        try router.add(.get, "/api/v1/prompts/{name}/versions/{version}", .later(prompts.getVersion))

        try router.add(.get, "/api/v1/personas", .later(personas.list))
        try router.add(.post, "/api/v1/personas", .later(personas.create))
        try router.add(.get, "/api/v1/personas/{persona_id}", .later(personas.get))
        try router.add(.put, "/api/v1/personas/{persona_id}", .later(personas.put))
        try router.add(.delete, "/api/v1/personas/{persona_id}", .later(personas.delete))
        try router.add(.post, "/api/v1/personas/{persona_id}/activate", .later(personas.activate))
        try router.add(.get, "/api/v1/personas/{persona_id}/versions", .later(personas.listVersions))
        try router.add(.get, "/api/v1/personas/{persona_id}/versions/{version}", .later(personas.getVersion))

        try router.add(.get, "/healthz", .now(health.alive))
        try router.add(.get, "/readyz", .later(health.ready))
        return router
    }
}
