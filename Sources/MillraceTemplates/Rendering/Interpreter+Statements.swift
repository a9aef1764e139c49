import MillraceCore

extension Interpreter {
    func execute(_ statements: [Statement]) throws(TemplateError) {
        try enter(Weight.body)
        for statement in statements { try execute(statement) }
        leave(Weight.body)
    }

    private func execute(_ statement: Statement) throws(TemplateError) {
        here = statement.position
        try charge()
        switch statement.operation {
        case .text(let text): try print(text)
        case .output(let values, let escapes): try printValues(values, escapes)
        case .condition(let branches, let otherwise): try condition(branches, otherwise)
        case .loop(let loop): try run(loop)
        case .assignment(let assignment): try assign(assignment)
        case .capture(let target, let filter, let body, let escapes): try capture(target, filter, body, escapes, statement.position)
        case .include(let reference): try include(reference, statement.position)
        case .importModule(let reference): try importModule(reference, statement.position)
        case .importNames(let reference): try importNames(reference, statement.position)
        case .extends(let name): try extend(name, statement.position)
        case .block(let block): try run(block, statement.position)
        case .macro(let macro): define(macro)
        case .call(let macro, let call): try run(call, with: macro)
        case .filter(let filter, let body, let escapes): try run(filter, over: body, escapes)
        case .with(let assignments, let body): try with(assignments, body)
        case .autoescape(let value, let body): try autoescape(value, body)
        }
    }

    private func printValues(_ values: [Expression], _ escapes: Bool?) throws(TemplateError) {
        for expression in values {
            // Behind `extends` nothing is printed, and Jinja2 does not look at it.
            if isSuppressed { return }
            let value = try evaluate(expression)
            here = expression.position
            try print(try printed(value, escapes: escapes ?? context.escapes))
        }
    }

    /// The text of a value as it is printed.
    func printed(_ value: Value, escapes: Bool) throws(TemplateError) -> String {
        if escapes { return try escaped(value) }
        return try text(of: value)
    }

    private func condition(_ branches: [Statement.Branch], _ otherwise: [Statement]) throws(TemplateError) {
        for branch in branches where try isTrue(branch.test) { return try execute(branch.body) }
        try execute(otherwise)
    }

    private func isTrue(_ test: Expression) throws(TemplateError) -> Bool {
        let value = try evaluate(test)
        here = test.position
        return try truth(value)
    }

    // MARK: Variables

    func set(_ name: String, _ value: Value) {
        if let scope {
            scope.variables[name] = value
        } else {
            context.variables[name] = value
            if !name.hasPrefix("_") { context.exported.insert(name) }
        }
    }

    private func assign(_ assignment: Statement.Assignment) throws(TemplateError) {
        let position = here
        let value = try evaluate(assignment.value)
        here = position
        try assign(assignment.target, value)
    }

    func assign(_ target: Statement.Target, _ value: Value) throws(TemplateError) {
        switch target {
        case .name(let name): set(name, value)
        case .attribute(let name, let attribute):
            guard case .object(.namespace(let number)) = try variable(name) else {
                throw fail("'\(name)' is no namespace: only namespace() has attributes that can be set")
            }
            namespaces[number][attribute] = value
        case .tuple(let targets):
            let items = try items(of: value)
            guard items.count == targets.count else {
                throw fail("\(targets.count) variables cannot be set to \(items.count) values")
            }
            for (target, item) in zip(targets, items) { try assign(target, item) }
        }
    }

    private func capture(
        _ target: Statement.Target, _ filter: FilterCall?, _ body: [Statement], _ escapes: Bool?, _ position: Position
    ) throws(TemplateError) {
        let outer = scope
        scope = Scope(in: outer)
        let text = try captured { () throws(TemplateError) in try execute(body) }
        var value: Value = escapes ?? context.escapes ? .markup(text) : .string(text)
        if let filter { value = try evaluate(filter, captured: value) }
        here = position
        // Python's Markup() makes a text of any value.
        if context.escapes {
            value = value.isMarkup ? value : .markup(try self.text(of: value))
        } else if filter == nil {
            value = .string(text)
        }
        scope = outer
        try assign(target, value)
    }

    private func with(_ assignments: [Statement.Assignment], _ body: [Statement]) throws(TemplateError) {
        let outer = scope
        let inner = Scope(in: outer)
        for assignment in assignments {
            let position = here
            let value = try evaluate(assignment.value)
            here = position
            scope = inner
            try assign(assignment.target, value)
            scope = outer
        }
        scope = inner
        try execute(body)
        scope = outer
    }

    private func autoescape(_ value: Expression, _ body: [Statement]) throws(TemplateError) {
        let escapes = try isTrue(value)
        let (outer, outerEscapes) = (scope, context.escapes)
        scope = Scope(in: outer)
        context.escapes = escapes
        try execute(body)
        context.escapes = outerEscapes
        scope = outer
    }

    private func run(_ filter: FilterCall, over body: [Statement], _ escapes: Bool?) throws(TemplateError) {
        let outer = scope
        scope = Scope(in: outer)
        let text = try captured { () throws(TemplateError) in try execute(body) }
        let value = try evaluate(filter, captured: escapes ?? context.escapes ? .markup(text) : .string(text))
        scope = outer
        guard let result = value.string else { throw fail("a filter block needs a filter that gives text, not \(value.kindName)") }
        try print(result)
    }

    // MARK: Loops

    private func run(_ loop: Statement.Loop) throws(TemplateError) {
        let position = loop.sequence.position
        let sequence = try evaluate(loop.sequence)
        here = position
        try run(loop, over: try items(of: sequence), depth: 0)
    }

    private func run(_ loop: Statement.Loop, over items: [Value], depth: Int) throws(TemplateError) {
        let outer = scope
        let state = LoopState(loop, over: items, depth: depth, template: template, context: context, scope: outer)
        let number = nextLoop
        if loop.usesLoop {
            nextLoop += 1
            loops[number] = state
        }
        while let item = try advance(state) {
            let inner = Scope(in: outer)
            if loop.usesLoop { inner.variables["loop"] = .object(.loop(number)) }
            scope = inner
            here = loop.sequence.position
            try assign(loop.target, item)
            try execute(loop.body)
        }
        if state.index0 < 0, !loop.otherwise.isEmpty {
            scope = Scope(in: outer)
            try execute(loop.otherwise)
        }
        scope = outer
        if loop.usesLoop { loops[number] = nil }
    }

    private func advance(_ state: LoopState) throws(TemplateError) -> Value? {
        try state.advance { (item) throws(TemplateError) in try passes(item, state) }
    }

    /// Whether a loop takes an element.
    func passes(_ item: Value, _ state: LoopState) throws(TemplateError) -> Bool {
        try charge()
        guard let test = state.loop.test else { return true }
        let outer = scope
        scope = Scope(in: state.scope)
        here = state.loop.sequence.position
        try assign(state.loop.target, item)
        let passes = try isTrue(test)
        scope = outer
        return passes
    }

    /// What the body of a recursive loop prints for other elements.
    func recurse(_ state: LoopState, _ elements: Value) throws(TemplateError) -> Value {
        if !state.loop.isRecursive { throw fail("a loop can be called only if it is 'recursive': {% for … recursive %}") }
        let items = try items(of: elements)
        let (outer, outerTemplate, outerContext) = (scope, template, context)
        (scope, template, context) = (state.scope, state.template, state.context)
        let text = try captured { () throws(TemplateError) in try run(state.loop, over: items, depth: state.depth + 1) }
        (scope, template, context) = (outer, outerTemplate, outerContext)
        return state.loop.escapes ?? context.escapes ? .markup(text) : .string(text)
    }

    // MARK: Macros

    private func define(_ macro: Statement.Macro) {
        macros.append(MacroInstance(macro: macro, template: template, context: context, scope: scope))
        set(macro.name, .object(.macro(macros.count - 1)))
    }

    private func run(_ call: Expression, with macro: Statement.Macro) throws(TemplateError) {
        try charge(8)
        macros.append(MacroInstance(macro: macro, template: template, context: context, scope: scope))
        let caller = Value.object(.macro(macros.count - 1))
        guard case .call(let function, let arguments) = call.operation else { return }
        let value = try evaluate(function)
        var given = try evaluate(arguments)
        if given.keywords.contains(where: { $0.name == "caller" }) { throw fail("'caller' is given twice") }
        given.keywords.append(.init(name: "caller", value: caller))
        here = call.position
        let result = try self.call(value, given)
        here = call.position
        if isSuppressed { return }
        // As Jinja2: what the macro gives is printed as it is.
        guard let text = result.string else { throw fail("a call block needs a macro that gives text, not \(result.kindName)") }
        try print(text)
    }
}
