/// A node of an expression.
final class Expression: Sendable {
    enum Constant: Equatable, Sendable {
        case none
        case boolean(Bool)
        case integer(Int)
        case float(Double)
        case string(String)
    }

    enum Unary: String, Sendable {
        case not, minus, plus
    }

    enum Binary: String, Sendable {
        case add = "+"
        case subtract = "-"
        case multiply = "*"
        case divide = "/"
        case floorDivide = "//"
        case modulo = "%"
        case power = "**"
    }

    enum Comparison: String, Sendable {
        case equal = "=="
        case notEqual = "!="
        case less = "<"
        case lessOrEqual = "<="
        case greater = ">"
        case greaterOrEqual = ">="
        case `in`
        case notIn = "not in"
    }

    struct Pair: Sendable {
        let key: Expression
        let value: Expression
    }

    struct Operand: Sendable {
        let operation: Binary
        let operand: Expression
    }

    struct Comparand: Sendable {
        let comparison: Comparison
        let operand: Expression
    }

    struct Bounds: Sendable {
        let start: Expression?
        let end: Expression?
        let step: Expression?
    }

    enum Operation: Sendable {
        case constant(Constant)
        case name(String)
        case tuple([Expression])
        case list([Expression])
        case dictionary([Pair])
        case attribute(Expression, String)
        case element(Expression, Expression)
        case slice(Expression, Bounds)
        case call(Expression, CallSyntax)
        case filter(FilterCall)
        case test(Expression, TestName, CallSyntax)
        case unary(Unary, Expression)
        /// Operators of one precedence, from left to right.
        case arithmetic(Expression, [Operand])
        case all([Expression])
        case any([Expression])
        /// `~`; whether what is joined is escaped, `nil`: as the context says when it is evaluated.
        case concatenation([Expression], escapes: Bool?)
        case comparison(Expression, [Comparand])
        case conditional(Expression, then: Expression, otherwise: Expression?)
    }

    let operation: Operation
    let position: Position
    /// How deep the node's operands are nested, itself included.
    let depth: Int

    init(_ operation: Operation, at position: Position, depth: Int) {
        self.operation = operation
        self.position = position
        self.depth = depth
    }
}

/// A filter with its arguments, and what it is applied to: `nil` for what a block captured.
final class FilterCall: Sendable {
    let operand: Expression?
    let filter: FilterName
    let arguments: CallSyntax
    let position: Position

    init(operand: Expression?, filter: FilterName, arguments: CallSyntax, position: Position) {
        self.operand = operand
        self.filter = filter
        self.arguments = arguments
        self.position = position
    }
}

/// The arguments of a call as they are written.
final class CallSyntax: Sendable {
    struct Keyword: Sendable {
        let name: String
        let value: Expression
    }

    let positional: [Expression]
    let keywords: [Keyword]
    /// What follows `*`.
    let more: Expression?
    /// What follows `**`.
    let moreKeywords: Expression?

    init(positional: [Expression] = [], keywords: [Keyword] = [], more: Expression? = nil, moreKeywords: Expression? = nil) {
        self.positional = positional
        self.keywords = keywords
        self.more = more
        self.moreKeywords = moreKeywords
    }

    static let none = CallSyntax()

    var expressions: [Expression] { positional + keywords.map(\.value) + [more, moreKeywords].compactMap { $0 } }
}
