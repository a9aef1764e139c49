import MillraceCore

/// Makes a tree of a template's tokens, by recursive descent with Jinja2's grammar.
struct Parser {
    /// Something around the current place that has to know which special names are used within.
    private struct Surrounding {
        let isBlock: Bool
        var used: Set<String> = []
    }
    private static let specialNames: Set<String> = ["loop", "caller", "kwargs", "varargs"]

    let template: String
    let limits: TemplateLimits
    private let tokens: [Token]
    private var place = 0
    private var nesting = 0
    private var surroundings: [Surrounding] = []
    /// Within how many scopes the current place is; `if` is none.
    var scopes = 0
    /// Whether output is escaped here; `nil`: known when it is rendered.
    var escapes: Bool?
    /// The tags that are open, innermost last.
    var openTags: [(name: String, position: Position)] = []
    var blocks: [String: Statement.Block] = [:]

    static func parse(
        _ source: String, template: String, options: TemplateOptions, limits: TemplateLimits
    ) throws(TemplateError) -> (body: [Statement], blocks: [String: Statement.Block]) {
        let start = Position(line: 1, column: 1)
        if source.utf8.count > limits.sourceBytes {
            throw TemplateError(
                .limit, "the template is longer than \(limits.sourceBytes) bytes", template: template, line: 1, column: 1)
        }
        let tokens = try Lexer.tokens(of: source, template: template, options: options)
        var parser = Parser(template: template, limits: limits, tokens: tokens, escapes: options.escapes(template))
        let body = try parser.body(until: [], from: start)
        return (body, parser.blocks)
    }

    private init(template: String, limits: TemplateLimits, tokens: [Token], escapes: Bool) {
        self.template = template
        self.limits = limits
        self.tokens = tokens
        self.escapes = escapes
    }

    // MARK: Tokens

    var current: Token { tokens[min(place, tokens.count - 1)] }
    var following: Token { tokens[min(place + 1, tokens.count - 1)] }

    mutating func advance() { place += 1 }

    // The questions about the current token have functions of their own: what they compare would otherwise lie in the frames of the
    // recursion, several times each.

    func at(_ sign: String) -> Bool { current.kind == .sign(sign) }
    func at(word: String) -> Bool { current.kind == .name(word) }
    func at(any signs: String...) -> Bool { if case .sign(let sign) = current.kind { signs.contains(sign) } else { false } }
    var here: Position { current.position }

    /// Takes a sign, where it is next.
    mutating func skip(_ sign: String) -> Bool {
        guard at(sign) else { return false }
        advance()
        return true
    }

    /// Takes a word, where it is next.
    mutating func skip(word: String) -> Bool {
        guard at(word: word) else { return false }
        advance()
        return true
    }

    mutating func expect(_ sign: String) throws(TemplateError) {
        if !skip(sign) { throw problem("'\(sign)' is expected, not \(current.words)") }
    }

    mutating func expect(word: String) throws(TemplateError) {
        if !skip(word: word) { throw problem("'\(word)' is expected, not \(current.words)") }
    }

    mutating func expect(_ kind: Token.Kind, _ words: String) throws(TemplateError) {
        guard current.kind == kind else { throw problem("\(words) is expected, not \(current.words)") }
        advance()
    }

    mutating func name(_ what: String) throws(TemplateError) -> String {
        guard case .name(let name) = current.kind else { throw problem("\(what) is expected, not \(current.words)") }
        advance()
        return name
    }

    func problem(_ message: String, at position: Position? = nil, _ kind: TemplateError.Kind = .syntax) -> TemplateError {
        let position = position ?? current.position
        return TemplateError(kind, message, template: template, line: Int(position.line), column: Int(position.column))
    }

    // MARK: Nesting

    mutating func enter() throws(TemplateError) {
        nesting += 1
        if nesting > limits.nesting { throw tooDeep(current.position) }
    }

    mutating func leave() { nesting -= 1 }

    /// A node, unless its operands are nested too deeply.
    func node(_ operation: Expression.Operation, at position: Position, over operands: [Expression] = []) throws(TemplateError)
        -> Expression
    {
        var depth = 0
        for operand in operands { depth = max(depth, operand.depth) }
        if depth >= limits.nesting { throw tooDeep(position) }
        return Expression(operation, at: position, depth: depth + 1)
    }

    private func tooDeep(_ position: Position) -> TemplateError {
        problem("the template is nested more than \(limits.nesting) deep: set variables or write macros", at: position, .limit)
    }

    // MARK: Special names

    mutating func used(_ name: String) {
        guard Self.specialNames.contains(name) else { return }
        for index in surroundings.indices.reversed() {
            if surroundings[index].isBlock { return }
            surroundings[index].used.insert(name)
        }
    }

    /// A `scoped` block sees the loops around it.
    mutating func usedInScopedBlock() {
        for index in surroundings.indices { surroundings[index].used.insert("loop") }
    }

    /// Parses a body that is a scope of its own, and says which special names it uses.
    mutating func scope(
        until ends: [String], from start: Position, isBlock: Bool = false
    ) throws(TemplateError) -> (body: [Statement], used: Set<String>) {
        surroundings.append(Surrounding(isBlock: isBlock))
        scopes += 1
        let body = try body(until: ends, from: start)
        scopes -= 1
        return (body, surroundings.removeLast().used)
    }
}
