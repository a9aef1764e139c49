public import MillraceCore
import Synchronization

/// Templates that name each other: a loader, and what has been read from it.
///
/// Each template is read once, so that all renderings of one environment see the same text. Make a new environment to see changes; those
/// that still render keep theirs.
public final class TemplateEnvironment: Sendable {
    /// How templates are read and rendered.
    public let options: TemplateOptions
    /// The bounds of reading and rendering.
    public let limits: TemplateLimits
    private let loader: any TemplateLoader
    private let templates = Mutex<[String: Template]>([:])

    /// An environment over a loader.
    public init(loader: any TemplateLoader, options: TemplateOptions = .init(), limits: TemplateLimits = .init()) {
        self.loader = loader
        self.options = options
        self.limits = limits
    }

    /// The template of a name.
    /// - Throws: ``TemplateError``: ``TemplateError/Kind/notFound`` where there is none or the name is not allowed, or what is wrong in it.
    public func template(_ name: String) throws(TemplateError) -> Template {
        do throws(TemplateLookupFailure) {
            if let template = try lookUp(name) { return template }
        } catch {
            switch error {
            case .template(let error): throw error
            case .refused(let message): throw TemplateError(.notFound, message, template: name, line: 1, column: 1)
            }
        }
        throw TemplateError(.notFound, "there is no template '\(name)'", template: name, line: 1, column: 1)
    }

    /// Renders a template.
    /// - Parameters:
    ///   - name: the template's name.
    ///   - variables: what templates may use. Members of objects come in the order of their names.
    /// - Throws: ``TemplateError`` with the place where it went wrong, in this template or one that it uses.
    public func render(_ name: String, _ variables: [String: JSONValue] = [:]) throws(TemplateError) -> String {
        try template(name).render(variables) { (name) throws(TemplateLookupFailure) in try self.lookUp(name) }
    }

    /// The variables that a template and those that it includes, imports and extends may read without having set them.
    ///
    /// References whose names are computed are not followed (``Template/hasComputedReferences``); missing ones are left out.
    /// - Throws: ``TemplateError`` of a template that cannot be read.
    public func undeclaredVariables(of name: String) throws(TemplateError) -> Set<String> {
        var undeclared: Set<String> = []
        var seen: Set<String> = [name]
        var waiting = [try template(name)]
        while let template = waiting.popLast() {
            undeclared.formUnion(template.undeclaredVariables)
            for reference in template.referencedTemplates.sorted() where seen.insert(reference).inserted {
                do throws(TemplateError) { waiting.append(try self.template(reference)) } catch {
                    if error.kind != .notFound { throw error }
                }
            }
        }
        return undeclared
    }

    private func lookUp(_ name: String) throws(TemplateLookupFailure) -> Template? {
        if let problem = TemplateName.problem(name) { throw .refused(problem) }
        if let template = templates.withLock({ $0[name] }) { return template }
        let source: String?
        do { source = try loader.source(of: name) } catch { throw .refused("the template '\(name)' cannot be read: \(error)") }
        guard let source else { return nil }
        do throws(TemplateError) {
            let template = try Template(source, name: name, options: options, limits: limits)
            // Another thread may have been faster: all get the first.
            return templates.withLock { templates in
                if let first = templates[name] { return first }
                templates[name] = template
                return template
            }
        } catch { throw .template(error) }
    }
}
