import MillraceCore

extension Parser {
    /// Words that are operators and no names of variables.
    private static let reserved: Set<String> = ["and", "or", "not", "if", "else", "in", "is"]

    /// One expression, or several as a tuple.
    mutating func expressions(conditional: Bool = true) throws(TemplateError) -> Expression {
        let start = here
        let first = try expression(conditional: conditional)
        return at(",") ? try tuple(from: first, at: start, conditional: conditional) : first
    }

    private mutating func tuple(from first: Expression, at start: Position, conditional: Bool) throws(TemplateError) -> Expression {
        var items = [first]
        while skip(",") {
            if isTupleEnd { break }
            items.append(try expression(conditional: conditional))
        }
        return try node(.tuple(items), at: start, over: items)
    }

    private var isTupleEnd: Bool {
        switch current.kind {
        case .variableEnd, .blockEnd, .sign(")"), .end: true
        default: false
        }
    }

    /// An expression; with `conditional` also `A if B else C`.
    mutating func expression(conditional: Bool = true) throws(TemplateError) -> Expression {
        try enter()
        defer { leave() }
        let value = try binary(0)
        return conditional && at(word: "if") ? try conditionals(value) : value
    }

    private mutating func conditionals(_ first: Expression) throws(TemplateError) -> Expression {
        var value = first
        while at(word: "if") {
            let position = here
            advance()
            let test = try binary(0)
            let otherwise = skip(word: "else") ? try expression() : nil
            value = try node(
                .conditional(test, then: value, otherwise: otherwise), at: position, over: [value, test] + (otherwise.map { [$0] } ?? []))
        }
        return value
    }

    // MARK: Operators

    private enum Operator {
        case or, and
        case comparison(Expression.Comparison, words: Int)
        case arithmetic(Expression.Binary)
        case concatenation

        var precedence: Int {
            switch self {
            case .or: 1
            case .and: 2
            case .comparison: 4
            case .arithmetic(.add), .arithmetic(.subtract): 5
            case .concatenation: 6
            case .arithmetic(.power): 8
            case .arithmetic: 7
            }
        }
    }

    private static let notPrecedence = 3

    private var nextOperator: Operator? {
        switch current.kind {
        case .name("or"): return .or
        case .name("and"): return .and
        case .name("in"): return .comparison(.in, words: 1)
        case .name("not"): return following.kind == .name("in") ? .comparison(.notIn, words: 2) : nil
        case .sign("~"): return .concatenation
        case .sign(let sign):
            if let binary = Expression.Binary(rawValue: sign) { return .arithmetic(binary) }
            return Expression.Comparison(rawValue: sign).map { .comparison($0, words: 1) }
        default: return nil
        }
    }

    /// Operators that bind at least as tightly as `precedence`; those of one precedence from left to right.
    private mutating func binary(_ precedence: Int) throws(TemplateError) -> Expression {
        var left = try precedence <= Self.notPrecedence && at(word: "not") ? negation() : unary()
        while hasOperator(precedence) { left = try chain(left) }
        return left
    }

    private func hasOperator(_ precedence: Int) -> Bool { (nextOperator?.precedence ?? -1) >= precedence }

    private mutating func negation() throws(TemplateError) -> Expression {
        let position = here
        advance()
        try enter()
        let operand = try binary(Self.notPrecedence)
        leave()
        return try node(.unary(.not, operand), at: position, over: [operand])
    }

    /// What follows `left` by operators of one precedence.
    private mutating func chain(_ left: Expression) throws(TemplateError) -> Expression {
        let position = here
        guard let first = nextOperator else { return left }
        try enter()
        defer { leave() }
        var operators: [Operator] = []
        var operands: [Expression] = []
        while let next = takeOperator(first.precedence) {
            operators.append(next)
            operands.append(try binary(first.precedence + 1))
        }
        return try node(chained(left, operators, operands), at: position, over: [left] + operands)
    }

    private mutating func takeOperator(_ precedence: Int) -> Operator? {
        guard let next = nextOperator, next.precedence == precedence else { return nil }
        advance()
        if case .comparison(_, words: 2) = next { advance() }
        return next
    }

    private func chained(_ left: Expression, _ operators: [Operator], _ operands: [Expression]) -> Expression.Operation {
        var arithmetic: [Expression.Operand] = []
        var comparands: [Expression.Comparand] = []
        for (next, operand) in zip(operators, operands) {
            switch next {
            case .arithmetic(let operation): arithmetic.append(.init(operation: operation, operand: operand))
            case .comparison(let comparison, _): comparands.append(.init(comparison: comparison, operand: operand))
            case .or, .and, .concatenation: break
            }
        }
        switch operators.first {
        case .or: return .any([left] + operands)
        case .and: return .all([left] + operands)
        case .comparison: return .comparison(left, comparands)
        case .concatenation: return .concatenation([left] + operands, escapes: escapes)
        case .arithmetic, nil: return .arithmetic(left, arithmetic)
        }
    }

    private mutating func unary(filtered: Bool = true) throws(TemplateError) -> Expression {
        let first = try at("-") || at("+") ? signed() : primary()
        let value = try postfix(first)
        return filtered ? try filters(value) : value
    }

    private mutating func signed() throws(TemplateError) -> Expression {
        let position = here
        let operation: Expression.Unary = at("-") ? .minus : .plus
        advance()
        try enter()
        let operand = try unary(filtered: false)
        leave()
        return try node(.unary(operation, operand), at: position, over: [operand])
    }

    // MARK: Operands

    private mutating func primary() throws(TemplateError) -> Expression {
        if at("(") { return try parenthesized() }
        if at("[") { return try list() }
        if at("{") { return try dictionary() }
        let position = here
        return try node(try simple(), at: position)
    }

    private mutating func parenthesized() throws(TemplateError) -> Expression {
        let position = here
        advance()
        if skip(")") { return try node(.tuple([]), at: position) }
        let value = try expressions()
        try expect(")")
        return value
    }

    /// A name or a literal.
    private mutating func simple() throws(TemplateError) -> Expression.Operation {
        let token = current
        switch token.kind {
        case .name(let name):
            if Self.reserved.contains(name) { throw problem("an expression is expected, not \(token.words)") }
            advance()
            switch name {
            case "true", "True": return .constant(.boolean(true))
            case "false", "False": return .constant(.boolean(false))
            case "none", "None": return .constant(.none)
            default:
                used(name)
                return .name(name)
            }
        case .string(var text):
            advance()
            // Strings side by side are one, as in Python.
            while case .string(let more) = current.kind {
                text += more
                advance()
            }
            return .constant(.string(text))
        case .integer(let value):
            advance()
            return .constant(.integer(value))
        case .float(let value):
            advance()
            return .constant(.float(value))
        default: throw problem("an expression is expected, not \(token.words)")
        }
    }

    private mutating func list() throws(TemplateError) -> Expression {
        let position = here
        advance()
        var items: [Expression] = []
        while !skip("]") {
            if !items.isEmpty {
                try expect(",")
                if skip("]") { break }
            }
            items.append(try expression())
        }
        return try node(.list(items), at: position, over: items)
    }

    private mutating func dictionary() throws(TemplateError) -> Expression {
        let position = here
        advance()
        var pairs: [Expression.Pair] = []
        while !skip("}") {
            if !pairs.isEmpty {
                try expect(",")
                if skip("}") { break }
            }
            let key = try expression()
            try expect(":")
            pairs.append(.init(key: key, value: try expression()))
        }
        return try node(.dictionary(pairs), at: position, over: pairs.flatMap { [$0.key, $0.value] })
    }

    // MARK: What follows an operand

    private mutating func postfix(_ operand: Expression) throws(TemplateError) -> Expression {
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

    private mutating func filters(_ operand: Expression) throws(TemplateError) -> Expression {
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
