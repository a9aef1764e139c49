import MillraceCore

/// Blocks, and other templates.
extension Interpreter {
    /// Renders a template and, where it extends others, what they make of its blocks.
    func renderRoot(_ root: Template) throws(TemplateError) {
        try enter(Weight.template)
        let (outerScope, outerTemplate, wasSuppressed) = (scope, template, isSuppressed)
        var next: Template? = root
        var names: [String] = []
        while let current = next {
            if names.contains(current.name) {
                throw fail("the template extends itself: \((names + [current.name]).joined(separator: " → "))")
            }
            names.append(current.name)
            (scope, template, isSuppressed) = (nil, current, names.count == 1 ? wasSuppressed : false)
            let outer = context.parent
            context.parent = nil
            try execute(current.body)
            next = context.parent
            context.parent = outer
        }
        (scope, template, isSuppressed) = (outerScope, outerTemplate, wasSuppressed)
        leave(Weight.template)
    }

    func extend(_ name: Expression, _ position: Position) throws(TemplateError) {
        let value = try evaluate(name)
        here = position
        if context.parent != nil { throw fail("a template can extend only one other") }
        let parent = try template(named: value)
        context.add(parent)
        context.parent = parent
        isSuppressed = true
    }

    // MARK: Blocks

    func run(_ block: Statement.Block, _ position: Position) throws(TemplateError) {
        if isSuppressed { return }
        guard let instances = context.blocks[block.name] else { return }
        if block.isRequired, instances.count <= 1 {
            throw fail("the required block '\(block.name)' is not filled by a template that extends")
        }
        let outer = context
        if block.isScoped {
            let derived = Context(template, escapes: outer.escapes)
            derived.outer = try visible()
            derived.blocks = outer.blocks
            context = derived
        }
        try runBlock(block.name, 0)
        outer.escapes = context.escapes
        context = outer
        here = position
    }

    /// Runs one of the blocks of a name: 0 is that of the template that extends all others.
    func runBlock(_ name: String, _ index: Int) throws(TemplateError) {
        guard let instances = context.blocks[name], index < instances.count else { return }
        let (outerScope, outerTemplate) = (scope, template)
        let inner = Scope(in: nil)
        inner.variables["super"] =
            index + 1 < instances.count
            ? .object(.block(name, index: index + 1)) : .undefined(Value.Missing("there is no parent block called '\(name)'"))
        (scope, template) = (inner, instances[index].template)
        try execute(instances[index].block.body)
        (scope, template) = (outerScope, outerTemplate)
    }

    // MARK: Other templates

    /// All that is visible here, for a template that is included with context.
    private func visible() throws(TemplateError) -> [String: Value] {
        var variables = context.outer
        variables.merge(context.variables) { _, inner in inner }
        var scopes: [Scope] = []
        var next = scope
        while let scope = next {
            scopes.append(scope)
            next = scope.outer
        }
        for scope in scopes.reversed() { variables.merge(scope.variables) { _, inner in inner } }
        try charge(variables.count / 4)
        return variables
    }

    /// The template of a name, or the first that exists of a list of names.
    private func template(named value: Value) throws(TemplateError) -> Template {
        guard let template = try templateIfPresent(value) else {
            let names = try names(value).map { "'\($0)'" }.joined(separator: ", ")
            throw fail(names.isEmpty ? "no template is named" : "there is no template \(names)", .notFound)
        }
        return template
    }

    private func names(_ value: Value) throws(TemplateError) -> [String] {
        if let name = value.string { return [name] }
        if case .undefined(let missing) = value { throw fail(missing) }
        var names: [String] = []
        for item in try items(of: value) {
            guard let name = item.string else { throw fail("a template's name is a string, not \(item.kindName)") }
            names.append(name)
        }
        return names
    }

    private func templateIfPresent(_ value: Value) throws(TemplateError) -> Template? {
        for name in try names(value) {
            do throws(TemplateLookupFailure) {
                if let template = try load(name) { return template }
            } catch {
                switch error {
                case .template(let error): throw error
                case .refused(let message): throw fail(message, .notFound)
                }
            }
        }
        return nil
    }

    /// Renders `other` in a context of its own.
    private func inContext(_ inner: Context, _ body: () throws(TemplateError) -> Void) throws(TemplateError) -> Context {
        let outer = context
        context = inner
        try body()
        context = outer
        return inner
    }

    func include(_ reference: Statement.Reference, _ position: Position) throws(TemplateError) {
        let value = try evaluate(reference.template)
        here = position
        let other: Template
        if reference.ignoresMissing {
            guard let found = try templateIfPresent(value) else { return }
            other = found
        } else {
            other = try template(named: value)
        }
        if isSuppressed { return }
        let inner = Context(other, escapes: options.escapes(other.name))
        if reference.withContext {
            inner.outer = try visible()
            _ = try inContext(inner) { () throws(TemplateError) in try renderRoot(other) }
        } else if let text = sharedOutput[other.name] {
            try print(text)
        } else {
            let text = try captured { () throws(TemplateError) in
                _ = try inContext(inner) { () throws(TemplateError) in try renderRoot(other) }
            }
            sharedOutput[other.name] = text
            try print(text)
        }
    }

    /// The number of the module that a template's top makes.
    private func module(_ reference: Statement.Reference, _ position: Position) throws(TemplateError) -> (number: Int, name: String) {
        let value = try evaluate(reference.template)
        here = position
        let other = try template(named: value)
        if !reference.withContext, let number = sharedModules[other.name] { return (number, other.name) }
        let inner = Context(other, escapes: options.escapes(other.name))
        if reference.withContext { inner.outer = try visible() }
        _ = try captured { () throws(TemplateError) in
            _ = try inContext(inner) { () throws(TemplateError) in try renderRoot(other) }
        }
        modules.append(inner.variables.filter { inner.exported.contains($0.key) })
        try charge(1 + inner.variables.count)
        if !reference.withContext { sharedModules[other.name] = modules.count - 1 }
        here = position
        return (modules.count - 1, other.name)
    }

    func importModule(_ reference: Statement.Reference, _ position: Position) throws(TemplateError) {
        guard let name = reference.module else { return }
        set(name, .object(.module(try module(reference, position).number)))
        if scope == nil { context.exported.remove(name) }
    }

    func importNames(_ reference: Statement.Reference, _ position: Position) throws(TemplateError) {
        let (number, template) = try module(reference, position)
        for name in reference.names {
            let missing = Value.Missing("the template '\(template)' has nothing called '\(name.exported)' that could be imported")
            set(name.local, modules[number][name.exported] ?? .undefined(missing))
            if scope == nil { context.exported.remove(name.local) }
        }
    }
}
