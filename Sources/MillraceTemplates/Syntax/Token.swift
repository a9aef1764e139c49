/// A place in a template's source, from 1; columns count Unicode scalar values.
struct Position: Equatable, Sendable {
    var line: Int32
    var column: Int32
}

/// One piece of a template that the parser looks at.
struct Token: Sendable {
    enum Kind: Equatable, Sendable {
        /// Text that is printed as it is.
        case data(String)
        case variableBegin
        case variableEnd
        case blockBegin
        case blockEnd
        case name(String)
        case string(String)
        case integer(Int)
        case float(Double)
        /// Brackets, operators and punctuation, as written.
        case sign(String)
        /// Behind the last token.
        case end
    }

    let kind: Kind
    let position: Position

    /// The token in a message.
    var words: String {
        switch kind {
        case .data: "text"
        case .variableBegin: "'{{'"
        case .variableEnd: "'}}'"
        case .blockBegin: "'{%'"
        case .blockEnd: "'%}'"
        case .name(let name): "'\(name)'"
        case .string: "a string"
        case .integer, .float: "a number"
        case .sign(let sign): "'\(sign)'"
        case .end: "the end of the template"
        }
    }
}
