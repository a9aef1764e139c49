import MillraceCore

/// Attributes, elements, slices and walks.
extension Interpreter {
    /// Attributes of Python's values that templates do not have here; naming one is an error rather than an undefined value.
    private static let unsupported: [String: Set<String>] = [
        "string": [
            "encode", "expandtabs", "format_map", "isascii", "isidentifier", "isprintable", "maketrans", "translate", "unescape",
            "striptags", "escape",
        ],
        "list": ["append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort"],
        "dictionary": ["clear", "fromkeys", "pop", "popitem", "setdefault", "update"],
        "number": [
            "real", "imag", "numerator", "denominator", "conjugate", "bit_length", "bit_count", "to_bytes", "from_bytes",
            "as_integer_ratio", "is_integer", "hex", "fromhex",
        ],
        "view": ["isdisjoint", "mapping"],
    ]

    /// `value.name`: a method or attribute, or else the element of that key.
    func attribute(_ name: String, of value: Value) throws(TemplateError) -> Value {
        if name.hasPrefix("__") { throw fail("'\(name)' is not available: names that begin with __ are Python's own") }
        if let attribute = try ownAttribute(name, of: value) { return attribute }
        if case .dictionary(let dictionary) = value, let member = dictionary[.text(.init(name))] { return member }
        return .undefined(Value.Missing(missing(name, value)))
    }

    private func missing(_ name: String, _ value: Value) -> String {
        var message = "\(value.kindName) has no attribute '\(name)'"
        if case .dictionary(let dictionary) = value, options.undefined == .strict, dictionary.keys.count <= 1000 {
            message += Suggestion.phrase(for: name, among: dictionary.keys.compactMap(\.string))
        }
        return message
    }

    /// What a value has by that name besides its elements.
    func ownAttribute(_ name: String, of value: Value) throws(TemplateError) -> Value? {
        // A name may be any text, and the message about what is missing holds it.
        try charge(1 + name.utf8.count / 16)
        let kind: String
        switch value {
        case .undefined(let missing): throw fail(missing)
        case .string, .markup:
            if Self.stringMethods.contains(name) { return .object(.method(Value.Method(value, name))) }
            kind = "string"
        case .dictionary:
            if ["items", "keys", "values", "get", "copy"].contains(name) { return .object(.method(Value.Method(value, name))) }
            kind = "dictionary"
        case .sequence(let sequence):
            if let attribute = sequenceAttribute(name, of: sequence, value) { return attribute }
            kind = sequence.isView ? "view" : "list"
        case .object(let object): return try objectAttribute(name, of: object)
        case .boolean, .integer, .float: kind = "number"
        case .none, .iterator: return nil
        }
        guard Self.unsupported[kind]?.contains(name) == true else { return nil }
        let advice =
            kind == "list"
            ? ": lists do not change; write {% set list = list + [item] %}"
            : kind == "dictionary" ? ": dictionaries do not change; write dict(old, key=value)" : ""
        throw fail("'\(name)' of \(value.kindName) is not supported\(advice)")
    }

    private func sequenceAttribute(_ name: String, of sequence: Value.Sequence, _ value: Value) -> Value? {
        switch (sequence.kind, name) {
        case (.group, "grouper"): return sequence.items[0]
        case (.group, "list"): return sequence.items[1]
        case (.range(let start, _, _), "start"): return .integer(start)
        case (.range(_, let stop, _), "stop"): return .integer(stop)
        case (.range(_, _, let step), "step"): return .integer(step)
        case (.list, "copy"): return .object(.method(Value.Method(value, name)))
        case (_, "count"), (_, "index"): return sequence.isView ? nil : .object(.method(Value.Method(value, name)))
        default: return nil
        }
    }

    /// `value[key]`: the element, or else the attribute of that name.
    func element(_ key: Value, of value: Value) throws(TemplateError) -> Value {
        switch value {
        case .undefined(let missing): throw fail(missing)
        case .dictionary(let dictionary):
            if let hash = try hashKeyIfHashable(key), let member = dictionary[hash] { return member }
        case .sequence(let sequence) where !sequence.isView:
            if let index = key.index {
                let place = index < 0 ? index + sequence.items.count : index
                if sequence.items.indices.contains(place) { return sequence.items[place] }
            }
        case .string(let text), .markup(let text):
            if let index = key.index {
                try charge(1 + text.utf8.count / 64)
                let scalars = text.unicodeScalars
                let place = index < 0 ? index + scalars.count : index
                if place >= 0, let start = scalars.index(scalars.startIndex, offsetBy: place, limitedBy: scalars.endIndex),
                    start < scalars.endIndex
                {
                    return try self.text(String(Character(scalars[start])), isMarkup: value.isMarkup)
                }
            }
        case .object(.blocks):
            if let name = key.string, context.blocks[name] != nil { return .object(.block(name, index: 0)) }
        default: break
        }
        guard let name = key.string else {
            if case .undefined(let missing) = key { try useUndefined(missing) }
            let words = (try? repr(of: key)) ?? key.kindName
            return .undefined(Value.Missing("\(value.kindName) has no element \(words)"))
        }
        if name.hasPrefix("__") { throw fail("'\(name)' is not available: names that begin with __ are Python's own") }
        return try ownAttribute(name, of: value) ?? .undefined(Value.Missing(missing(name, value)))
    }

    /// What `path` leads to: names and numbers with dots between them, as `map` and `sort` take them.
    func element(at path: [Value], of value: Value) throws(TemplateError) -> Value {
        var value = value
        for key in path { value = try element(key, of: value) }
        return value
    }

    // MARK: Slices

    func slice(_ value: Value, from start: Int?, to end: Int?, by step: Int?) throws(TemplateError) -> Value {
        if step == 0 { throw fail("the step of a slice is not 0") }
        switch value {
        case .undefined(let missing): throw fail(missing)
        case .string(let text), .markup(let text):
            try charge(1 + text.utf8.count / 16)
            let scalars = Array(text.unicodeScalars)
            let places = try places(scalars.count, start, end, step ?? 1)
            return try self.text(PythonText.string(places.map { scalars[$0] }), isMarkup: value.isMarkup)
        case .sequence(let sequence) where !sequence.isView:
            let places = try places(sequence.items.count, start, end, step ?? 1)
            let items = places.map { sequence.items[$0] }
            switch sequence.kind {
            case .range(let first, _, let by):
                let range = bounds(sequence.items.count, start, end, step ?? 1)
                func times(_ count: Int) throws(TemplateError) -> Int {
                    try checked(by, count, "*") { $0.multipliedReportingOverflow(by: $1) }
                }
                func place(_ index: Int) throws(TemplateError) -> Int {
                    try checked(first, try times(index), "+") { $0.addingReportingOverflow($1) }
                }
                return try self.sequence(
                    .range(start: try place(range.start), stop: try place(range.end), step: try times(step ?? 1)), items)
            case .group: return try tuple(items)
            default: return try self.sequence(sequence.kind, items)
            }
        default: throw fail("\(value.kindName) cannot be sliced")
        }
    }

    /// Source: Python's `slice.indices`.
    private func bounds(_ count: Int, _ start: Int?, _ end: Int?, _ step: Int) -> (start: Int, end: Int) {
        let (lower, upper) = step < 0 ? (-1, count - 1) : (0, count)
        func clamped(_ bound: Int?, _ missing: Int) -> Int {
            guard let bound else { return missing }
            return bound < 0 ? max(bound < -count ? lower : bound + count, lower) : min(bound, upper)
        }
        return (clamped(start, step < 0 ? upper : lower), clamped(end, step < 0 ? lower : upper))
    }

    private func places(_ count: Int, _ start: Int?, _ end: Int?, _ step: Int) throws(TemplateError) -> [Int] {
        let (start, end) = bounds(count, start, end, step)
        return Array(stride(from: start, to: end, by: step))
    }

    // MARK: Walks

    /// The elements of a value that is walked.
    func items(of value: Value) throws(TemplateError) -> [Value] {
        switch value {
        case .undefined(let missing):
            try useUndefined(missing)
            return []
        case .sequence(let sequence):
            try charge(1 + sequence.items.count / 16)
            return sequence.items
        case .dictionary(let dictionary):
            try charge(1 + dictionary.keys.count / 16)
            return dictionary.keys
        case .string(let text), .markup(let text):
            try charge(1 + text.utf8.count)
            return text.unicodeScalars.map { .string(String(Character($0))) }
        case .iterator(let number):
            let (items, next) = iterators[number]
            iterators[number].next = items.count
            try charge(1 + (items.count - next) / 16)
            return Array(items[next...])
        default: throw fail("\(value.kindName) cannot be walked")
        }
    }

    /// `len(value)`.
    func length(of value: Value) throws(TemplateError) -> Int {
        switch value {
        case .undefined(let missing):
            try useUndefined(missing)
            return 0
        case .sequence(let sequence): return sequence.items.count
        case .dictionary(let dictionary): return dictionary.keys.count
        case .string(let text), .markup(let text):
            try charge(1 + text.utf8.count / 64)
            return text.unicodeScalars.count
        case .object(.loop(let number)):
            guard let state = loops[number] else { throw fail("the loop has ended") }
            return try state.length { (item) throws(TemplateError) in try passes(item, state) }
        default: throw fail("\(value.kindName) has no length")
        }
    }
}
