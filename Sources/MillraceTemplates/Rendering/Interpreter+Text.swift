import MillraceCore

/// Values as text, as Python's `str` and `repr` and MarkupSafe's `escape` write them.
extension Interpreter {
    /// `str(value)`.
    func text(of value: Value) throws(TemplateError) -> String {
        switch value {
        case .string(let text), .markup(let text): return text
        case .undefined(let missing):
            try useUndefined(missing)
            return ""
        case .integer(let value): return String(value)
        default:
            var result = ""
            try write(value, to: &result)
            try chargeText(result.utf8.count)
            return result
        }
    }

    /// `escape(value)`.
    func escaped(_ value: Value) throws(TemplateError) -> String {
        if case .markup(let text) = value { return text }
        let result = PythonText.escaped(try text(of: value))
        try chargeText(result.utf8.count)
        return result
    }

    /// `soft_str(value)`: text stays what it is.
    func softText(_ value: Value) throws(TemplateError) -> (text: String, isMarkup: Bool) {
        if case .markup(let text) = value { return (text, true) }
        return (try text(of: value), false)
    }

    /// `repr(value)`.
    func repr(of value: Value) throws(TemplateError) -> String {
        var result = ""
        try write(value, to: &result)
        try chargeText(result.utf8.count)
        return result
    }

    private func write(_ value: Value, to result: inout String) throws(TemplateError) {
        try charge()
        if result.utf8.count > limits.outputBytes { throw fail("a text would have more than \(limits.outputBytes) bytes", .limit) }
        switch value {
        case .none: result += "None"
        case .boolean(let value): result += value ? "True" : "False"
        case .integer(let value): result += String(value)
        case .float(let value): result += PythonText.repr(value)
        case .string(let text):
            try charge(text.utf8.count / 16)
            result += PythonText.repr(text)
        case .markup(let text):
            try charge(text.utf8.count / 16)
            result += "Markup(\(PythonText.repr(text)))"
        case .undefined: result += "Undefined"
        case .sequence(let sequence): try write(sequence, to: &result)
        case .dictionary(let dictionary): try write(dictionary, to: &result)
        case .iterator, .object: throw fail("\(value.kindName) cannot be printed")
        }
    }

    private func write(_ sequence: Value.Sequence, to result: inout String) throws(TemplateError) {
        let (start, end): (String, String)
        switch sequence.kind {
        case .list: (start, end) = ("[", "]")
        case .tuple, .group: (start, end) = ("(", sequence.items.count == 1 ? ",)" : ")")
        case .range(let from, let stop, let step):
            result += "range(\(from), \(stop)\(step == 1 ? "" : ", \(step)"))"
            return
        case .keys: (start, end) = ("dict_keys([", "])")
        case .values: (start, end) = ("dict_values([", "])")
        case .items: (start, end) = ("dict_items([", "])")
        }
        result += start
        for (place, item) in sequence.items.enumerated() {
            if place > 0 { result += ", " }
            try write(item, to: &result)
        }
        result += end
    }

    private func write(_ dictionary: Value.Dictionary, to result: inout String) throws(TemplateError) {
        result += "{"
        for (place, (key, value)) in zip(dictionary.keys, dictionary.values).enumerated() {
            if place > 0 { result += ", " }
            try write(key, to: &result)
            result += ": "
            try write(value, to: &result)
        }
        result += "}"
    }
}
