import MillraceCore

extension Interpreter {
    func evaluate(_ expression: Expression) throws(TemplateError) -> Value {
        try enter(Weight.expression)
        try charge()
        here = expression.position
        let value = try operation(expression)
        leave(Weight.expression)
        return value
    }

    /// The cases' contents are taken out where they are needed, so that this frame, which is in every recursion, stays small.
    private func operation(_ expression: Expression) throws(TemplateError) -> Value {
        switch expression.operation {
        case .constant, .name: return try simple(expression)
        case .tuple, .list, .dictionary: return try collection(expression)
        case .attribute, .element, .slice: return try access(expression)
        case .call: return try call(expression)
        case .filter: return try filter(expression)
        case .test: return try test(expression)
        case .unary: return try unary(expression)
        case .arithmetic: return try arithmetic(expression)
        case .all, .any: return try firstDeciding(expression)
        case .concatenation: return try concatenation(expression)
        case .comparison: return try comparison(expression)
        case .conditional: return try conditional(expression)
        }
    }

    private func simple(_ expression: Expression) throws(TemplateError) -> Value {
        if case .constant(let constant) = expression.operation { return value(of: constant) }
        guard case .name(let name) = expression.operation else { return .none }
        return try variable(name)
    }

    private func collection(_ expression: Expression) throws(TemplateError) -> Value {
        switch expression.operation {
        case .tuple(let items): return try tuple(try evaluate(items))
        case .list(let items): return try list(try evaluate(items))
        case .dictionary(let pairs): return try dictionary(pairs)
        default: return .none
        }
    }

    private func access(_ expression: Expression) throws(TemplateError) -> Value {
        switch expression.operation {
        case .attribute(let operand, let name): return try attribute(operand, name, expression.position)
        case .element(let operand, let key): return try element(operand, key, expression.position)
        case .slice(let operand, let bounds): return try slice(operand, bounds, expression.position)
        default: return .none
        }
    }

    private func value(of constant: Expression.Constant) -> Value {
        switch constant {
        case .none: .none
        case .boolean(let value): .boolean(value)
        case .integer(let value): .integer(value)
        case .float(let value): .float(value)
        case .string(let text): .string(text)
        }
    }

    func evaluate(_ expressions: [Expression]) throws(TemplateError) -> [Value] {
        var values: [Value] = []
        values.reserveCapacity(expressions.count)
        for expression in expressions { values.append(try evaluate(expression)) }
        return values
    }

    private func dictionary(_ pairs: [Expression.Pair]) throws(TemplateError) -> Value {
        let position = here
        var members: [(key: Value, value: Value)] = []
        for pair in pairs {
            let key = try evaluate(pair.key)
            members.append((key, try evaluate(pair.value)))
        }
        here = position
        return try dictionary(members)
    }

    func variable(_ name: String) throws(TemplateError) -> Value {
        var next = scope
        while let scope = next {
            if let value = scope.variables[name] { return value }
            next = scope.outer
        }
        if name == "self" { return .object(.blocks) }
        if let value = context.variables[name] ?? context.outer[name] { return value }
        if let global = Value.Global(rawValue: name) { return .object(.global(global)) }
        return .undefined(Value.Missing("the variable '\(name)' is undefined\(suggestion(for: name))"))
    }

    private func suggestion(for name: String) -> String {
        // Only for the error's message, and there may be very many names.
        guard options.undefined == .strict, context.outer.count + context.variables.count <= 1000 else { return "" }
        return Suggestion.phrase(for: name, among: (Array(context.outer.keys) + Array(context.variables.keys)).sorted())
    }

    private func attribute(_ operand: Expression, _ name: String, _ position: Position) throws(TemplateError) -> Value {
        let value = try evaluate(operand)
        here = position
        return try attribute(name, of: value)
    }

    private func element(_ operand: Expression, _ key: Expression, _ position: Position) throws(TemplateError) -> Value {
        let value = try evaluate(operand)
        let key = try evaluate(key)
        here = position
        return try element(key, of: value)
    }

    private func slice(_ operand: Expression, _ bounds: Expression.Bounds, _ position: Position) throws(TemplateError) -> Value {
        let value = try evaluate(operand)
        let start = try bound(bounds.start)
        let end = try bound(bounds.end)
        let step = try bound(bounds.step)
        here = position
        return try slice(value, from: start, to: end, by: step)
    }

    private func bound(_ expression: Expression?) throws(TemplateError) -> Int? {
        guard let expression else { return nil }
        let value = try evaluate(expression)
        here = expression.position
        if value.isNone { return nil }
        guard let index = value.index else { throw fail("the bounds of a slice are integers, not \(value.kindName)") }
        return index
    }

    // MARK: Calls

    func evaluate(_ syntax: CallSyntax) throws(TemplateError) -> Arguments {
        var arguments = Arguments(positional: try evaluate(syntax.positional))
        for keyword in syntax.keywords { arguments.keywords.append(.init(name: keyword.name, value: try evaluate(keyword.value))) }
        if let more = syntax.more { arguments.positional += try items(of: try evaluate(more)) }
        if let moreKeywords = syntax.moreKeywords { try add(moreKeywords, to: &arguments) }
        return arguments
    }

    private func add(_ expression: Expression, to arguments: inout Arguments) throws(TemplateError) {
        guard case .dictionary(let members) = try evaluate(expression) else { throw fail("'**' needs a dictionary") }
        for (key, value) in zip(members.keys, members.values) {
            guard let name = key.string else { throw fail("the keys behind '**' are strings, not \(key.kindName)") }
            if arguments.keywords.contains(where: { PythonText.equal($0.name, name) }) { throw fail("'\(name)' is given twice") }
            try charge(arguments.keywords.count)
            arguments.keywords.append(.init(name: name, value: value))
        }
    }

    private func call(_ expression: Expression) throws(TemplateError) -> Value {
        guard case .call(let function, let syntax) = expression.operation else { return .none }
        let value = try evaluate(function)
        let arguments = try evaluate(syntax)
        here = expression.position
        return try call(value, arguments)
    }

    private func filter(_ expression: Expression) throws(TemplateError) -> Value {
        guard case .filter(let filter) = expression.operation else { return .none }
        return try evaluate(filter, captured: nil)
    }

    /// A filter applied; where it has no operand of its own, to what a block captured.
    func evaluate(_ call: FilterCall, captured: Value?) throws(TemplateError) -> Value {
        let operand: Value
        if let captured {
            if case .filter(let inner) = call.operand?.operation {
                operand = try evaluate(inner, captured: captured)
            } else {
                operand = captured
            }
        } else if let expression = call.operand {
            operand = try evaluate(expression)
        } else {
            operand = .string("")
        }
        let arguments = try evaluate(call.arguments)
        here = call.position
        return try apply(call.filter, operand, arguments)
    }

    private func test(_ expression: Expression) throws(TemplateError) -> Value {
        guard case .test(let operand, let test, let syntax) = expression.operation else { return .none }
        let value = try evaluate(operand)
        let arguments = try evaluate(syntax)
        here = expression.position
        return .boolean(try holds(test, value, arguments))
    }

    // MARK: Operators

    private func unary(_ expression: Expression) throws(TemplateError) -> Value {
        guard case .unary(let operation, let operand) = expression.operation else { return .none }
        let value = try evaluate(operand)
        here = expression.position
        switch operation {
        case .not: return .boolean(!(try truth(value)))
        case .plus: return try positive(value)
        case .minus: return try negative(value)
        }
    }

    private func arithmetic(_ expression: Expression) throws(TemplateError) -> Value {
        guard case .arithmetic(let first, let operands) = expression.operation else { return .none }
        var result = try evaluate(first)
        for operand in operands {
            let right = try evaluate(operand.operand)
            here = expression.position
            result = try binary(operand.operation, result, right)
        }
        return result
    }

    /// `and`, `or`: the first value that decides, or the last.
    private func firstDeciding(_ expression: Expression) throws(TemplateError) -> Value {
        let operands = expression.operands
        let deciding = if case .any = expression.operation { true } else { false }
        var result = Value.none
        for (place, operand) in operands.enumerated() {
            result = try evaluate(operand)
            if place == operands.count - 1 { break }
            here = operand.position
            if try truth(result) == deciding { break }
        }
        return result
    }

    private func concatenation(_ expression: Expression) throws(TemplateError) -> Value {
        guard case .concatenation(let operands, let escapes) = expression.operation else { return .none }
        let values = try evaluate(operands)
        here = expression.position
        // With escaping, one text that is escaped already has all others escaped, too.
        let isMarkup = escapes == true && values.contains(where: \.isMarkup)
        var result = ""
        for value in values {
            result += isMarkup ? try escaped(value) : try text(of: value)
            if result.utf8.count > limits.outputBytes { break }
        }
        return try text(result, isMarkup: isMarkup)
    }

    private func comparison(_ expression: Expression) throws(TemplateError) -> Value {
        guard case .comparison(let first, let comparands) = expression.operation else { return .none }
        var left = try evaluate(first)
        for comparand in comparands {
            let right = try evaluate(comparand.operand)
            here = expression.position
            if !(try compare(left, comparand.comparison, right)) { return .boolean(false) }
            left = right
        }
        return .boolean(true)
    }

    private func conditional(_ expression: Expression) throws(TemplateError) -> Value {
        guard case .conditional(let test, let then, let otherwise) = expression.operation else { return .none }
        let value = try evaluate(test)
        here = expression.position
        if try truth(value) { return try evaluate(then) }
        if let otherwise { return try evaluate(otherwise) }
        return .undefined(Value.Missing("the inline 'if' is false and has no 'else'", isLenient: true))
    }
}
