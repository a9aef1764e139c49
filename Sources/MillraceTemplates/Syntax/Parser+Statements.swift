import MillraceCore

extension Parser {
    private static let tags = [
        "for", "if", "block", "extends", "print", "macro", "include", "from", "import", "set", "with", "autoescape", "call", "filter",
        "raw",
    ]
    /// Tags of Jinja2's extensions and of other engines.
    private static let unsupportedTags: [String: String] = [
        "do": "write {% set _ = … %}", "break": "use 'if' in the 'for' tag", "continue": "use 'if' in the 'for' tag",
        "trans": "translations are not supported", "debug": "print the values", "elseif": "write 'elif'", "elsif": "write 'elif'",
        "switch": "write 'if' and 'elif'", "comment": "write {# … #}",
    ]

    /// Statements and text up to a tag of one of these names, which is next then; without names, up to the end.
    mutating func body(until ends: [String], from start: Position) throws(TemplateError) -> [Statement] {
        try enter()
        defer { leave() }
        var statements: [Statement] = []
        while true {
            let token = current
            switch token.kind {
            case .data(let text):
                advance()
                statements.append(Statement(.text(text), at: token.position))
            case .variableBegin:
                advance()
                let value = try expressions()
                try expect(.variableEnd, "'}}'")
                statements.append(Statement(.output([value], escapes: escapes), at: token.position))
            case .blockBegin:
                advance()
                if case .name(let name) = current.kind, ends.contains(name) { return statements }
                let operation = try statement(at: current.position)
                statements.append(Statement(operation, at: token.position))
                try expect(.blockEnd, "'%}'")
            default:
                if ends.isEmpty { return statements }
                throw problem("'\(openTags.last?.name ?? "")' is not closed: \(Self.words(ends)) is missing", at: start)
            }
        }
    }

    private static func words(_ ends: [String]) -> String { ends.map { "{% \($0) %}" }.joined(separator: " or ") }

    /// The body of a tag that is at its end; a colon may stand there, as in Python.
    mutating func tagBody(until ends: [String], from start: Position) throws(TemplateError) -> [Statement] {
        _ = skip(":")
        try expect(.blockEnd, "'%}'")
        return try body(until: ends, from: start)
    }

    /// As ``tagBody(until:from:)``, and takes the last tag's name; the body is a scope of its own.
    private mutating func scopedBody(_ end: String, from start: Position) throws(TemplateError) -> [Statement] {
        scopes += 1
        let body = try tagBody(until: [end], from: start)
        scopes -= 1
        advance()
        return body
    }

    private mutating func statement(at start: Position) throws(TemplateError) -> Statement.Operation {
        guard case .name(let tag) = current.kind else { throw problem("a tag's name is expected, not \(current.words)") }
        advance()
        openTags.append((tag, start))
        defer { openTags.removeLast() }
        switch tag {
        case "if": return try condition(from: start)
        case "for": return try loop(from: start)
        case "set": return try assignment(from: start)
        case "with": return try with(from: start)
        case "block": return try block(from: start)
        case "macro": return try macro(from: start)
        case "call": return try call(from: start)
        case "filter":
            let filter = try filterChain(startingInline: true)
            return .filter(filter, try scopedBody("endfilter", from: start), escapes: escapes)
        case "autoescape": return try autoescape(from: start)
        case "include", "import", "from", "extends": return try reference(tag, from: start)
        case "print":
            var values: [Expression] = []
            while current.kind != .blockEnd {
                if !values.isEmpty { try expect(",") }
                values.append(try expression())
            }
            return .output(values, escapes: escapes)
        default: throw unknown(tag, at: start)
        }
    }

    private func unknown(_ tag: String, at position: Position) -> TemplateError {
        if let advice = Self.unsupportedTags[tag] { return problem("the tag '\(tag)' is not supported: \(advice)", at: position) }
        if tag.hasPrefix("end") || tag == "else" || tag == "elif" {
            guard openTags.count > 1 else { return problem("'\(tag)' closes nothing", at: position) }
            let open = openTags[openTags.count - 2]
            return problem("'\(tag)' does not belong to the open '\(open.name)' of line \(open.position.line)", at: position)
        }
        let suggestion = Suggestion.phrase(for: tag, among: Self.tags)
        return problem("the tag '\(tag)' is not known\(suggestion) (there are \(Self.tags.joined(separator: ", ")))", at: position)
    }

    private mutating func condition(from start: Position) throws(TemplateError) -> Statement.Operation {
        var branches: [Statement.Branch] = []
        while true {
            let test = try expressions(conditional: false)
            branches.append(.init(test: test, body: try tagBody(until: ["elif", "else", "endif"], from: start)))
            if skip(word: "elif") { continue }
            if skip(word: "endif") { return .condition(branches, otherwise: []) }
            advance()
            let otherwise = try tagBody(until: ["endif"], from: start)
            advance()
            return .condition(branches, otherwise: otherwise)
        }
    }

    private mutating func loop(from start: Position) throws(TemplateError) -> Statement.Operation {
        let target = try target(allowingAttributes: false)
        try expect(word: "in")
        let sequence = try expressions(conditional: false)
        let test = skip(word: "if") ? try expression() : nil
        let isRecursive = skip(word: "recursive")
        _ = skip(":")
        try expect(.blockEnd, "'%}'")
        let (body, used) = try scope(until: ["endfor", "else"], from: start)
        var otherwise: [Statement] = []
        if !skip(word: "endfor") {
            advance()
            otherwise = try scopedBody("endfor", from: start)
        }
        return .loop(
            Statement.Loop(
                target: target, sequence: sequence, test: test, isRecursive: isRecursive, usesLoop: isRecursive || used.contains("loop"),
                body: body, otherwise: otherwise, escapes: escapes))
    }

    private mutating func target(allowingAttributes: Bool) throws(TemplateError) -> Statement.Target {
        let first = try targetItem(allowingAttributes)
        guard at(",") else { return first }
        var items = [first]
        while skip(",") {
            switch current.kind {
            case .name("in"), .sign(")"), .blockEnd: return .tuple(items)
            default: items.append(try targetItem(allowingAttributes))
            }
        }
        return .tuple(items)
    }

    private mutating func targetItem(_ allowingAttributes: Bool) throws(TemplateError) -> Statement.Target {
        try enter()
        defer { leave() }
        if skip("(") {
            let target = try target(allowingAttributes: allowingAttributes)
            try expect(")")
            return target
        }
        let position = current.position
        let name = try name("a variable's name")
        if ["true", "false", "none", "True", "False", "None", "and", "or", "not", "if", "else", "in", "is"].contains(name) {
            throw problem("'\(name)' is no name of a variable", at: position)
        }
        if name == "loop" { throw problem("'loop' is what a loop calls itself and cannot be set", at: position) }
        guard at(".") else { return .name(name) }
        if !allowingAttributes { throw problem("only a variable can stand here, no attribute") }
        advance()
        return .attribute(name, try self.name("an attribute's name"))
    }

    private mutating func assignment(from start: Position) throws(TemplateError) -> Statement.Operation {
        let target = try target(allowingAttributes: true)
        if skip("=") { return .assignment(.init(target: target, value: try expressions())) }
        let filter = at("|") ? try filterChain(startingInline: false) : nil
        return .capture(target, filter, try scopedBody("endset", from: start), escapes: escapes)
    }

    /// Filters one after another, over what a block captured.
    private mutating func filterChain(startingInline: Bool) throws(TemplateError) -> FilterCall {
        if !startingInline { try expect("|") }
        var call = try filter(over: nil)
        while at("|") {
            let operand = try node(.filter(call), at: call.position, over: call.arguments.expressions + (call.operand.map { [$0] } ?? []))
            call = try filter(over: operand)
        }
        return call
    }

    private mutating func with(from start: Position) throws(TemplateError) -> Statement.Operation {
        var assignments: [Statement.Assignment] = []
        while current.kind != .blockEnd, !at(":") {
            if !assignments.isEmpty { try expect(",") }
            let target = try target(allowingAttributes: false)
            try expect("=")
            assignments.append(.init(target: target, value: try expression()))
        }
        return .with(assignments, try scopedBody("endwith", from: start))
    }

    private mutating func autoescape(from start: Position) throws(TemplateError) -> Statement.Operation {
        let value = try expression()
        let outer = escapes
        if case .constant(.boolean(let escapes)) = value.operation { self.escapes = escapes } else { escapes = nil }
        let body = try scopedBody("endautoescape", from: start)
        escapes = outer
        return .autoescape(value, body)
    }

    private mutating func block(from start: Position) throws(TemplateError) -> Statement.Operation {
        let name = try name("a block's name")
        if at("-") { throw problem("a block's name has letters, digits and _, no hyphens") }
        let isScoped = skip(word: "scoped")
        let isRequired = skip(word: "required")
        if isScoped { usedInScopedBlock() }
        if blocks[name] != nil { throw problem("the block '\(name)' is there twice", at: start) }
        // Reserved now, so that a block of the same name within is seen.
        blocks[name] = Statement.Block(name: name, isScoped: isScoped, isRequired: isRequired, body: [])
        _ = skip(":")
        try expect(.blockEnd, "'%}'")
        let (body, _) = try scope(until: ["endblock"], from: start, isBlock: true)
        advance()
        _ = skip(word: name)
        if isRequired {
            for statement in body {
                guard case .text(let text) = statement.operation, text.unicodeScalars.allSatisfy(PythonText.isSpace) else {
                    throw problem("a required block is empty: what is in '\(name)' would never be printed", at: statement.position)
                }
            }
        }
        let block = Statement.Block(name: name, isScoped: isScoped, isRequired: isRequired, body: body)
        blocks[name] = block
        return .block(block)
    }

    private mutating func macro(from start: Position) throws(TemplateError) -> Statement.Operation {
        let name = try name("a macro's name")
        let parameters = try parameters()
        return .macro(try macro(name, parameters, end: "endmacro", from: start))
    }

    private mutating func call(from start: Position) throws(TemplateError) -> Statement.Operation {
        let parameters = at("(") ? try parameters() : []
        let position = current.position
        let call = try expression()
        guard case .call = call.operation else { throw problem("the call of a macro is expected, as in {% call card() %}", at: position) }
        return .call(try macro("caller", parameters, end: "endcall", from: start), call)
    }

    private mutating func macro(
        _ name: String, _ parameters: [Statement.Macro.Parameter], end: String, from start: Position
    ) throws(TemplateError) -> Statement.Macro {
        _ = skip(":")
        try expect(.blockEnd, "'%}'")
        let (body, used) = try scope(until: [end], from: start)
        advance()
        let own = parameters.map(\.name)
        if used.contains("caller"), parameters.contains(where: { $0.name == "caller" && $0.value == nil }) {
            throw problem("the parameter 'caller' is left out or has a default", at: start)
        }
        return Statement.Macro(
            name: name, parameters: parameters, body: body, takesCaller: used.contains("caller") && !own.contains("caller"),
            takesKeywords: used.contains("kwargs") && !own.contains("kwargs"),
            takesMore: used.contains("varargs") && !own.contains("varargs"))
    }

    private mutating func parameters() throws(TemplateError) -> [Statement.Macro.Parameter] {
        try expect("(")
        var parameters: [Statement.Macro.Parameter] = []
        while !skip(")") {
            if !parameters.isEmpty { try expect(",") }
            let position = current.position
            let name = try name("a parameter's name")
            if parameters.contains(where: { $0.name == name }) { throw problem("the parameter '\(name)' is there twice", at: position) }
            let value = skip("=") ? try expression() : nil
            if value == nil, parameters.last?.value != nil {
                throw problem("'\(name)' needs a default: those before it have one", at: position)
            }
            parameters.append(.init(name: name, value: value))
        }
        return parameters
    }

    // MARK: Other templates

    private mutating func reference(_ tag: String, from start: Position) throws(TemplateError) -> Statement.Operation {
        if tag == "extends", scopes > 0 { throw problem("'extends' cannot stand in a loop, a block or another scope", at: start) }
        let template = try expression()
        switch tag {
        case "extends": return .extends(template)
        case "include":
            let ignoresMissing = at(word: "ignore") && following.kind == .name("missing")
            if ignoresMissing {
                advance()
                advance()
            }
            return .include(.init(template: template, withContext: context() ?? true, ignoresMissing: ignoresMissing))
        case "import":
            try expect(word: "as")
            let name = try name("the module's name")
            return .importModule(.init(template: template, withContext: context() ?? false, module: name))
        default: return .importNames(try importedNames(of: template))
        }
    }

    /// `with context` or `without context`, where one of them is next.
    private mutating func context() -> Bool? {
        guard following.kind == .name("context"), at(word: "with") || at(word: "without") else { return nil }
        let with = at(word: "with")
        advance()
        advance()
        return with
    }

    private mutating func importedNames(of template: Expression) throws(TemplateError) -> Statement.Reference {
        try expect(word: "import")
        var names: [Statement.Reference.Name] = []
        while true {
            if let withContext = context() { return .init(template: template, withContext: withContext, names: names) }
            let position = current.position
            let exported = try name("the name of a macro or variable")
            if exported.hasPrefix("_") {
                throw problem("'\(exported)' cannot be imported: names with _ at the front are private", at: position)
            }
            names.append(.init(exported: exported, local: skip(word: "as") ? try name("a name") : exported))
            if let withContext = context() { return .init(template: template, withContext: withContext, names: names) }
            if !skip(",") { return .init(template: template, withContext: false, names: names) }
        }
    }
}
