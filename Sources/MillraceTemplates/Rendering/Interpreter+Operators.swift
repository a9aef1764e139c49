import Glibc

/// Arithmetic, as in Python. Integers have 64 bits; what does not fit is an error.
extension Interpreter {
    /// An integer where one is needed.
    func integer(_ value: Value, _ what: @autoclosure () -> String) throws(TemplateError) -> Int {
        if let index = value.index { return index }
        if case .undefined(let missing) = value { throw fail(missing) }
        throw fail("\(what()) is an integer, not \(value.kindName)")
    }

    func positive(_ value: Value) throws(TemplateError) -> Value {
        if let index = value.index { return .integer(index) }
        if case .float = value { return value }
        if case .undefined(let missing) = value { throw fail(missing) }
        throw fail("'+' needs a number, not \(value.kindName)")
    }

    func negative(_ value: Value) throws(TemplateError) -> Value {
        if let index = value.index { return .integer(try checked(0, index, "-", { $0.subtractingReportingOverflow($1) })) }
        if case .float(let number) = value { return .float(-number) }
        if case .undefined(let missing) = value { throw fail(missing) }
        throw fail("'-' needs a number, not \(value.kindName)")
    }

    func binary(_ operation: Expression.Binary, _ left: Value, _ right: Value) throws(TemplateError) -> Value {
        try charge()
        if case .undefined(let missing) = left { throw fail(missing) }
        if operation == .modulo, let format = left.string { return try formatted(format, isMarkup: left.isMarkup, right) }
        if case .undefined(let missing) = right { throw fail(missing) }
        if let left = left.index, let right = right.index { return try integers(operation, left, right) }
        if let left = left.number, let right = right.number { return .float(try floats(operation, left, right)) }
        if operation == .add, let sum = try joined(left, right) { return sum }
        if operation == .multiply {
            if let count = right.index, let product = try repeated(left, count) { return product }
            if let count = left.index, let product = try repeated(right, count) { return product }
        }
        throw fail("'\(operation.rawValue)' is not for \(left.kindName) and \(right.kindName)")
    }

    // MARK: Numbers

    func checked(
        _ left: Int, _ right: Int, _ sign: String, _ operation: (Int, Int) -> (partialValue: Int, overflow: Bool)
    ) throws(TemplateError) -> Int {
        let (value, overflow) = operation(left, right)
        if overflow { throw fail("the result of '\(sign)' does not fit into 64 bits") }
        return value
    }

    private func integers(_ operation: Expression.Binary, _ left: Int, _ right: Int) throws(TemplateError) -> Value {
        switch operation {
        case .add: return .integer(try checked(left, right, "+", { $0.addingReportingOverflow($1) }))
        case .subtract: return .integer(try checked(left, right, "-", { $0.subtractingReportingOverflow($1) }))
        case .multiply: return .integer(try checked(left, right, "*", { $0.multipliedReportingOverflow(by: $1) }))
        case .divide:
            if right == 0 { throw fail("division by zero") }
            return .float(Double(left) / Double(right))
        case .floorDivide, .modulo:
            if right == 0 { throw fail("division by zero") }
            let quotient = try checked(left, right, operation.rawValue, { $0.dividedReportingOverflow(by: $1) })
            let remainder = left - quotient * right
            // Python rounds down, and the remainder has the divisor's sign.
            let isRoundedUp = remainder != 0 && (remainder < 0) != (right < 0)
            if operation == .modulo { return .integer(isRoundedUp ? remainder + right : remainder) }
            return .integer(isRoundedUp ? quotient - 1 : quotient)
        case .power:
            if right < 0 { return .float(try floats(.power, Double(left), Double(right))) }
            return .integer(try power(left, right))
        }
    }

    /// By repeated squaring.
    private func power(_ base: Int, _ exponent: Int) throws(TemplateError) -> Int {
        var (result, base, exponent) = (1, base, exponent)
        while exponent > 0 {
            if exponent & 1 == 1 { result = try checked(result, base, "**", { $0.multipliedReportingOverflow(by: $1) }) }
            exponent >>= 1
            // 0, 1 and -1 have all powers; of other bases a square that does not fit has no use left.
            if exponent > 0 { base = try checked(base, base, "**", { $0.multipliedReportingOverflow(by: $1) }) }
        }
        return result
    }

    private func floats(_ operation: Expression.Binary, _ left: Double, _ right: Double) throws(TemplateError) -> Double {
        switch operation {
        case .add: return left + right
        case .subtract: return left - right
        case .multiply: return left * right
        case .divide:
            if right == 0 { throw fail("division by zero") }
            return left / right
        case .floorDivide, .modulo:
            if right == 0 { throw fail("division by zero") }
            // Source: CPython's `float_divmod`, which gives the remainder the divisor's sign.
            var remainder = fmod(left, right)
            var quotient = (left - remainder) / right
            if remainder != 0 {
                if (right < 0) != (remainder < 0) {
                    remainder += right
                    quotient -= 1
                }
            } else {
                remainder = Double(signOf: right, magnitudeOf: 0)
            }
            if operation == .modulo { return remainder }
            if quotient == 0 { return Double(signOf: left / right, magnitudeOf: 0) }
            let rounded = quotient.rounded(.down)
            return quotient - rounded > 0.5 ? rounded + 1 : rounded
        case .power:
            if left == 0, right < 0 { throw fail("zero has no negative power") }
            if left < 0, left.isFinite, right.isFinite, right != right.rounded() { throw fail("a negative number has no such power") }
            let result = pow(left, right)
            if result.isInfinite, left.isFinite, right.isFinite { throw fail("the result of '**' is too large") }
            return result
        }
    }

    // MARK: Text and lists

    private func joined(_ left: Value, _ right: Value) throws(TemplateError) -> Value? {
        if let leftText = left.string, let rightText = right.string {
            if left.isMarkup || right.isMarkup { return try text(try escaped(left) + (try escaped(right)), isMarkup: true) }
            try chargeText(leftText.utf8.count + rightText.utf8.count)
            return .string(leftText + rightText)
        }
        guard case .sequence(let left) = left, case .sequence(let right) = right else { return nil }
        if left.kind == .list, right.kind == .list { return try list(left.items + right.items) }
        return left.isTuple && right.isTuple ? try tuple(left.items + right.items) : nil
    }

    private func repeated(_ value: Value, _ count: Int) throws(TemplateError) -> Value? {
        let count = max(0, count)
        switch value {
        case .string(let text), .markup(let text):
            let (bytes, overflow) = text.utf8.count.multipliedReportingOverflow(by: count)
            try chargeText(overflow ? .max : bytes)
            // An empty text may be repeated any number of times.
            return try self.text(bytes == 0 ? "" : String(repeating: text, count: count), isMarkup: value.isMarkup)
        case .sequence(let sequence) where sequence.kind == .list || sequence.isTuple:
            let (elements, overflow) = sequence.items.count.multipliedReportingOverflow(by: count)
            if overflow || elements > limits.rangeElements {
                throw fail("a repeated list has more than \(limits.rangeElements) elements", .limit)
            }
            var items: [Value] = []
            if elements > 0 { for _ in 0..<count { items += sequence.items } }
            return sequence.kind == .list ? try list(items) : try tuple(items)
        default: return nil
        }
    }
}
