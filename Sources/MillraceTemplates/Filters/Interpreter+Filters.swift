import MillraceCore

/// Filters, as Jinja2's of the same names.
extension Interpreter {
    func apply(_ filter: FilterName, _ value: Value, _ arguments: Arguments) throws(TemplateError) -> Value {
        try enter(Weight.filter)
        try charge()
        defer { leave(Weight.filter) }
        switch filter {
        case .capitalize, .center, .escape, .forceescape, .format, .indent, .lower, .replace, .safe, .string, .striptags, .title, .trim,
            .truncate,
            .upper, .urlencode, .wordcount, .wordwrap, .tojson:
            return try applyToText(filter, value, arguments)
        case .abs, .float, .int, .round, .sum: return try applyToNumber(filter, value, arguments)
        default: return try applyToSequence(filter, value, arguments)
        }
    }

    func bind(
        _ filter: FilterName, _ arguments: Arguments, _ names: [String] = [], required: Int = 0
    ) throws(TemplateError) -> [Value?] {
        try bind(arguments, names, "the filter '\(filter.rawValue)'", required: required)
    }

    func integer(_ value: Value?, default missing: Int, _ what: @autoclosure () -> String) throws(TemplateError) -> Int {
        guard let value else { return missing }
        return try integer(value, what())
    }

    func flag(_ value: Value?) throws(TemplateError) -> Bool {
        try value.map { (value) throws(TemplateError) in try truth(value) } ?? false
    }

    /// Text where Python needs some, and nothing is made text.
    func needText(_ value: Value, _ what: @autoclosure () -> String) throws(TemplateError) -> String {
        if let text = value.string { return text }
        if case .undefined(let missing) = value { throw fail(missing) }
        throw fail("\(what()) is a string, not \(value.kindName)")
    }

    // MARK: Text

    private func applyToText(_ filter: FilterName, _ value: Value, _ arguments: Arguments) throws(TemplateError) -> Value {
        switch filter {
        case .upper, .lower, .capitalize, .title, .string, .wordcount:
            _ = try bind(filter, arguments)
            return try simpleText(filter, value)
        case .trim:
            let characters = try bind(filter, arguments, ["chars"])[0]
            let (text, isMarkup) = try softText(value)
            try charge(1 + text.utf8.count / 16)
            let set = try characters.flatMap { (value) throws(TemplateError) in try strippedSet(value) }
            return try self.text(PythonText.string(PythonText.stripped(Array(text.unicodeScalars), set)), isMarkup: isMarkup)
        case .center:
            let width = try integer(try bind(filter, arguments, ["width"])[0], default: 80, "the width")
            let (text, isMarkup) = try softText(value)
            return try self.text(try centered(text, width, " "), isMarkup: isMarkup)
        case .escape:
            _ = try bind(filter, arguments)
            return .markup(try escaped(value))
        case .forceescape:
            _ = try bind(filter, arguments)
            return try self.text(PythonText.escaped(try text(of: value)), isMarkup: true)
        case .safe:
            _ = try bind(filter, arguments)
            return .markup(try softText(value).text)
        case .format:
            if !arguments.positional.isEmpty, !arguments.keywords.isEmpty {
                throw fail("'format' takes arguments with or without names, not both")
            }
            let (text, isMarkup) = try softText(value)
            let values =
                arguments.keywords.isEmpty
                ? try tuple(arguments.positional) : try dictionary(arguments.keywords.map { (.string($0.name), $0.value) })
            return try formatted(text, isMarkup: isMarkup, values)
        case .replace: return try replace(value, arguments)
        case .truncate: return try truncate(value, arguments)
        case .indent: return try indent(value, arguments)
        case .wordwrap: return try wordwrap(value, arguments)
        case .urlencode: return try urlencode(value, arguments)
        case .striptags:
            _ = try bind(filter, arguments)
            let markup = try softText(value).text
            try charge(1 + markup.utf8.count / 16)
            return try text(StrippedTags.text(of: markup), isMarkup: false)
        default: return try tojson(value, arguments)
        }
    }

    private func simpleText(_ filter: FilterName, _ value: Value) throws(TemplateError) -> Value {
        let (text, isMarkup) = try softText(value)
        try charge(1 + text.utf8.count / 16)
        let scalars = Array(text.unicodeScalars)
        switch filter {
        case .upper: return try self.text(PythonText.upper(scalars), isMarkup: isMarkup)
        case .lower: return try self.text(PythonText.lower(scalars), isMarkup: isMarkup)
        case .capitalize: return try self.text(PythonText.capitalized(scalars), isMarkup: isMarkup)
        // Python joins the words to a plain string.
        case .title: return try self.text(PythonText.titledWords(scalars), isMarkup: false)
        case .string: return isMarkup ? .markup(text) : .string(text)
        default:
            var words = 0
            var inWord = false
            for scalar in scalars {
                let isWord = PythonText.isWord(scalar)
                if isWord, !inWord { words += 1 }
                inWord = isWord
            }
            return .integer(words)
        }
    }

    /// The characters that are stripped; none for `none`, which means white space.
    func strippedSet(_ value: Value) throws(TemplateError) -> Set<Unicode.Scalar>? {
        if value.isNone { return nil }
        let text = try needText(value, "what is stripped")
        try charge(1 + text.utf8.count / 16)
        return Set(text.unicodeScalars)
    }

    /// `str.center`: of an odd number of blanks, the one more stands left where the width is odd.
    func centered(_ text: String, _ width: Int, _ fill: Unicode.Scalar) throws(TemplateError) -> String {
        let count = text.unicodeScalars.count
        guard width > count else { return text }
        let missing = width - count
        try chargeText(missing)
        let left = missing / 2 + (missing & width & 1)
        let filler = String(Character(fill))
        return String(repeating: filler, count: left) + text + String(repeating: filler, count: missing - left)
    }

    private func replace(_ value: Value, _ arguments: Arguments) throws(TemplateError) -> Value {
        let bound = try bind(.replace, arguments, ["old", "new", "count"], required: 2)
        guard let old = bound[0], let new = bound[1] else { return value }
        let count = bound[2]?.isNone == false ? try integer(bound[2], default: -1, "the count") : -1
        guard context.escapes else {
            return try self.text(
                try replaced(try text(of: value), try text(of: old), try text(of: new), count), isMarkup: false)
        }
        let escapesValue = old.isMarkup || new.isMarkup && !value.isMarkup
        let (text, isMarkup) = escapesValue ? (try escaped(value), true) : try softText(value)
        return try self.text(
            try replaced(text, try softText(old).text, isMarkup ? try escaped(new) : try softText(new).text, count), isMarkup: isMarkup)
    }

    func replaced(_ text: String, _ old: String, _ new: String, _ count: Int) throws(TemplateError) -> String {
        try charge(1 + (text.utf8.count + old.utf8.count) / 16)
        let scalars = Array(text.unicodeScalars)
        let oldScalars = Array(old.unicodeScalars)
        let limit = count < 0 ? Int.max : count
        // The places are found first: what they would grow to is known before it is made.
        let found = PythonText.places(oldScalars, in: scalars, atMost: limit).count
        let (grown, overflow) = found.multipliedReportingOverflow(by: new.utf8.count)
        try chargeText(overflow || grown > limits.outputBytes ? .max : text.utf8.count + grown)
        if found == 0 { return text }
        return PythonText.string(PythonText.replaced(scalars, oldScalars, by: Array(new.unicodeScalars), atMost: limit))
    }

    private func truncate(_ value: Value, _ arguments: Arguments) throws(TemplateError) -> Value {
        let bound = try bind(.truncate, arguments, ["length", "killwords", "end", "leeway"])
        let end = bound[2] ?? .string("...")
        let endLength = try length(of: end)
        let length = try integer(bound[0], default: 255, "the length")
        let leeway = bound[3]?.isNone == false ? try integer(bound[3], default: 5, "the leeway") : 5
        if length < endLength { throw fail("the length is \(endLength) at least, that of the end, not \(length)") }
        if leeway < 0 { throw fail("the leeway is 0 at least, not \(leeway)") }
        let (most, overflow) = length.addingReportingOverflow(leeway)
        if try self.length(of: value) <= (overflow ? .max : most) { return value }
        guard let text = value.string else { throw fail("only a string can be truncated, not \(value.kindName)") }
        var kept = Array(text.unicodeScalars.prefix(length - endLength))
        if !(try flag(bound[1])), let space = kept.lastIndex(of: " ") { kept = Array(kept[..<space]) }
        return try binary(.add, value.isMarkup ? .markup(PythonText.string(kept)) : .string(PythonText.string(kept)), end)
    }

    private func indent(_ value: Value, _ arguments: Arguments) throws(TemplateError) -> Value {
        let bound = try bind(.indent, arguments, ["width", "first", "blank"])
        let text = try needText(value, "what is indented")
        var indention: String
        if let width = bound[0], let own = width.string {
            indention = own
            // Python escapes a text that is put to one that is escaped; what is a number of blanks has nothing to escape.
        } else {
            let width = try integer(bound[0], default: 4, "the width")
            try chargeText(max(0, width))
            indention = String(repeating: " ", count: max(0, width))
        }
        if !value.isMarkup, bound[0]?.isMarkup == true, case .markup(let own)? = bound[0] { indention = own }
        let lines = PythonText.lines(Array((text + "\n").unicodeScalars)).map { PythonText.string($0) }
        let (bytes, overflow) = lines.count.multipliedReportingOverflow(by: indention.utf8.count + 1)
        try chargeText(overflow ? .max : bytes + text.utf8.count)
        let blank = try flag(bound[2])
        var result = lines.first ?? ""
        for line in lines.dropFirst() { result += "\n" + (blank || !line.isEmpty ? indention : "") + line }
        if try flag(bound[1]) { result = indention + result }
        return try self.text(result, isMarkup: value.isMarkup)
    }

    private func wordwrap(_ value: Value, _ arguments: Arguments) throws(TemplateError) -> Value {
        let bound = try bind(.wordwrap, arguments, ["width", "break_long_words", "wrapstring", "break_on_hyphens"])
        let text = try needText(value, "what is wrapped")
        let width = try integer(bound[0], default: 79, "the width")
        var separator = "\n"
        if let given = bound[2], !given.isNone { separator = try needText(given, "the wrapstring") }
        let wrap = WordWrap(
            width: width, breaksLongWords: try flag(bound[1] ?? .boolean(true)), breaksOnHyphens: try flag(bound[3] ?? .boolean(true)))
        let lines = PythonText.lines(Array(text.unicodeScalars))
        if width <= 0, !lines.isEmpty { throw fail("the width is 1 at least, not \(width)") }
        try charge(1 + text.utf8.count)
        let wrapped = lines.map { wrap.lines(of: $0) }
        // What it grows to is known before it is made.
        let ends = wrapped.reduce(lines.count) { $0 + $1.count }
        let (grown, overflow) = ends.multipliedReportingOverflow(by: separator.utf8.count)
        try chargeText(overflow || grown > limits.outputBytes ? .max : grown)
        let joined = wrapped.map { $0.map { PythonText.string($0) }.joined(separator: separator) }
        return try self.text(joined.joined(separator: separator), isMarkup: false)
    }

    private func urlencode(_ value: Value, _ arguments: Arguments) throws(TemplateError) -> Value {
        _ = try bind(.urlencode, arguments)
        switch value {
        case .dictionary(let members):
            return try self.text(try queried(Array(zip(members.keys, members.values))), isMarkup: false)
        case .sequence, .iterator, .undefined:
            var pairs: [(Value, Value)] = []
            for item in try items(of: value) {
                let pair = try items(of: item)
                guard pair.count == 2 else { throw fail("'urlencode' needs a string, a dictionary or pairs") }
                pairs.append((pair[0], pair[1]))
            }
            return try self.text(try queried(pairs), isMarkup: false)
        default: return try self.text(PercentEncoding.encoded(try text(of: value), keepingSlash: true), isMarkup: false)
        }
    }

    private func queried(_ pairs: [(Value, Value)]) throws(TemplateError) -> String {
        var query = ""
        for (place, (key, value)) in pairs.enumerated() {
            if place > 0 { query += "&" }
            query += try encoded(key) + "=" + (try encoded(value))
            if query.utf8.count > limits.outputBytes { break }
        }
        return query
    }

    private func encoded(_ value: Value) throws(TemplateError) -> String {
        let text = try text(of: value)
        try charge(1 + text.utf8.count / 16)
        return PercentEncoding.encoded(text, keepingSlash: false)
    }
}
