/// The variables and blocks of one template with those that it extends.
final class Context {
    struct BlockInstance {
        let template: Template
        let block: Statement.Block
    }

    /// What was there before the template: what the caller gave, or what was visible where it was included.
    var outer: [String: Value] = [:]
    /// What the template has set at its top.
    var variables: [String: Value] = [:]
    /// The names of `variables` that an import gives.
    var exported: Set<String> = []
    /// Blocks by name, those of the template that extends first.
    var blocks: [String: [BlockInstance]] = [:]
    /// The template that the one that is being rendered extends.
    var parent: Template?
    /// Whether text is escaped, for filters and the results of macros.
    var escapes: Bool

    init(_ template: Template, escapes: Bool) {
        self.escapes = escapes
        add(template)
    }

    func add(_ template: Template) {
        for (name, block) in template.blocks { blocks[name, default: []].append(BlockInstance(template: template, block: block)) }
    }
}

/// The variables of a loop's turn, a macro, a block or another scope.
final class Scope {
    var variables: [String: Value] = [:]
    let outer: Scope?

    init(in outer: Scope?) { self.outer = outer }
}

/// A macro with where it was defined.
struct MacroInstance {
    let macro: Statement.Macro
    let template: Template
    let context: Context
    let scope: Scope?
}

/// Why a template that is named cannot be had.
enum TemplateLookupFailure: Error {
    /// It is there and wrong.
    case template(TemplateError)
    /// Its name is not allowed, or the loader failed.
    case refused(String)
}
