/// `tojson`: what Jinja2's `htmlsafe_json_dumps` writes.
extension Interpreter {
    func tojson(_ value: Value, _ arguments: Arguments) throws(TemplateError) -> Value {
        let given = try bind(.tojson, arguments, ["indent"])[0]
        var indentation: String?
        if let given, !given.isNone {
            if let text = given.string {
                indentation = text
            } else {
                let width = try integer(given, "the indent")
                try chargeText(max(0, width))
                indentation = String(repeating: " ", count: max(0, width))
            }
        }
        var json = ""
        try write(value, indentation, level: 0, to: &json)
        var safe = ""
        for scalar in json.unicodeScalars {
            switch scalar {
            case "<": safe += "\\u003c"
            case ">": safe += "\\u003e"
            case "&": safe += "\\u0026"
            case "'": safe += "\\u0027"
            default: safe.unicodeScalars.append(scalar)
            }
        }
        return try text(safe, isMarkup: true)
    }

    private func write(_ value: Value, _ indentation: String?, level: Int, to json: inout String) throws(TemplateError) {
        try charge()
        if json.utf8.count > limits.outputBytes { throw fail("the JSON would have more than \(limits.outputBytes) bytes", .limit) }
        switch value {
        case .none: json += "null"
        case .boolean(let value): json += value ? "true" : "false"
        case .integer(let value): json += String(value)
        case .float(let value): json += Self.json(value)
        case .string(let text), .markup(let text): try write(text, to: &json)
        case .sequence(let sequence) where sequence.kind == .list || sequence.isTuple:
            json += "["
            for (place, item) in sequence.items.enumerated() {
                try begin(place, indentation, level, to: &json)
                try write(item, indentation, level: level + 1, to: &json)
            }
            try end(sequence.items.isEmpty, indentation, level, to: &json)
            json += "]"
        case .dictionary(let members): try write(members, indentation, level: level, to: &json)
        case .undefined(let missing): throw fail(missing)
        default: throw fail("\(value.kindName) cannot be written as JSON")
        }
    }

    private func write(_ members: Value.Dictionary, _ indentation: String?, level: Int, to json: inout String) throws(TemplateError) {
        let places = try sorted(members.keys.count, reverse: false) { (left, right) throws(TemplateError) in
            try order(of: members.keys[left], members.keys[right]) == -1
        }
        json += "{"
        for (place, member) in places.enumerated() {
            try begin(place, indentation, level, to: &json)
            let key = members.keys[member]
            switch key {
            case .string(let text), .markup(let text): try write(text, to: &json)
            case .integer(let value): json += "\"\(value)\""
            case .boolean(let value): json += value ? "\"true\"" : "\"false\""
            case .none: json += "\"null\""
            case .float(let value): json += "\"\(Self.json(value))\""
            default: throw fail("\(key.kindName) cannot be a key in JSON")
            }
            json += ": "
            try write(members.values[member], indentation, level: level + 1, to: &json)
        }
        try end(members.keys.isEmpty, indentation, level, to: &json)
        json += "}"
    }

    private func begin(_ place: Int, _ indentation: String?, _ level: Int, to json: inout String) throws(TemplateError) {
        if place > 0 { json += indentation == nil ? ", " : "," }
        if let indentation { try newline(indentation, level + 1, to: &json) }
    }

    private func end(_ isEmpty: Bool, _ indentation: String?, _ level: Int, to json: inout String) throws(TemplateError) {
        if let indentation, !isEmpty { try newline(indentation, level, to: &json) }
    }

    private func newline(_ indentation: String, _ level: Int, to json: inout String) throws(TemplateError) {
        try chargeText(indentation.utf8.count * level)
        json += "\n" + String(repeating: indentation, count: level)
    }

    private static func json(_ number: Double) -> String {
        number.isNaN ? "NaN" : number.isInfinite ? (number < 0 ? "-Infinity" : "Infinity") : PythonText.repr(number)
    }

    private func write(_ text: String, to json: inout String) throws(TemplateError) {
        try chargeText(text.utf8.count)
        json += "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": json += "\\\""
            case "\\": json += "\\\\"
            case "\n": json += "\\n"
            case "\r": json += "\\r"
            case "\t": json += "\\t"
            case "\u{8}": json += "\\b"
            case "\u{C}": json += "\\f"
            case " "..."~": json.unicodeScalars.append(scalar)
            default: for unit in UTF16.encode(scalar) ?? .init() { json += "\\u" + PythonText.hexadecimal(UInt32(unit), 4) }
            }
        }
        json += "\""
    }
}
