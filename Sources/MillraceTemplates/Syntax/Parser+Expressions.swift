import MillraceCore

extension Parser {
    /// Words that are operators and no names of variables.
    private static let reserved: Set<String> = ["and", "or", "not", "if", "else", "in", "is"]

    /// One expression, or several as a tuple.
    mutating func expressions(conditional: Bool = true) throws(TemplateError) -> Expression {
        let start = current.position
        let first = try expression(conditional: conditional)
        guard current.kind == .sign(",") else { return first }
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
        var value = try binary(0)
        while conditional, current.kind == .name("if") {
            let position = current.position
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
        var left: Expression
        if precedence <= Self.notPrecedence, current.kind == .name("not") {
            let position = current.position
            advance()
            try enter()
            defer { leave() }
            let operand = try binary(Self.notPrecedence)
            left = try node(.unary(.not, operand), at: position, over: [operand])
        } else {
            left = try unary()
        }
        while let next = nextOperator, next.precedence >= precedence { left = try chain(left, next) }
        return left
    }

    /// What follows `left` by operators of one precedence.
    private mutating func chain(_ left: Expression, _ first: Operator) throws(TemplateError) -> Expression {
        let position = current.position
        let precedence = first.precedence
        var operands: [Expression] = []
        var arithmetic: [Expression.Operand] = []
        var comparands: [Expression.Comparand] = []
        while let next = nextOperator, next.precedence == precedence {
            advance()
            if case .comparison(_, words: 2) = next { advance() }
            let operand = try binary(precedence + 1)
            operands.append(operand)
            switch next {
            case .arithmetic(let operation): arithmetic.append(.init(operation: operation, operand: operand))
            case .comparison(let comparison, _): comparands.append(.init(comparison: comparison, operand: operand))
            case .or, .and, .concatenation: break
            }
        }
        let operation: Expression.Operation =
            switch first {
            case .or: .any([left] + operands)
            case .and: .all([left] + operands)
            case .comparison: .comparison(left, comparands)
            case .arithmetic: .arithmetic(left, arithmetic)
            case .concatenation: .concatenation([left] + operands, escapes: escapes)
            }
        return try node(operation, at: position, over: [left] + operands)
    }

    private mutating func unary(filtered: Bool = true) throws(TemplateError) -> Expression {
        let position = current.position
        var value: Expression
        if current.kind == .sign("-") || current.kind == .sign("+") {
            let operation: Expression.Unary = current.kind == .sign("-") ? .minus : .plus
            advance()
            try enter()
            defer { leave() }
            let operand = try unary(filtered: false)
            value = try node(.unary(operation, operand), at: position, over: [operand])
        } else {
            value = try primary()
        }
        value = try postfix(value)
        return filtered ? try filters(value) : value
    }

    // MARK: Operands

    private mutating func primary() throws(TemplateError) -> Expression {
        let token = current
        switch token.kind {
        case .name(let name):
            if Self.reserved.contains(name) { throw problem("an expression is expected, not \(token.words)") }
            advance()
            switch name {
            case "true", "True": return try node(.constant(.boolean(true)), at: token.position)
            case "false", "False": return try node(.constant(.boolean(false)), at: token.position)
            case "none", "None": return try node(.constant(.none), at: token.position)
            default:
                used(name)
                return try node(.name(name), at: token.position)
            }
        case .string(var text):
            advance()
            // Strings side by side are one, as in Python.
            while case .string(let more) = current.kind {
                text += more
                advance()
            }
            return try node(.constant(.string(text)), at: token.position)
        case .integer(let value):
            advance()
            return try node(.constant(.integer(value)), at: token.position)
        case .float(let value):
            advance()
            return try node(.constant(.float(value)), at: token.position)
        case .sign("("):
            advance()
            if skip(")") { return try node(.tuple([]), at: token.position) }
            let value = try expressions()
            try expect(")")
            return value
        case .sign("["): return try list()
        case .sign("{"): return try dictionary()
        default: throw problem("an expression is expected, not \(token.words)")
        }
    }

    private mutating func list() throws(TemplateError) -> Expression {
        let position = current.position
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
        let position = current.position
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
            switch current.kind {
            case .sign("."): value = try attribute(of: value)
            case .sign("["): value = try element(of: value)
            case .sign("("): value = try call(value)
            default: return value
            }
        }
    }

    private mutating func filters(_ operand: Expression) throws(TemplateError) -> Expression {
        var value = operand
        while true {
            let position = current.position
            switch current.kind {
            case .sign("|"):
                let filter = try filter(over: value)
                value = try node(.filter(filter), at: filter.position, over: [value] + filter.arguments.expressions)
            case .name("is"):
                advance()
                value = try test(value, at: position)
            case .sign("("): value = try call(value)
            default: return value
            }
        }
    }

    private mutating func attribute(of operand: Expression) throws(TemplateError) -> Expression {
        let position = current.position
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
        let position = current.position
        advance()
        if current.kind == .sign("]") { throw problem("an element's key or number is expected, not \(current.words)") }
        var start: Expression?
        if current.kind != .sign(":") {
            let first = try expression()
            if skip("]") { return try node(.element(operand, first), at: position, over: [operand, first]) }
            if current.kind == .sign(",") { return try tupleElement(of: operand, first, at: position) }
            start = first
        }
        try expect(":")
        let end = isSliceEnd ? nil : try expression()
        let step = skip(":") && !isSliceEnd ? try expression() : nil
        if current.kind == .sign(",") { throw problem("several slices are not supported") }
        try expect("]")
        return try node(
            .slice(operand, .init(start: start, end: end, step: step)), at: position,
            over: [operand] + [start, end, step].compactMap { $0 })
    }

    private var isSliceEnd: Bool { [.sign(":"), .sign("]"), .sign(",")].contains(current.kind) }

    /// `value[a, b]`: the element whose key is a tuple.
    private mutating func tupleElement(
        of operand: Expression, _ first: Expression, at position: Position
    ) throws(TemplateError) -> Expression {
        var keys = [first]
        while skip(",") {
            if current.kind == .sign("]") { break }
            keys.append(try expression())
        }
        try expect("]")
        let key = try node(.tuple(keys), at: first.position, over: keys)
        return try node(.element(operand, key), at: position, over: [operand, key])
    }

    private mutating func call(_ function: Expression) throws(TemplateError) -> Expression {
        let position = current.position
        let arguments = try arguments()
        return try node(.call(function, arguments), at: position, over: [function] + arguments.expressions)
    }

    private mutating func arguments() throws(TemplateError) -> CallSyntax {
        try expect("(")
        var positional: [Expression] = []
        var keywords: [CallSyntax.Keyword] = []
        var more: Expression?
        var moreKeywords: Expression?
        var isFirst = true
        while !skip(")") {
            if !isFirst {
                try expect(",")
                if skip(")") { break }
            }
            isFirst = false
            let position = current.position
            if moreKeywords != nil { throw problem("nothing may follow '**'") }
            if skip("*") {
                if more != nil { throw problem("'*' may stand once only", at: position) }
                more = try expression()
            } else if skip("**") {
                moreKeywords = try expression()
            } else if case .name(let name) = current.kind, following.kind == .sign("=") {
                advance()
                advance()
                if keywords.contains(where: { $0.name == name }) { throw problem("'\(name)' is given twice", at: position) }
                keywords.append(.init(name: name, value: try expression()))
            } else {
                if more != nil || !keywords.isEmpty { throw problem("an argument without a name comes before those with names and '*'") }
                positional.append(try expression())
            }
        }
        return CallSyntax(positional: positional, keywords: keywords, more: more, moreKeywords: moreKeywords)
    }

    /// A filter and its arguments; at `|`, or at the name where a block begins with it.
    mutating func filter(over operand: Expression?) throws(TemplateError) -> FilterCall {
        if operand != nil || current.kind == .sign("|") { try expect("|") }
        let position = current.position
        let name = try name("a filter's name")
        guard let filter = FilterName(name) else { throw problem(FilterName.unknown(name), at: position) }
        let arguments = current.kind == .sign("(") ? try arguments() : .none
        return FilterCall(operand: operand, filter: filter, arguments: arguments, position: position)
    }

    private mutating func test(_ operand: Expression, at position: Position) throws(TemplateError) -> Expression {
        let negated = skip(word: "not")
        let place = current.position
        let name = try name("a test's name")
        guard let test = TestName(name) else { throw problem(TestName.unknown(name), at: place) }
        var arguments = CallSyntax.none
        switch current.kind {
        case .sign("("): arguments = try self.arguments()
        case .name("else"), .name("or"), .name("and"), .name("if"), .name("in"), .name("not"): break
        case .name("is"): throw problem("tests cannot be chained by 'is': use 'and'")
        case .name, .string, .integer, .float, .sign("["), .sign("{"):
            try enter()
            defer { leave() }
            arguments = CallSyntax(positional: [try postfix(try primary())])
        default: break
        }
        let value = try node(.test(operand, test, arguments), at: position, over: [operand] + arguments.expressions)
        return negated ? try node(.unary(.not, value), at: position, over: [value]) : value
    }
}
