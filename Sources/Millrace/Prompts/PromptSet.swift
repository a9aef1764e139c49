public import MillraceCore
import MillraceTemplates

/// A prompt that was rendered, and what it was made of.
public struct RenderedPrompt: Equatable, Sendable {
    /// The text.
    public let text: String
    /// The template that was rendered, and behind it those that it includes, imports and extends, by name.
    public let references: [PromptReference]
    /// The template that was rendered.
    public var reference: PromptReference { references[0] }
}

/// The prompts of one handler at one moment: they do not change, so that a run which takes them once has one set to its end.
///
/// ```swift
/// let prompts = folder.current
/// let system = try prompts.render("system.xml.j2", ["question": .string(request.text)], in: context)
/// ```
/// `include`, `import` and `extends` find the templates of the same handler, and nothing else.
public struct PromptSet: Sendable {
    private final class Storage: Sendable {
        let handler: String
        let sources: [String: PromptSource]
        let environment: TemplateEnvironment
        /// What each template that was rendered is made of.
        let references = Locked<[String: [PromptReference]]>([:])

        init(_ handler: String, _ sources: [String: PromptSource]) {
            self.handler = handler
            self.sources = sources
            environment = TemplateEnvironment(
                loader: InMemoryTemplateLoader(sources.mapValues(\.text)), limits: Storage.limits)
        }

        /// A prompt is rendered on an event loop, and may have come over the API: it must not hold the loop.
        private static let limits: TemplateLimits = {
            var limits = TemplateLimits()
            limits.steps = 500_000
            return limits
        }()
    }
    private let storage: Storage

    /// - Parameter sources: by the name in the handler's folder.
    package init(_ handler: String, _ sources: [String: PromptSource]) { storage = Storage(handler, sources) }

    /// The names of the prompts, sorted.
    public var names: [String] { storage.sources.keys.sorted() }

    package var sources: [String: PromptSource] { storage.sources }

    /// The template of a name, as it is in use; `nil` where there is none.
    public func reference(_ name: String) -> PromptReference? { storage.sources[name]?.reference }

    /// Renders a prompt and notes in the run which templates it used.
    /// - Parameters:
    ///   - name: its name in the handler's folder, such as `system.xml.j2` or `analysis/user.xml.j2`.
    ///   - variables: what the template may use; one that it asks for and that is not there is an error.
    ///   - context: the run.
    /// - Throws: as ``render(_:_:)``.
    public func render(_ name: String, _ variables: [String: JSONValue] = [:], in context: RunContext) throws(MillraceError) -> String {
        let rendered = try render(name, variables)
        context.record(rendered.references)
        return rendered.text
    }

    /// Renders a prompt.
    /// - Parameters:
    ///   - name: its name in the handler's folder.
    ///   - variables: what the template may use.
    /// - Throws: ``MillraceError`` ``ErrorCode/configuration`` that names template, line and column, ``ErrorCode/limitExceeded`` for what takes
    ///   too long or becomes too much.
    public func render(_ name: String, _ variables: [String: JSONValue] = [:]) throws(MillraceError) -> RenderedPrompt {
        guard storage.sources[name] != nil else {
            let names = names
            throw MillraceError(
                .configuration,
                "'\(storage.handler)' has no prompt '\(name)'\(Suggestion.phrase(for: name, among: names)); it has "
                    + (names.isEmpty ? "none" : names.joined(separator: ", ")))
        }
        do throws(TemplateError) {
            let text = try storage.environment.render(name, variables)
            return RenderedPrompt(text: text, references: try references(name))
        } catch {
            throw failure(error)
        }
    }

    /// The variables that a prompt and what it includes read without having set them, sorted.
    package func variables(of name: String) -> [String] { ((try? storage.environment.undeclaredVariables(of: name)) ?? []).sorted() }

    /// The templates that a prompt and what it includes name and that are not there.
    package func missingReferences(of name: String) -> [String] {
        let named = closure(of: name).names.flatMap { (try? storage.environment.template($0).referencedTemplates) ?? [] }
        return Set(named).filter { storage.sources[$0] == nil }.sorted()
    }

    // MARK: What a template is made of

    private func references(_ name: String) throws(TemplateError) -> [PromptReference] {
        if let known = storage.references.withLock({ $0[name] }) { return known }
        var (names, isComplete) = closure(of: name)
        // Which template a computed name means only the rendering knows: it may be any.
        if !isComplete { names = Array(storage.sources.keys) }
        let others = names.filter { $0 != name }.sorted()
        let references = ([name] + others).compactMap { storage.sources[$0]?.reference }
        storage.references.withLock { $0[name] = references }
        return references
    }

    /// The template and all that it names, there and readable; not complete where a name is computed.
    private func closure(of name: String) -> (names: [String], isComplete: Bool) {
        var seen: Set<String> = []
        var waiting = [name]
        var isComplete = true
        while let next = waiting.popLast() {
            guard !seen.contains(next), storage.sources[next] != nil, let template = try? storage.environment.template(next) else {
                continue
            }
            seen.insert(next)
            if template.hasComputedReferences { isComplete = false }
            waiting += template.referencedTemplates
        }
        return (Array(seen), isComplete)
    }

    /// The error with the template's whole name, and which text of that name it was.
    private func failure(_ error: TemplateError) -> MillraceError {
        let name = "\(storage.handler)/\(error.template)"
        let origin: String
        switch storage.sources[error.template]?.reference {
        case let reference? where reference.origin == .stored: origin = " (version \(reference.version ?? 0) in the store)"
        case let reference? where reference.origin == .file: origin = " (the file)"
        default: origin = ""
        }
        return MillraceError(
            error.kind == .limit ? .limitExceeded : .configuration,
            "prompt \(name):\(error.line):\(error.column): \(error.message)\(origin)",
            details: ["prompt": .string(name), "line": .integer(error.line), "column": .integer(error.column)])
    }
}
