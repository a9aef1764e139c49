/// Cuts a template into tokens, as Jinja2's lexer does with its default delimiters.
///
/// White space control is done here: `-` beside a delimiter removes white space, `+` keeps what `trimBlocks` or `lstripBlocks`
/// would remove.
struct Lexer {
    private let template: String
    private let options: TemplateOptions
    let scalars: [Unicode.Scalar]
    private let lineStarts: [Int]
    var place = 0
    private(set) var tokens: [Token] = []

    private init(_ source: String, template: String, options: TemplateOptions) {
        self.template = template
        self.options = options
        // Jinja2 reads \r\n and \r as \n, and leaves one newline at the end away.
        var scalars: [Unicode.Scalar] = []
        scalars.reserveCapacity(source.utf8.count)
        var starts = [0]
        var afterReturn = false
        for scalar in source.unicodeScalars {
            if scalar == "\n" && afterReturn {
                afterReturn = false
                continue
            }
            afterReturn = scalar == "\r"
            scalars.append(afterReturn ? "\n" : scalar)
            if scalars.last == "\n" { starts.append(scalars.count) }
        }
        if !options.keepTrailingNewline, scalars.last == "\n" { scalars.removeLast() }
        self.scalars = scalars
        lineStarts = starts
    }

    /// The tokens of a template; the last one is ``Token/Kind/end``.
    static func tokens(of source: String, template: String, options: TemplateOptions) throws(TemplateError) -> [Token] {
        var lexer = Lexer(source, template: template, options: options)
        try lexer.root()
        return lexer.tokens
    }

    func position(_ offset: Int) -> Position {
        var (low, high) = (0, lineStarts.count)
        while high - low > 1 {
            let middle = (low + high) / 2
            if lineStarts[middle] <= offset { low = middle } else { high = middle }
        }
        return Position(line: Int32(low + 1), column: Int32(offset - lineStarts[low] + 1))
    }

    func problem(_ message: String, at offset: Int) -> TemplateError {
        let position = position(offset)
        return TemplateError(.syntax, message, template: template, line: Int(position.line), column: Int(position.column))
    }

    func scalar(_ offset: Int) -> Unicode.Scalar? { offset < scalars.count ? scalars[offset] : nil }

    func has(_ text: StaticString, at offset: Int) -> Bool {
        text.withUTF8Buffer { bytes in
            guard offset + bytes.count <= scalars.count else { return false }
            for (index, byte) in bytes.enumerated() where scalars[offset + index].value != UInt32(byte) { return false }
            return true
        }
    }

    mutating func append(_ kind: Token.Kind, at offset: Int) { tokens.append(Token(kind: kind, position: position(offset))) }

    /// The first place behind white space.
    func behindSpace(_ offset: Int) -> Int {
        var offset = offset
        while offset < scalars.count, PythonText.isSpace(scalars[offset]) { offset += 1 }
        return offset
    }

    // MARK: Text and delimiters

    private enum Opening { case block, variable, comment }

    private mutating func root() throws(TemplateError) {
        // Whether what comes before the next text ended a line.
        var lineStarting = true
        while place < scalars.count {
            let start = place
            guard let (opening, at) = nextOpening(from: start) else {
                append(.data(PythonText.string(scalars[start...])), at: start)
                break
            }
            let control = scalar(at + 2)
            let signed = control == "-" || control == "+"
            appendData(start, at, control: control, lineStarting: lineStarting, isVariable: opening == .variable)
            place = at + (signed ? 3 : 2)
            switch opening {
            case .comment: try comment(from: at)
            case .variable:
                append(.variableBegin, at: at)
                try expression(from: at, isBlock: false)
            case .block:
                if let end = rawBegin(place) {
                    place = end
                    try raw(from: at)
                } else {
                    append(.blockBegin, at: at)
                    try expression(from: at, isBlock: true)
                }
            }
            lineStarting = place > 0 && scalars[place - 1] == "\n"
        }
        append(.end, at: scalars.count)
    }

    private func nextOpening(from start: Int) -> (Opening, at: Int)? {
        var place = start
        while place + 1 < scalars.count {
            if scalars[place] == "{" {
                switch scalars[place + 1] {
                case "%": return (.block, place)
                case "{": return (.variable, place)
                case "#": return (.comment, place)
                default: break
                }
            }
            place += 1
        }
        return nil
    }

    /// Appends the text between `start` and `end`, less the white space that the following delimiter takes.
    private mutating func appendData(_ start: Int, _ end: Int, control: Unicode.Scalar?, lineStarting: Bool, isVariable: Bool) {
        var last = end
        if control == "-" {
            while last > start, PythonText.isSpace(scalars[last - 1]) { last -= 1 }
        } else if control != "+", options.lstripBlocks, !isVariable {
            var line = end
            while line > start, scalars[line - 1] != "\n" { line -= 1 }
            if line > start || lineStarting, scalars[line..<end].allSatisfy(PythonText.isSpace) { last = line }
        }
        if last > start { append(.data(PythonText.string(scalars[start..<last])), at: start) }
    }

    /// Skips what the end of a statement or comment takes of the following text; `place` is behind `%}` or `#}`.
    private mutating func skipTrimmed(stripped: Bool, kept: Bool) {
        if stripped {
            place = behindSpace(place)
        } else if options.trimBlocks, !kept, scalar(place) == "\n" {
            place += 1
        }
    }

    private mutating func comment(from start: Int) throws(TemplateError) {
        while place < scalars.count {
            if has("#}", at: place) {
                place += 2
                return skipTrimmed(stripped: false, kept: false)
            }
            if let sign = scalar(place), sign == "-" || sign == "+", has("#}", at: place + 1) {
                place += 3
                return skipTrimmed(stripped: sign == "-", kept: sign == "+")
            }
            place += 1
        }
        throw problem("the comment is not closed: '#}' is missing", at: start)
    }

    /// The place behind `raw %}`, where a raw block begins at `offset`.
    private func rawBegin(_ offset: Int) -> Int? {
        let word = behindSpace(offset)
        guard has("raw", at: word) else { return nil }
        let end = behindSpace(word + 3)
        if has("%}", at: end) { return end + 2 }
        return has("-%}", at: end) ? behindSpace(end + 3) : nil
    }

    private mutating func raw(from start: Int) throws(TemplateError) {
        let text = place
        let lineStarting = place > 0 && scalars[place - 1] == "\n"
        while place + 1 < scalars.count {
            if has("{%", at: place) {
                let control = scalar(place + 2)
                let word = behindSpace(place + (control == "-" || control == "+" ? 3 : 2))
                if has("endraw", at: word) {
                    var end = behindSpace(word + 6)
                    let sign = scalar(end)
                    if sign == "-" || sign == "+" { end += 1 }
                    if has("%}", at: end) {
                        appendData(text, place, control: control, lineStarting: lineStarting, isVariable: false)
                        place = end + 2
                        return skipTrimmed(stripped: sign == "-", kept: sign == "+")
                    }
                }
            }
            place += 1
        }
        throw problem("the raw block is not closed: '{% endraw %}' is missing", at: start)
    }

    // MARK: Inside delimiters

    private mutating func expression(from start: Int, isBlock: Bool) throws(TemplateError) {
        var brackets: [(closing: Unicode.Scalar, at: Int)] = []
        while true {
            place = behindSpace(place)
            if brackets.isEmpty, try closes(isBlock) { return }
            guard let next = scalar(place) else {
                if let bracket = brackets.last { throw problem("this bracket is not closed by '\(bracket.closing)'", at: bracket.at) }
                throw problem("'\(isBlock ? "%}" : "}}")' is missing", at: start)
            }
            switch next {
            case "'", "\"": try string(next)
            case "0"..."9": try number()
            case "(", "[", "{":
                brackets.append((next == "(" ? ")" : next == "[" ? "]" : "}", place))
                append(.sign(String(Character(next))), at: place)
                place += 1
            case ")", "]", "}":
                guard let open = brackets.popLast() else { throw problem("unexpected '\(next)'", at: place) }
                if open.closing != next { throw problem("unexpected '\(next)', '\(open.closing)' is expected", at: place) }
                append(.sign(String(Character(next))), at: place)
                place += 1
            default: if PythonText.isWord(next) { try name() } else { try sign(next) }
            }
        }
    }

    /// Takes the closing delimiter, where one is next.
    private mutating func closes(_ isBlock: Bool) throws(TemplateError) -> Bool {
        let start = place
        let sign = scalar(place)
        let signed = sign == "-" || (isBlock && sign == "+")
        let at = signed ? place + 1 : place
        guard isBlock ? has("%}", at: at) : has("}}", at: at) else { return false }
        append(isBlock ? .blockEnd : .variableEnd, at: start)
        place = at + 2
        if isBlock {
            skipTrimmed(stripped: sign == "-", kept: sign == "+")
        } else if sign == "-" {
            place = behindSpace(place)
        }
        return true
    }

    private mutating func name() throws(TemplateError) {
        let start = place
        while let next = scalar(place), PythonText.isWord(next) || next.properties.isXIDContinue { place += 1 }
        let first = scalars[start]
        guard first == "_" || first.properties.isXIDStart, scalars[start..<place].allSatisfy({ $0.properties.isXIDContinue }) else {
            throw problem("'\(PythonText.string(scalars[start..<place]))' is no name: names have letters, digits and _", at: start)
        }
        append(.name(PythonText.string(scalars[start..<place])), at: start)
    }

    private mutating func sign(_ first: Unicode.Scalar) throws(TemplateError) {
        for pair: StaticString in ["//", "**", "==", "!=", ">=", "<="] where has(pair, at: place) {
            append(.sign(pair.description), at: place)
            place += 2
            return
        }
        guard "+-/*%~><=.:|,;".unicodeScalars.contains(first) else {
            throw problem("unexpected character \(PythonText.repr(String(Character(first))))", at: place)
        }
        append(.sign(String(Character(first))), at: place)
        place += 1
    }
}
