public import MillraceCore

/// A template that has been read. It can be kept, shared between tasks, and rendered any number of times.
///
/// The language is a subset of Jinja2's (https://jinja.palletsprojects.com/en/stable/templates/); `Docs/prompts.md` lists what is there.
public struct Template: Sendable {
    private final class Storage: Sendable {
        let name: String
        let body: [Statement]
        let blocks: [String: Statement.Block]
        let usage: VariableUsage
        let options: TemplateOptions
        let limits: TemplateLimits

        init(name: String, source: String, options: TemplateOptions, limits: TemplateLimits) throws(TemplateError) {
            (body, blocks) = try Parser.parse(source, template: name, options: options, limits: limits)
            usage = VariableUsage(of: body)
            self.name = name
            self.options = options
            self.limits = limits
        }
    }
    private let storage: Storage

    /// Reads a template.
    /// - Parameters:
    ///   - source: its text.
    ///   - name: its name, for errors; where it ends in `.xml` or `.html` (before `.j2`), what is printed is escaped.
    /// - Throws: ``TemplateError`` with the place of what is wrong or not supported.
    public init(
        _ source: String, name: String = "template", options: TemplateOptions = .init(), limits: TemplateLimits = .init()
    ) throws(TemplateError) {
        storage = try Storage(name: name, source: source, options: options, limits: limits)
    }

    /// The template's name.
    public var name: String { storage.name }

    /// The variables that the template may read without having set them, in the order of their names.
    ///
    /// Those of templates that it includes, imports or extends are not among them; see ``TemplateEnvironment/undeclaredVariables(of:)``.
    public var undeclaredVariables: Set<String> { storage.usage.undeclared }

    /// The templates that are named by a literal in `include`, `import`, `from` and `extends`.
    public var referencedTemplates: Set<String> { storage.usage.references }

    /// Whether an `include`, `import`, `from` or `extends` computes the name of its template.
    public var hasComputedReferences: Bool { storage.usage.hasComputedReferences }

    /// Renders the template; it cannot name others.
    /// - Parameter variables: what the template may use. Members of objects come in the order of their names.
    /// - Throws: ``TemplateError`` with the place where it went wrong.
    public func render(_ variables: [String: JSONValue] = [:]) throws(TemplateError) -> String {
        try render(variables) { (_) throws(TemplateLookupFailure) in nil }
    }

    func render(
        _ variables: [String: JSONValue], load: @escaping (String) throws(TemplateLookupFailure) -> Template?
    ) throws(TemplateError) -> String {
        try Interpreter(self, variables: variables, limits: storage.limits, options: storage.options, load: load).render()
    }

    var body: [Statement] { storage.body }
    var blocks: [String: Statement.Block] { storage.blocks }
    var usage: VariableUsage { storage.usage }
}
