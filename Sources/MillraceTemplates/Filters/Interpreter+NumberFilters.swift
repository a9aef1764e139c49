import Glibc

/// Filters that give numbers.
extension Interpreter {
    func applyToNumber(_ filter: FilterName, _ value: Value, _ arguments: Arguments) throws(TemplateError) -> Value {
        switch filter {
        case .abs:
            _ = try bind(filter, arguments)
            if case .float(let number) = value { return .float(number.magnitude) }
            if let index = value.index, index < 0 { return try negative(.integer(index)) }
            return .integer(try integer(value, "what 'abs' is applied to"))
        case .int: return try int(value, arguments)
        case .float:
            let missing = try bind(filter, arguments, ["default"])[0] ?? .float(0)
            if let number = value.number { return .float(number) }
            if case .undefined(let missing) = value { throw fail(missing) }
            guard let text = value.string else { return missing }
            try charge(1 + text.utf8.count / 16)
            return NumberFormat.float(text).map { .float($0) } ?? missing
        case .round: return try round(value, arguments)
        default: return try sum(value, arguments)
        }
    }

    private func int(_ value: Value, _ arguments: Arguments) throws(TemplateError) -> Value {
        let bound = try bind(.int, arguments, ["default", "base"])
        let missing = bound[0] ?? .integer(0)
        if let index = value.index { return .integer(index) }
        if case .undefined(let missing) = value { throw fail(missing) }
        var number: Double?
        if case .float(let value) = value { number = value }
        if let text = value.string {
            try charge(1 + text.utf8.count / 16)
            let base = try integer(bound[1], default: 10, "the base")
            let (integer, isInteger) = NumberFormat.integer(text, base: base)
            if let integer { return .integer(integer) }
            if isInteger { throw fail("the integer does not fit into 64 bits") }
            number = NumberFormat.float(text)
        }
        guard let number, number.isFinite else { return missing }
        guard let integer = Int(exactly: number.rounded(.towardZero)) else { throw fail("the integer does not fit into 64 bits") }
        return .integer(integer)
    }

    private func round(_ value: Value, _ arguments: Arguments) throws(TemplateError) -> Value {
        let bound = try bind(.round, arguments, ["precision", "method"])
        let method = try bound[1].map { (value) throws(TemplateError) in try needText(value, "the method") } ?? "common"
        guard ["common", "ceil", "floor"].contains(method) else { throw fail("the method is common, ceil or floor, not '\(method)'") }
        if method == "common" {
            if let precision = bound[0], precision.isNone { throw fail("the precision is an integer, not none") }
            let precision = try integer(bound[0], default: 0, "the precision")
            if case .float(let number) = value {
                if let rounded = NumberFormat.rounded(number, digits: precision) { return .float(rounded) }
                throw fail("the rounded number is too large")
            }
            let integer = try integer(value, "what is rounded")
            guard let rounded = NumberFormat.rounded(integer, digits: precision) else {
                throw fail("the integer does not fit into 64 bits")
            }
            return .integer(rounded)
        }
        // As Jinja2: times a power of ten, rounded to an integer, and divided again.
        let factor = try binary(.power, .integer(10), bound[0] ?? .integer(0))
        let product = try binary(.multiply, value, factor)
        guard let number = product.number else { throw fail("only a number can be rounded, not \(value.kindName)") }
        let rounded = method == "ceil" ? number.rounded(.up) : number.rounded(.down)
        if case .float = product {
            guard let integer = Int(exactly: rounded) else { throw fail("the rounded number does not fit into 64 bits") }
            return try binary(.divide, .integer(integer), factor)
        }
        return try binary(.divide, product, factor)
    }

    private func sum(_ value: Value, _ arguments: Arguments) throws(TemplateError) -> Value {
        let bound = try bind(.sum, arguments, ["attribute", "start"])
        let path = try path(bound[0])
        var result = bound[1] ?? .integer(0)
        if result.string != nil { throw fail("strings are not summed: use 'join'") }
        for item in try items(of: value) {
            result = try binary(.add, result, bound[0]?.isNone == false ? try element(at: path, of: item) : item)
        }
        return result
    }
}
