/// Filters that compare elements: by an attribute, and by default without regard to upper and lower case.
extension Interpreter {
    func applyWithOrder(_ filter: FilterName, _ value: Value, _ arguments: Arguments) throws(TemplateError) -> Value {
        switch filter {
        case .sort: return try sort(value, arguments)
        case .dictsort: return try dictsort(value, arguments)
        case .groupby: return try groupby(value, arguments)
        case .unique: return try unique(value, arguments)
        default: return try extreme(filter, value, arguments)
        }
    }

    private func withoutCase(_ value: Value, _ caseSensitive: Bool) throws(TemplateError) -> Value {
        guard !caseSensitive, let text = value.string else { return value }
        try charge(1 + text.utf8.count / 16)
        return .string(PythonText.lower(Array(text.unicodeScalars)))
    }

    private func isBefore(_ left: Value, _ right: Value) throws(TemplateError) -> Bool { try order(of: left, right) == -1 }

    private func sort(_ value: Value, _ arguments: Arguments) throws(TemplateError) -> Value {
        let bound = try bind(.sort, arguments, ["reverse", "case_sensitive", "attribute"])
        let caseSensitive = try flag(bound[1])
        var paths: [[Value]] = []
        if let text = bound[2]?.string {
            for part in text.utf8.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
                paths.append(try path(String(decoding: part, as: UTF8.self)))
            }
        } else {
            paths = [try path(bound[2])]
        }
        let items = try items(of: value)
        var keys: [Value] = []
        for item in items {
            var key: [Value] = []
            for path in paths { key.append(try withoutCase(try element(at: path, of: item), caseSensitive)) }
            keys.append(try list(key))
        }
        let places = try sorted(items.count, reverse: try integer(bound[0], default: 0, "'reverse'") != 0) {
            (left, right) throws(TemplateError) in
            try isBefore(keys[left], keys[right])
        }
        return try list(places.map { items[$0] })
    }

    private func dictsort(_ value: Value, _ arguments: Arguments) throws(TemplateError) -> Value {
        let bound = try bind(.dictsort, arguments, ["case_sensitive", "by", "reverse"])
        let by = try bound[1].map { (value) throws(TemplateError) in try needText(value, "'by'") } ?? "key"
        guard by == "key" || by == "value" else { throw fail("'dictsort' is by \"key\" or \"value\"") }
        guard case .dictionary(let members) = value else {
            if case .undefined(let missing) = value { throw fail(missing) }
            throw fail("only a dictionary can be sorted by 'dictsort', not \(value.kindName)")
        }
        let caseSensitive = try flag(bound[0])
        var keys: [Value] = []
        for item in by == "key" ? members.keys : members.values { keys.append(try withoutCase(item, caseSensitive)) }
        let places = try sorted(keys.count, reverse: try integer(bound[2], default: 0, "'reverse'") != 0) {
            (left, right) throws(TemplateError) in
            try isBefore(keys[left], keys[right])
        }
        var pairs: [Value] = []
        for place in places { pairs.append(try tuple([members.keys[place], members.values[place]])) }
        return try list(pairs)
    }

    private func groupby(_ value: Value, _ arguments: Arguments) throws(TemplateError) -> Value {
        let bound = try bind(.groupby, arguments, ["attribute", "default", "case_sensitive"], required: 1)
        let caseSensitive = try flag(bound[2])
        let path = try path(bound[0])
        let items = try items(of: value)
        var names: [Value] = []
        var keys: [Value] = []
        for item in items {
            let name = try element(at: path, of: item, default: bound[1])
            names.append(name)
            keys.append(try withoutCase(name, caseSensitive))
        }
        let places = try sorted(items.count, reverse: false) { (left, right) throws(TemplateError) in try isBefore(keys[left], keys[right])
        }
        var groups: [Value] = []
        var members: [Value] = []
        var first: Int?
        for place in places {
            if let start = first, !(try equal(keys[start], keys[place])) {
                groups.append(try sequence(.group, [names[start], try list(members)]))
                (members, first) = ([], nil)
            }
            if first == nil { first = place }
            members.append(items[place])
        }
        if let first { groups.append(try sequence(.group, [names[first], try list(members)])) }
        return try list(groups)
    }

    private func unique(_ value: Value, _ arguments: Arguments) throws(TemplateError) -> Value {
        let bound = try bind(.unique, arguments, ["case_sensitive", "attribute"])
        let caseSensitive = try flag(bound[0])
        let path = try path(bound[1])
        var seen: Set<HashKey> = []
        var kept: [Value] = []
        for item in try items(of: value) {
            if seen.insert(try hashKey(try withoutCase(try element(at: path, of: item), caseSensitive))).inserted { kept.append(item) }
        }
        return try iterator(kept)
    }

    /// `min` and `max`: of several, the first.
    private func extreme(_ filter: FilterName, _ value: Value, _ arguments: Arguments) throws(TemplateError) -> Value {
        let bound = try bind(filter, arguments, ["case_sensitive", "attribute"])
        let caseSensitive = try flag(bound[0])
        let path = try path(bound[1])
        var best: (item: Value, key: Value)?
        for item in try items(of: value) {
            let key = try withoutCase(try element(at: path, of: item), caseSensitive)
            guard let current = best else {
                best = (item, key)
                continue
            }
            let isBetter = filter == .min ? try isBefore(key, current.key) : try order(of: key, current.key, ">") == 1
            if isBetter { best = (item, key) }
        }
        return best?.item ?? .undefined(Value.Missing("there is no '\(filter.rawValue)': the sequence is empty"))
    }
}
