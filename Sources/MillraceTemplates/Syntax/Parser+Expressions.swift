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

    mutating func primary() throws(TemplateError) -> Expression {
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
}
