/// What stands behind `is`.
extension Interpreter {
    func holds(_ test: TestName, _ value: Value, _ arguments: Arguments) throws(TemplateError) -> Bool {
        switch test {
        case .divisibleby, .eq, .ne, .lt, .le, .gt, .ge, .in:
            guard let other = try bind(arguments, ["other"], "the test '\(test.rawValue)'", required: 1)[0] else { return false }
            return try holds(test, value, other)
        default:
            _ = try bind(arguments, [], "the test '\(test.rawValue)'")
            return try holds(test, value)
        }
    }

    private func holds(_ test: TestName, _ value: Value, _ other: Value) throws(TemplateError) -> Bool {
        switch test {
        case .divisibleby: try equal(try binary(.modulo, value, other), .integer(0))
        case .eq: try equal(value, other)
        case .ne: !(try equal(value, other))
        case .lt: try compare(value, .less, other)
        case .le: try compare(value, .lessOrEqual, other)
        case .gt: try compare(value, .greater, other)
        case .ge: try compare(value, .greaterOrEqual, other)
        default: try contains(other, value)
        }
    }

    private func holds(_ test: TestName, _ value: Value) throws(TemplateError) -> Bool {
        switch (test, value) {
        case (.defined, _): return !value.isUndefined
        case (.undefined, _): return value.isUndefined
        case (.none, _): return value.isNone
        case (.boolean, .boolean): return true
        case (.true, .boolean(let value)): return value
        case (.false, .boolean(let value)): return !value
        case (.integer, .integer), (.float, .float): return true
        case (.number, .integer), (.number, .float), (.number, .boolean): return true
        case (.string, .string), (.string, .markup): return true
        case (.escaped, .markup): return true
        case (.mapping, .dictionary): return true
        case (.sequence, .string), (.sequence, .markup), (.sequence, .dictionary): return true
        case (.sequence, .sequence(let sequence)): return !sequence.isView
        case (.sequence, .undefined(let missing)): return options.undefined == .lenient || missing.isLenient
        case (.iterable, .undefined(let missing)):
            try useUndefined(missing)
            return true
        case (.iterable, .string), (.iterable, .markup), (.iterable, .sequence), (.iterable, .dictionary), (.iterable, .iterator):
            return true
        case (.iterable, .object(.loop)): return true
        case (.callable, .undefined): return true
        case (.callable, .object(let object)):
            switch object {
            case .macro, .block, .global, .method, .joiner, .loop: return true
            case .namespace, .cycler, .module, .blocks: return false
            }
        case (.even, _): return try equal(try binary(.modulo, value, .integer(2)), .integer(0))
        case (.odd, _): return try equal(try binary(.modulo, value, .integer(2)), .integer(1))
        case (.lower, _), (.upper, _):
            let text = try text(of: value)
            try charge(1 + text.utf8.count / 16)
            let scalars = Array(text.unicodeScalars)
            return test == .lower ? PythonText.isLower(scalars) : PythonText.isUpper(scalars)
        case (.filter, _), (.test, _):
            guard let name = value.string else { return try unknown(value) }
            try charge(1 + name.utf8.count / 64)
            return test == .filter ? FilterName(name) != nil : TestName(name) != nil
        default: return false
        }
    }

    /// What no text is, is the name of no filter.
    private func unknown(_ value: Value) throws(TemplateError) -> Bool {
        if case .undefined(let missing) = value { try useUndefined(missing) }
        _ = try hashKey(value)
        return false
    }
}
