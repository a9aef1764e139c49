import MillraceCore

/// Filters over sequences.
extension Interpreter {
    func applyToSequence(_ filter: FilterName, _ value: Value, _ arguments: Arguments) throws(TemplateError) -> Value {
        switch filter {
        case .default:
            let bound = try bind(filter, arguments, ["default_value", "boolean"])
            var isReplaced = value.isUndefined
            if !isReplaced, try flag(bound[1]) { isReplaced = !(try truth(value)) }
            return isReplaced ? bound[0] ?? .string("") : value
        case .length:
            _ = try bind(filter, arguments)
            return .integer(try length(of: value))
        case .list:
            _ = try bind(filter, arguments)
            return try list(try items(of: value))
        case .first, .last, .reverse, .items:
            _ = try bind(filter, arguments)
            return try end(filter, value)
        case .attr: return try attr(value, arguments)
        case .join: return try join(value, arguments)
        case .map: return try map(value, arguments)
        case .select, .reject: return try select(filter, value, arguments, byAttribute: false)
        case .selectattr, .rejectattr: return try select(filter, value, arguments, byAttribute: true)
        case .batch: return try batch(value, arguments)
        case .slice: return try slices(value, arguments)
        default: return try applyWithOrder(filter, value, arguments)
        }
    }

    /// What leads to an attribute: `a.b.0` is three steps.
    func path(_ attribute: Value?) throws(TemplateError) -> [Value] {
        guard let attribute, !attribute.isNone else { return [] }
        guard let text = attribute.string else { return [attribute] }
        return try path(text)
    }

    func path(_ text: String) throws(TemplateError) -> [Value] {
        try charge(1 + text.utf8.count / 4)
        return text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).map { part in
            let isNumber = !part.isEmpty && part.allSatisfy { (48...57).contains($0) }
            let name = String(decoding: part, as: UTF8.self)
            return isNumber ? Int(name).map { .integer($0) } ?? .string(name) : .string(name)
        }
    }

    private func end(_ filter: FilterName, _ value: Value) throws(TemplateError) -> Value {
        switch (filter, value) {
        case (.first, .iterator(let number)):
            let (items, next) = iterators[number]
            if next >= items.count { return .undefined(Value.Missing("there is no first item: the sequence is empty")) }
            iterators[number].next += 1
            return items[next]
        case (.first, _): return try items(of: value).first ?? .undefined(Value.Missing("there is no first item: the sequence is empty"))
        case (.last, .iterator): throw fail("'last' is not for \(value.kindName)")
        case (.last, .markup): return try element(.integer(-1), of: value)
        case (.last, _): return try items(of: value).last ?? .undefined(Value.Missing("there is no last item: the sequence is empty"))
        case (.reverse, .string(let text)), (.reverse, .markup(let text)):
            return try self.text(PythonText.string(text.unicodeScalars.reversed()), isMarkup: value.isMarkup)
        case (.reverse, .iterator): return try list(try items(of: value).reversed())
        case (.reverse, _): return try iterator(try items(of: value).reversed())
        // Jinja2 takes an undefined value for no items, a strict one as well.
        case (_, .undefined): return try iterator([])
        case (_, .dictionary(let members)):
            var pairs: [Value] = []
            for (key, value) in zip(members.keys, members.values) { pairs.append(try tuple([key, value])) }
            return try iterator(pairs)
        default: throw fail("only a dictionary has items, not \(value.kindName)")
        }
    }

    private func attr(_ value: Value, _ arguments: Arguments) throws(TemplateError) -> Value {
        guard let given = try bind(.attr, arguments, ["name"], required: 1)[0] else { return value }
        let name = try needText(given, "an attribute's name")
        if name.hasPrefix("__") { throw fail("'\(name)' is not available: names that begin with __ are Python's own") }
        return try ownAttribute(name, of: value) ?? .undefined(Value.Missing("\(value.kindName) has no attribute '\(name)'"))
    }

    private func join(_ value: Value, _ arguments: Arguments) throws(TemplateError) -> Value {
        let bound = try bind(.join, arguments, ["d", "attribute"])
        var items = try items(of: value)
        if let attribute = bound[1], !attribute.isNone {
            let path = try path(attribute)
            for place in items.indices { items[place] = try element(at: path, of: items[place]) }
        }
        let separator = bound[0] ?? .string("")
        // Where text is escaped and any part is so already, all is.
        let isMarkup = context.escapes && (separator.isMarkup || items.contains(where: \.isMarkup))
        return try joined(items, by: isMarkup ? try escaped(separator) : try text(of: separator), isMarkup: isMarkup)
    }

    func joined(_ items: [Value], by separator: String, isMarkup: Bool) throws(TemplateError) -> Value {
        var result = ""
        for (place, item) in items.enumerated() {
            if place > 0 { result += separator }
            result += isMarkup ? try escaped(item) : try text(of: item)
            if result.utf8.count > limits.outputBytes { break }
        }
        return try text(result, isMarkup: isMarkup)
    }

    // MARK: By another filter or test

    private func map(_ value: Value, _ arguments: Arguments) throws(TemplateError) -> Value {
        if !(try truth(value)) { return try iterator([]) }
        var mapped: [Value] = []
        if arguments.positional.isEmpty, arguments.keywords.contains(where: { $0.name == "attribute" }) {
            let bound = try bind(.map, Arguments(keywords: arguments.keywords), ["attribute", "default"])
            let path = try path(bound[0])
            for item in try items(of: value) { mapped.append(try element(at: path, of: item, default: bound[1])) }
            return try iterator(mapped)
        }
        guard let first = arguments.positional.first else { throw fail("'map' needs a filter's name, or attribute='…'") }
        let name = try needText(first, "a filter's name")
        guard let filter = FilterName(name) else { throw fail(FilterName.unknown(name)) }
        let rest = Arguments(positional: Array(arguments.positional.dropFirst()), keywords: arguments.keywords)
        for item in try items(of: value) { mapped.append(try apply(filter, item, rest)) }
        return try iterator(mapped)
    }

    /// As ``element(at:of:)``; what is undefined on the way is replaced.
    func element(at path: [Value], of value: Value, default missing: Value?) throws(TemplateError) -> Value {
        guard let missing, !missing.isNone else { return try element(at: path, of: value) }
        var value = value
        for key in path {
            value = try element(key, of: value)
            if value.isUndefined { value = missing }
        }
        return value
    }

    private func select(
        _ filter: FilterName, _ value: Value, _ arguments: Arguments, byAttribute: Bool
    ) throws(TemplateError) -> Value {
        if !(try truth(value)) { return try iterator([]) }
        var rest = arguments
        var attribute: [Value] = []
        if byAttribute {
            if rest.positional.isEmpty { throw fail("'\(filter.rawValue)' needs an attribute's name") }
            attribute = try path(rest.positional.removeFirst())
        }
        var test: TestName?
        if !rest.positional.isEmpty {
            let name = try needText(rest.positional.removeFirst(), "a test's name")
            guard let found = TestName(name) else { throw fail(TestName.unknown(name)) }
            test = found
        }
        let keeps = filter == .select || filter == .selectattr
        var kept: [Value] = []
        for item in try items(of: value) {
            let tested = try element(at: attribute, of: item)
            let holds = if let test { try holds(test, tested, rest) } else { try truth(tested) }
            if holds == keeps { kept.append(item) }
        }
        return try iterator(kept)
    }

    // MARK: Parts

    private func batch(_ value: Value, _ arguments: Arguments) throws(TemplateError) -> Value {
        let bound = try bind(.batch, arguments, ["linecount", "fill_with"], required: 1)
        let size = try integer(bound[0], default: 1, "the line count")
        var batches: [Value] = []
        var current: [Value] = []
        for item in try items(of: value) {
            if current.count == size {
                batches.append(try list(current))
                current = []
            }
            current.append(item)
        }
        if !current.isEmpty {
            if let filler = bound[1], !filler.isNone, current.count < size {
                try checkElements(size)
                current += Array(repeating: filler, count: size - current.count)
            }
            batches.append(try list(current))
        }
        return try iterator(batches)
    }

    private func checkElements(_ count: Int) throws(TemplateError) {
        if count > limits.rangeElements { throw fail("a list would have more than \(limits.rangeElements) elements", .limit) }
    }

    private func slices(_ value: Value, _ arguments: Arguments) throws(TemplateError) -> Value {
        let bound = try bind(.slice, arguments, ["slices", "fill_with"], required: 1)
        let count = try integer(bound[0], default: 1, "the number of slices")
        let items = try items(of: value)
        if count == 0 { throw fail("there are no 0 slices") }
        try checkElements(count)
        var slices: [Value] = []
        var start = 0
        for number in 0..<max(0, count) {
            let isLonger = number < items.count % count
            let end = start + items.count / count + (isLonger ? 1 : 0)
            var slice = Array(items[start..<end])
            if let filler = bound[1], !filler.isNone, !isLonger { slice.append(filler) }
            slices.append(try list(slice))
            start = end
        }
        return try iterator(slices)
    }
}
