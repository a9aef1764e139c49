/// Methods of strings, lists and dictionaries, as Python's of the same names.
extension Interpreter {
    static let stringMethods: Set<String> = [
        "capitalize", "casefold", "center", "count", "endswith", "find", "format", "index", "isalnum", "isalpha", "isdecimal", "isdigit",
        "islower", "isnumeric", "isspace", "istitle", "isupper", "join", "ljust", "lower", "lstrip", "partition", "removeprefix",
        "removesuffix",
        "replace", "rfind", "rindex", "rjust", "rpartition", "rsplit", "rstrip", "split", "splitlines", "startswith", "strip", "swapcase",
        "title", "upper", "zfill",
    ]

    func call(_ method: Value.Method, _ arguments: Arguments) throws(TemplateError) -> Value {
        switch method.receiver {
        case .string(let text): return try call(method.name, of: text, isMarkup: false, arguments)
        case .markup(let text): return try call(method.name, of: text, isMarkup: true, arguments)
        case .dictionary(let dictionary): return try call(method.name, of: dictionary, method.receiver, arguments)
        case .sequence(let sequence): return try call(method.name, of: sequence, arguments)
        case .object(let object): return try call(method.name, of: object, arguments)
        default: throw fail("'\(method.name)' cannot be called")
        }
    }

    private func call(
        _ name: String, of members: Value.Dictionary, _ dictionary: Value, _ arguments: Arguments
    ) throws(TemplateError) -> Value {
        switch name {
        case "get":
            let bound = try positional(arguments, ["key", "default"], name, required: 1)
            let key = try hashKey(bound[0] ?? .none)
            return members[key] ?? bound[1] ?? .none
        case "copy":
            _ = try positional(arguments, [], name)
            return dictionary
        case "keys":
            _ = try positional(arguments, [], name)
            return try sequence(.keys, members.keys)
        case "values":
            _ = try positional(arguments, [], name)
            return try sequence(.values, members.values)
        default:
            _ = try positional(arguments, [], name)
            var pairs: [Value] = []
            for (key, value) in zip(members.keys, members.values) { pairs.append(try tuple([key, value])) }
            return try sequence(.items, pairs)
        }
    }

    private func call(_ name: String, of sequence: Value.Sequence, _ arguments: Arguments) throws(TemplateError) -> Value {
        if name == "copy" {
            _ = try positional(arguments, [], name)
            return .sequence(sequence)
        }
        let wanted = try positional(arguments, ["value"], name, required: 1)[0] ?? .none
        var count = 0
        for (place, item) in sequence.items.enumerated() where try equal(item, wanted) {
            if name == "index" { return .integer(place) }
            count += 1
        }
        if name == "index" { throw fail("the value is not in the list") }
        return .integer(count)
    }

    /// Arguments of methods that take them by place only.
    private func positional(_ arguments: Arguments, _ names: [String], _ method: String, required: Int = 0) throws(TemplateError)
        -> [Value?]
    {
        if let keyword = arguments.keywords.first { throw fail("\(method)() takes its arguments without names, not '\(keyword.name)='") }
        return try bind(arguments, names, "\(method)()", required: required)
    }

    // MARK: Strings

    private func call(_ name: String, of text: String, isMarkup: Bool, _ arguments: Arguments) throws(TemplateError) -> Value {
        try charge(1 + text.utf8.count / 16)
        let scalars = Array(text.unicodeScalars)
        switch name {
        case "upper", "lower", "title", "capitalize", "casefold", "swapcase":
            _ = try positional(arguments, [], name)
            return try self.text(recased(name, scalars), isMarkup: isMarkup)
        case "isalnum", "isalpha", "isdecimal", "isdigit", "islower", "isnumeric", "isspace", "istitle", "isupper":
            _ = try positional(arguments, [], name)
            return .boolean(isOf(name, scalars))
        case "strip", "lstrip", "rstrip":
            let characters = try positional(arguments, ["characters"], name)[0].flatMap { (value) throws(TemplateError) in
                try strippedSet(value)
            }
            let stripped = PythonText.stripped(scalars, characters, left: name != "rstrip", right: name != "lstrip")
            return try self.text(PythonText.string(stripped), isMarkup: isMarkup)
        case "split", "rsplit", "splitlines", "partition", "rpartition": return try split(name, scalars, isMarkup: isMarkup, arguments)
        case "startswith", "endswith", "find", "rfind", "index", "rindex", "count": return try search(name, scalars, arguments)
        case "center", "ljust", "rjust", "zfill": return try padded(name, text, isMarkup: isMarkup, arguments)
        case "format": return try braced(text, isMarkup: isMarkup, arguments)
        case "join":
            let items = try items(of: try positional(arguments, ["iterable"], name, required: 1)[0] ?? .none)
            for item in items where item.string == nil {
                if case .undefined(let missing) = item { throw fail(missing) }
                throw fail("join() needs strings, not \(item.kindName): use the filter 'join'")
            }
            return try joined(items, by: text, isMarkup: isMarkup)
        case "replace":
            let bound = try positional(arguments, ["old", "new", "count"], name, required: 2)
            let old = try needText(bound[0] ?? .none, "what is replaced")
            _ = try needText(bound[1] ?? .none, "what replaces it")
            let new = isMarkup ? try escaped(bound[1] ?? .none) : try needText(bound[1] ?? .none, "what replaces it")
            return try self.text(try replaced(text, old, new, try integer(bound[2], default: -1, "the count")), isMarkup: isMarkup)
        default:
            let part = try part(try positional(arguments, ["part"], name, required: 1)[0] ?? .none)
            let isPrefix = name == "removeprefix"
            guard isPrefix ? scalars.starts(with: part) : scalars.suffix(part.count).elementsEqual(part) else {
                return try self.text(text, isMarkup: isMarkup)
            }
            let rest = isPrefix ? scalars.dropFirst(part.count) : scalars.dropLast(part.count)
            return try self.text(PythonText.string(rest), isMarkup: isMarkup)
        }
    }

    private func recased(_ name: String, _ scalars: [Unicode.Scalar]) -> String {
        switch name {
        case "upper": PythonText.upper(scalars)
        case "lower": PythonText.lower(scalars)
        case "title": PythonText.titled(scalars)
        case "capitalize": PythonText.capitalized(scalars)
        case "swapcase": PythonText.swappedCase(scalars)
        // Of case folding, what differs from lower case in scripts of today: the sharp s and the final sigma.
        default:
            PythonText.lower(scalars).unicodeScalars.reduce(into: "") { $0 += $1 == "ß" ? "ss" : $1 == "ς" ? "σ" : String(Character($1)) }
        }
    }

    private func isOf(_ name: String, _ scalars: [Unicode.Scalar]) -> Bool {
        switch name {
        case "islower": return PythonText.isLower(scalars)
        case "isupper": return PythonText.isUpper(scalars)
        case "istitle":
            return PythonText.titled(scalars) == PythonText.string(scalars) && scalars.contains { $0.properties.isCased }
        case "isalpha": return !scalars.isEmpty && scalars.allSatisfy(PythonText.isLetter)
        case "isalnum": return !scalars.isEmpty && scalars.allSatisfy(PythonText.isAlphanumeric)
        case "isspace": return !scalars.isEmpty && scalars.allSatisfy(PythonText.isSpace)
        case "isdecimal": return !scalars.isEmpty && scalars.allSatisfy { $0.properties.generalCategory == .decimalNumber }
        case "isdigit":
            return !scalars.isEmpty && scalars.allSatisfy { $0.properties.numericType == .decimal || $0.properties.numericType == .digit }
        default: return !scalars.isEmpty && scalars.allSatisfy { $0.properties.numericType != nil }
        }
    }

    private func pieces(_ pieces: [[Unicode.Scalar]], isMarkup: Bool) throws(TemplateError) -> [Value] {
        try charge(pieces.count)
        return pieces.map { isMarkup ? .markup(PythonText.string($0)) : .string(PythonText.string($0)) }
    }

    private func split(
        _ name: String, _ scalars: [Unicode.Scalar], isMarkup: Bool, _ arguments: Arguments
    ) throws(TemplateError) -> Value {
        switch name {
        case "splitlines":
            let keeps = try flag(try bind(arguments, ["keepends"], "splitlines()")[0])
            return try list(try pieces(PythonText.lines(scalars, keepingEnds: keeps), isMarkup: isMarkup))
        case "partition", "rpartition":
            let separator = try part(try positional(arguments, ["sep"], name, required: 1)[0] ?? .none, "the separator")
            if separator.isEmpty { throw fail("the separator is empty") }
            let found = name == "partition" ? PythonText.find(separator, in: scalars) : PythonText.findLast(separator, in: scalars)
            let parts: [[Unicode.Scalar]] =
                if let found {
                    [Array(scalars[..<found]), separator, Array(scalars[(found + separator.count)...])]
                } else {
                    name == "partition" ? [scalars, [], []] : [[], [], scalars]
                }
            return try tuple(try pieces(parts, isMarkup: isMarkup))
        default:
            let bound = try bind(arguments, ["sep", "maxsplit"], "\(name)()")
            let limit = try integer(bound[1], default: -1, "maxsplit")
            let most = limit < 0 ? Int.max : limit
            guard let given = bound[0], !given.isNone else {
                return try list(try pieces(words(scalars, most, fromRight: name == "rsplit"), isMarkup: isMarkup))
            }
            let separator = try part(given, "the separator")
            if separator.isEmpty { throw fail("the separator is empty") }
            return try list(try pieces(parts(scalars, separator, most, fromRight: name == "rsplit"), isMarkup: isMarkup))
        }
    }

    /// The words between white space; the last (or first) one is the rest where there are more than `most` cuts.
    private func words(_ scalars: [Unicode.Scalar], _ most: Int, fromRight: Bool) -> [[Unicode.Scalar]] {
        var words: [[Unicode.Scalar]] = []
        var rest = scalars[...]
        if fromRight {
            while let end = rest.lastIndex(where: { !PythonText.isSpace($0) }) {
                rest = rest[...end]
                let start =
                    words.count >= most ? rest.startIndex : rest.lastIndex(where: PythonText.isSpace).map { $0 + 1 } ?? rest.startIndex
                words.append(Array(rest[start...]))
                rest = rest[..<start]
            }
            return words.reversed()
        }
        while let start = rest.firstIndex(where: { !PythonText.isSpace($0) }) {
            rest = rest[start...]
            let end = words.count >= most ? rest.endIndex : rest.firstIndex(where: PythonText.isSpace) ?? rest.endIndex
            words.append(Array(rest[..<end]))
            rest = rest[end...]
        }
        return words
    }

    private func parts(
        _ scalars: [Unicode.Scalar], _ separator: [Unicode.Scalar], _ most: Int, fromRight: Bool
    ) -> [[Unicode.Scalar]] {
        if fromRight {
            let parts = parts(scalars.reversed(), separator.reversed(), most, fromRight: false)
            return parts.reversed().map { $0.reversed() }
        }
        var parts: [[Unicode.Scalar]] = []
        var start = 0
        for place in PythonText.places(separator, in: scalars, atMost: most) {
            parts.append(Array(scalars[start..<place]))
            start = place + separator.count
        }
        return parts + [Array(scalars[start...])]
    }

    private func search(_ name: String, _ scalars: [Unicode.Scalar], _ arguments: Arguments) throws(TemplateError) -> Value {
        let given = try positional(arguments, ["part", "start", "end"], name, required: 1)
        func bound(_ value: Value?, _ missing: Int) throws(TemplateError) -> Int {
            guard let value, !value.isNone else { return missing }
            let index = try integer(value, "a bound")
            return index < 0 ? max(0, index < -scalars.count ? 0 : index + scalars.count) : index
        }
        let start = try bound(given[1], 0)
        let end = min(try bound(given[2], scalars.count), scalars.count)
        let wanted = given[0] ?? .none
        if name == "startswith" || name == "endswith" {
            var candidates = [wanted]
            if case .sequence(let sequence) = wanted, sequence.isTuple { candidates = sequence.items }
            for candidate in candidates {
                let part = try part(candidate)
                guard start <= end, part.count <= end - start else { continue }
                let place = name == "startswith" ? start : end - part.count
                if scalars[place..<place + part.count].elementsEqual(part) { return .boolean(true) }
            }
            return .boolean(false)
        }
        let part = try part(wanted)
        if name == "count" { return .integer(PythonText.places(part, in: scalars, from: start, to: end).count) }
        let isLast = name.hasPrefix("r")
        let found =
            isLast ? PythonText.findLast(part, in: scalars, from: start, to: end) : PythonText.find(part, in: scalars, from: start, to: end)
        if found == nil, name.hasSuffix("index") { throw fail("the part is not in the string") }
        return .integer(found ?? -1)
    }

    /// The characters of a text that is looked for.
    private func part(_ value: Value, _ what: String = "the part") throws(TemplateError) -> [Unicode.Scalar] {
        let text = try needText(value, what)
        try charge(1 + text.utf8.count / 16)
        return Array(text.unicodeScalars)
    }

    private func padded(_ name: String, _ text: String, isMarkup: Bool, _ arguments: Arguments) throws(TemplateError) -> Value {
        let bound = try positional(arguments, name == "zfill" ? ["width"] : ["width", "fillchar"], name, required: 1)
        let width = try integer(bound[0] ?? .none, "the width")
        var fill: Unicode.Scalar = name == "zfill" ? "0" : " "
        if name != "zfill", let given = bound[1] {
            let filler = isMarkup ? try escaped(given) : try needText(given, "the fill character")
            guard given.string != nil, filler.unicodeScalars.count == 1, let scalar = filler.unicodeScalars.first else {
                throw fail("the fill character is one character")
            }
            fill = scalar
        }
        let count = text.unicodeScalars.count
        guard width > count else { return try self.text(text, isMarkup: isMarkup) }
        let missing = width - count
        let (bytes, overflow) = missing.multipliedReportingOverflow(by: fill.utf8.count)
        try chargeText(overflow ? .max : bytes)
        let padding = String(repeating: String(Character(fill)), count: missing)
        switch name {
        case "ljust": return try self.text(text + padding, isMarkup: isMarkup)
        case "rjust": return try self.text(padding + text, isMarkup: isMarkup)
        case "zfill":
            let hasSign = text.hasPrefix("-") || text.hasPrefix("+")
            return try self.text(hasSign ? String(text.prefix(1)) + padding + text.dropFirst() : padding + text, isMarkup: isMarkup)
        default: return try self.text(try centered(text, width, fill), isMarkup: isMarkup)
        }
    }
}
