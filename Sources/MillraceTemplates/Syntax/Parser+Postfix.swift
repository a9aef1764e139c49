import MillraceCore

/// What follows an operand: attributes, elements, calls, filters and tests.
extension Parser {
    mutating func postfix(_ operand: Expression) throws(TemplateError) -> Expression {
        var value = operand
        while true {
            if at(".") {
                value = try attribute(of: value)
            } else if at("[") {
                value = try element(of: value)
            } else if at("(") {
                value = try call(value)
            } else {
                return value
            }
        }
    }

    mutating func filters(_ operand: Expression) throws(TemplateError) -> Expression {
        var value = operand
        while true {
            if at("|") {
                value = try filtered(value)
            } else if at(word: "is") {
                value = try test(value)
            } else if at("(") {
                value = try call(value)
            } else {
                return value
            }
        }
    }

    private mutating func filtered(_ operand: Expression) throws(TemplateError) -> Expression {
        let filter = try filter(over: operand)
        return try node(.filter(filter), at: filter.position, over: [operand] + filter.arguments.expressions)
    }

    private mutating func attribute(of operand: Expression) throws(TemplateError) -> Expression {
        let position = here
        advance()
        let token = current
        switch token.kind {
        case .name(let name):
            advance()
            return try node(.attribute(operand, name), at: position, over: [operand])
        case .integer(let index):
            advance()
            let element = try node(.constant(.integer(index)), at: token.position)
            return try node(.element(operand, element), at: position, over: [operand])
        default: throw problem("an attribute's name or an element's number is expected, not \(token.words)")
        }
    }

    private mutating func element(of operand: Expression) throws(TemplateError) -> Expression {
        let position = here
        advance()
        if at("]") { throw problem("an element's key or number is expected, not \(current.words)") }
        let first = at(":") ? nil : try expression()
        if let first, skip("]") { return try node(.element(operand, first), at: position, over: [operand, first]) }
        if let first, at(",") { return try tupleElement(of: operand, first, at: position) }
        return try slice(of: operand, from: first, at: position)
    }

    private mutating func slice(of operand: Expression, from start: Expression?, at position: Position) throws(TemplateError) -> Expression
    {
        try expect(":")
        let end = isSliceEnd ? nil : try expression()
        let step = skip(":") && !isSliceEnd ? try expression() : nil
        if at(",") { throw problem("several slices are not supported") }
        try expect("]")
        let operation = Expression.Operation.slice(operand, .init(start: start, end: end, step: step))
        return try node(operation, at: position, over: [operand] + [start, end, step].compactMap { $0 })
    }

    private var isSliceEnd: Bool { at(any: ":", "]", ",") }

    /// `value[a, b]`: the element whose key is a tuple.
    private mutating func tupleElement(
        of operand: Expression, _ first: Expression, at position: Position
    ) throws(TemplateError) -> Expression {
        var keys = [first]
        while skip(",") {
            if at("]") { break }
            keys.append(try expression())
        }
        try expect("]")
        let key = try node(.tuple(keys), at: first.position, over: keys)
        return try node(.element(operand, key), at: position, over: [operand, key])
    }

    private mutating func call(_ function: Expression) throws(TemplateError) -> Expression {
        let position = here
        let arguments = try arguments()
        return try node(.call(function, arguments), at: position, over: [function] + arguments.expressions)
    }

    private mutating func arguments() throws(TemplateError) -> CallSyntax {
        try expect("(")
        var arguments = GivenArguments()
        while !skip(")") {
            if !arguments.isEmpty {
                try expect(",")
                if skip(")") { break }
            }
            try checkArgument(arguments)
            if skip("*") {
                arguments.more = try expression()
            } else if skip("**") {
                arguments.moreKeywords = try expression()
            } else if let name = keyword() {
                arguments.keywords.append(.init(name: name, value: try expression()))
            } else {
                arguments.positional.append(try expression())
            }
        }
        return arguments.syntax
    }

    private struct GivenArguments {
        var positional: [Expression] = []
        var keywords: [CallSyntax.Keyword] = []
        var more: Expression?
        var moreKeywords: Expression?

        var isEmpty: Bool { positional.isEmpty && keywords.isEmpty && more == nil && moreKeywords == nil }
        var syntax: CallSyntax { CallSyntax(positional: positional, keywords: keywords, more: more, moreKeywords: moreKeywords) }
    }

    /// The next argument's name, where it has one.
    private var nextKeyword: String? {
        if case .name(let name) = current.kind, following.kind == .sign("=") { name } else { nil }
    }

    private mutating func keyword() -> String? {
        guard let name = nextKeyword else { return nil }
        advance()
        advance()
        return name
    }

    private func checkArgument(_ given: GivenArguments) throws(TemplateError) {
        if given.moreKeywords != nil { throw problem("nothing may follow '**'") }
        if at("*"), given.more != nil { throw problem("'*' may stand once only") }
        if at("*") || at("**") { return }
        if let name = nextKeyword {
            if given.keywords.contains(where: { $0.name == name }) { throw problem("'\(name)' is given twice") }
        } else if given.more != nil || !given.keywords.isEmpty {
            throw problem("an argument without a name comes before those with names and '*'")
        }
    }

    /// A filter and its arguments; at `|`, or at the name where a block begins with it.
    mutating func filter(over operand: Expression?) throws(TemplateError) -> FilterCall {
        if operand != nil || at("|") { try expect("|") }
        let position = here
        let filter = try filterName()
        let arguments = at("(") ? try arguments() : .none
        return FilterCall(operand: operand, filter: filter, arguments: arguments, position: position)
    }

    private mutating func filterName() throws(TemplateError) -> FilterName {
        let position = here
        let name = try name("a filter's name")
        guard let filter = FilterName(name) else { throw problem(FilterName.unknown(name), at: position) }
        return filter
    }

    private mutating func testName() throws(TemplateError) -> TestName {
        let position = here
        let name = try name("a test's name")
        guard let test = TestName(name) else { throw problem(TestName.unknown(name), at: position) }
        return test
    }

    private mutating func test(_ operand: Expression) throws(TemplateError) -> Expression {
        let position = here
        advance()
        let negated = skip(word: "not")
        let test = try testName()
        let arguments = at("(") ? try arguments() : try bareArgument()
        let value = try node(.test(operand, test, arguments), at: position, over: [operand] + arguments.expressions)
        return negated ? try node(.unary(.not, value), at: position, over: [value]) : value
    }

    /// A test's argument without brackets: `is divisibleby 3`.
    private mutating func bareArgument() throws(TemplateError) -> CallSyntax {
        if at(word: "is") { throw problem("tests cannot be chained by 'is': use 'and'") }
        guard hasBareArgument else { return .none }
        try enter()
        let argument = try postfix(try primary())
        leave()
        return CallSyntax(positional: [argument])
    }

    private var hasBareArgument: Bool {
        switch current.kind {
        case .name(let name): !["else", "or", "and", "if", "in", "not"].contains(name)
        case .string, .integer, .float: true
        default: at(any: "[", "{")
        }
    }
}
