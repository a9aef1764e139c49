import MillraceCore

/// Python's two ways to put values into a text: `'%s' % value` and `'{}'.format(value)`.
extension Interpreter {
    // MARK: With %

    /// `format % values`. Source: the Python library reference, "printf-style String Formatting".
    func formatted(_ format: String, isMarkup: Bool, _ values: Value) throws(TemplateError) -> Value {
        var arguments: [Value] = [values]
        if case .sequence(let sequence) = values, sequence.isTuple { arguments = sequence.items }
        let scalars = Array(format.unicodeScalars)
        try charge(1 + scalars.count / 16)
        var result = ""
        var place = 0
        var next = 0
        // A mapping may have members that are not used.
        var usesNames = false
        while place < scalars.count {
            guard scalars[place] == "%" else {
                let end = scalars[place...].firstIndex(of: "%") ?? scalars.count
                result += PythonText.string(scalars[place..<end])
                place = end
                continue
            }
            place += 1
            var name: String?
            if place < scalars.count, scalars[place] == "(" {
                guard let end = scalars[place...].firstIndex(of: ")") else { throw fail("the format has a '(' that is not closed") }
                name = PythonText.string(scalars[(place + 1)..<end])
                place = end + 1
            }
            var field = FormatField()
            let conversion = try percentField(scalars, &place, &field, arguments, &next)
            if conversion == "%" {
                result += "%"
                continue
            }
            let value: Value
            if let name {
                usesNames = true
                guard case .dictionary(let members) = values else { throw fail("'%(\(name))' needs a dictionary, not \(values.kindName)") }
                guard let member = members[.text(.init(name))] else { throw fail("the format's dictionary has no '\(name)'") }
                value = member
            } else {
                guard next < arguments.count else { throw fail("the format has more places than values") }
                value = arguments[next]
                next += 1
            }
            result += try percent(conversion, value, field, isMarkup: isMarkup)
            if result.utf8.count > limits.outputBytes { break }
        }
        if next < arguments.count, !usesNames {
            // A single value that is a dictionary or list counts as a mapping of which nothing need be used.
            switch values {
            case .dictionary, .undefined: break
            case .sequence(let sequence) where !sequence.isTuple && !sequence.isView: break
            default: throw fail("the format has fewer places than values")
            }
        }
        return try text(result, isMarkup: isMarkup)
    }

    private func percentField(
        _ scalars: [Unicode.Scalar], _ place: inout Int, _ field: inout FormatField, _ arguments: [Value], _ next: inout Int
    ) throws(TemplateError) -> Unicode.Scalar {
        var isLeft = false
        var isZero = false
        loop: while place < scalars.count {
            switch scalars[place] {
            case "-": isLeft = true
            case "0": isZero = true
            case "+": field.sign = "+"
            case " ": if field.sign != "+" { field.sign = " " }
            case "#": field.isAlternative = true
            default: break loop
            }
            place += 1
        }
        func size(_ what: String) throws(TemplateError) -> Int? {
            if place < scalars.count, scalars[place] == "*" {
                guard next < arguments.count, let value = arguments[next].index else { throw fail("the format's * needs an integer") }
                place += 1
                next += 1
                if value < 0, what == "width" { isLeft = true }
                guard value.magnitude <= UInt(NumberFormat.mostDigits) else {
                    throw fail("the format's \(what) is more than \(NumberFormat.mostDigits)")
                }
                return Int(value.magnitude)
            }
            var rest = scalars[place...]
            guard let number = FormatField.number(&rest) else { throw fail("the format's \(what) is more than \(NumberFormat.mostDigits)") }
            place = rest.startIndex
            return number
        }
        field.width = try size("width") ?? 0
        if place < scalars.count, scalars[place] == "." {
            place += 1
            field.precision = try size("precision") ?? 0
        }
        while place < scalars.count, "hlL".unicodeScalars.contains(scalars[place]) { place += 1 }
        guard place < scalars.count else { throw fail("the format ends behind '%': write %% for the sign itself") }
        field.alignment = isLeft ? .left : isZero ? .afterSign : .right
        if isZero, !isLeft { field.fill = "0" }
        place += 1
        return scalars[place - 1]
    }

    private func percent(_ conversion: Unicode.Scalar, _ value: Value, _ field: FormatField, isMarkup: Bool) throws(TemplateError) -> String
    {
        var field = field
        switch conversion {
        case "s", "r", "a":
            var text = conversion == "s" ? (isMarkup ? try escaped(value) : try text(of: value)) : try repr(of: value)
            if conversion != "s", isMarkup { text = PythonText.escaped(text) }
            if let precision = field.precision { text = PythonText.string(text.unicodeScalars.prefix(precision)) }
            field.fill = " "
            if field.alignment == .afterSign { field.alignment = .right }
            return field.padded(text, default: .right)
        case "d", "i", "u", "x", "X", "o":
            var integer = value.index
            if case .float(let number) = value, number.isFinite, conversion == "d" || conversion == "i" || conversion == "u" {
                integer = Int(exactly: number.rounded(.towardZero))
            }
            guard let integer else { throw fail("'%\(conversion)' needs a number that fits, not \(value.kindName)") }
            var digits = String(integer.magnitude, radix: conversion == "o" ? 8 : conversion == "x" || conversion == "X" ? 16 : 10)
            if conversion == "X" { digits = digits.uppercased() }
            if let precision = field.precision { digits = String(repeating: "0", count: max(0, precision - digits.utf8.count)) + digits }
            let prefix = field.isAlternative && !"diu".unicodeScalars.contains(conversion) ? "0\(conversion)" : ""
            return field.number(digits, isNegative: integer < 0, prefix: prefix)
        case "f", "F", "e", "E", "g", "G":
            guard let number = value.number else { throw fail("'%\(conversion)' needs a number, not \(value.kindName)") }
            if !number.isFinite, field.alignment == .afterSign { field.fill = "0" }
            let digits = NumberFormat.float(
                number.isNaN ? number : number.magnitude, precision: field.precision ?? 6, conversion: Character(conversion),
                alternative: field.isAlternative)
            return field.number(digits, isNegative: number.sign == .minus && !number.isNaN)
        case "c":
            guard
                let text = value.string
                    ?? value.index.flatMap({ UInt32(exactly: $0) }).flatMap(Unicode.Scalar.init).map({ String(Character($0)) }),
                text.unicodeScalars.count == 1
            else { throw fail("'%c' needs one character") }
            field.fill = " "
            return field.padded(isMarkup ? PythonText.escaped(text) : text, default: .right)
        default: throw fail("the format '%\(conversion)' is not known: there are %s %r %d %i %u %f %e %g %x %o %c and %%")
        }
    }

    // MARK: With braces

    /// `format.format(…)`. Source: the Python library reference, "Format String Syntax". Fields within fields are not supported.
    func braced(_ format: String, isMarkup: Bool, _ arguments: Arguments) throws(TemplateError) -> Value {
        let scalars = Array(format.unicodeScalars)
        try charge(1 + scalars.count / 16)
        var result = ""
        var place = 0
        var next: Int? = 0
        while place < scalars.count {
            let scalar = scalars[place]
            let isDoubled = place + 1 < scalars.count && scalars[place + 1] == scalar
            switch scalar {
            case "{", "}":
                if isDoubled {
                    result.unicodeScalars.append(scalar)
                    place += 2
                } else if scalar == "}" {
                    throw fail("the format has a single '}': write }} for the sign itself")
                } else {
                    guard let end = scalars[place...].firstIndex(of: "}") else { throw fail("the format has a '{' that is not closed") }
                    let field = scalars[(place + 1)..<end]
                    if field.contains("{") { throw fail("fields within fields of a format are not supported") }
                    result += try self.field(field, arguments, &next, isMarkup: isMarkup)
                    place = end + 1
                }
            default:
                result.unicodeScalars.append(scalar)
                place += 1
            }
            if result.utf8.count > limits.outputBytes { break }
        }
        return try text(result, isMarkup: isMarkup)
    }

    private func field(
        _ field: ArraySlice<Unicode.Scalar>, _ arguments: Arguments, _ next: inout Int?, isMarkup: Bool
    ) throws(TemplateError) -> String {
        let colon = field.firstIndex(of: ":") ?? field.endIndex
        var path = field[..<colon]
        var conversion: Unicode.Scalar?
        if let mark = path.firstIndex(of: "!") {
            guard mark + 2 == path.endIndex, "sr".unicodeScalars.contains(path[mark + 1]) else {
                throw fail("behind '!' in a format stands s or r")
            }
            conversion = path[mark + 1]
            path = path[..<mark]
        }
        var value = try argument(path, arguments, &next)
        if conversion == "r" { value = .string(try repr(of: value)) } else if conversion == "s" { value = .string(try text(of: value)) }
        let specification = Array(field[min(colon + 1, field.endIndex)...])
        if isMarkup, case .markup(let text) = value {
            if !specification.isEmpty { throw fail("text that is escaped already cannot be laid out by a format") }
            return text
        }
        let text = try laidOut(value, specification)
        return isMarkup ? PythonText.escaped(text) : text
    }

    private func argument(
        _ path: ArraySlice<Unicode.Scalar>, _ arguments: Arguments, _ next: inout Int?
    ) throws(TemplateError) -> Value {
        let end = path.firstIndex { $0 == "." || $0 == "[" } ?? path.endIndex
        let name = PythonText.string(path[..<end])
        var value: Value
        if name.isEmpty || name.utf8.allSatisfy({ (48...57).contains($0) }) {
            let index: Int
            if name.isEmpty {
                guard let number = next else { throw fail("a format has either numbers in its fields or none") }
                (index, next) = (number, number + 1)
            } else {
                if let number = next, number > 0 { throw fail("a format has either numbers in its fields or none") }
                (index, next) = (Int(name) ?? .max, nil)
            }
            guard arguments.positional.indices.contains(index) else { throw fail("the format has more fields than there are arguments") }
            value = arguments.positional[index]
        } else {
            try charge(arguments.keywords.count / 16)
            guard let keyword = arguments.keywords.first(where: { PythonText.equal($0.name, name) }) else {
                throw fail("the format's field '\(name)' has no argument of that name")
            }
            value = keyword.value
        }
        var rest = path[end...]
        while let sign = rest.first {
            rest = rest.dropFirst()
            if sign == "[" {
                guard let close = rest.firstIndex(of: "]") else { throw fail("the format has a '[' that is not closed") }
                let key = PythonText.string(rest[..<close])
                value = try element(Int(key).map { .integer($0) } ?? .string(key), of: value)
                rest = rest[(close + 1)...]
                if let next = rest.first, next != ".", next != "[" { throw fail("behind ']' in a format stands '.' or '['") }
            } else {
                let close = rest.firstIndex { $0 == "." || $0 == "[" } ?? rest.endIndex
                let name = PythonText.string(rest[..<close])
                if name.hasPrefix("_") { throw fail("'\(name)' is not available in a format") }
                // Attributes only: what a dictionary has is asked for by [key].
                guard let attribute = try ownAttribute(name, of: value) else { throw fail("\(value.kindName) has no attribute '\(name)'") }
                value = attribute
                rest = rest[close...]
            }
            if case .undefined(let missing) = value { throw fail(missing) }
        }
        return value
    }

    /// `format(value, specification)`.
    private func laidOut(_ value: Value, _ specification: [Unicode.Scalar]) throws(TemplateError) -> String {
        if specification.isEmpty { return try text(of: value) }
        let words = PythonText.string(specification)
        guard var field = FormatField(specification) else {
            throw fail("the format specification '\(words)' is wrong, or asks for more than \(NumberFormat.mostDigits) places")
        }
        let wrong = fail("the format specification '\(words)' is not for \(value.kindName)")
        switch value {
        case .string(let text), .markup(let text):
            guard field.conversion == nil || field.conversion == "s", field.sign == "-", !field.isAlternative, field.grouping == nil,
                field.alignment != .afterSign || specification.first == "0"
            else { throw wrong }
            if field.alignment == .afterSign { field.alignment = .left }
            let shown = field.precision.map { PythonText.string(text.unicodeScalars.prefix($0)) } ?? text
            return field.padded(shown, default: .left)
        case .boolean, .integer:
            guard let integer = value.index else { throw wrong }
            switch field.conversion {
            case nil, "d"?, "x"?, "X"?, "o"?, "b"?, "n"?:
                if field.precision != nil { throw wrong }
                let conversion = field.conversion ?? "d"
                let radix = ["x": 16, "X": 16, "o": 8, "b": 2][conversion] ?? 10
                if radix != 10, field.grouping == "," { throw wrong }
                let digits = String(integer.magnitude, radix: radix, uppercase: conversion == "X")
                let prefix = field.isAlternative && radix != 10 ? "0\(conversion)" : ""
                return field.number(digits, isNegative: integer < 0, prefix: prefix, groupSize: radix == 10 ? 3 : 4)
            default: return try float(Double(integer), field, wrong)
            }
        case .float(let number): return try float(number, field, wrong)
        default: throw wrong
        }
    }

    private func float(_ number: Double, _ field: FormatField, _ wrong: TemplateError) throws(TemplateError) -> String {
        let isNegative = number.sign == .minus && !number.isNaN
        let magnitude = number.isNaN ? number : number.magnitude
        var digits: String
        switch field.conversion {
        case nil:
            guard let precision = field.precision else {
                digits = PythonText.repr(magnitude)
                break
            }
            // As `g`, but with a digit behind the point at least, and exponents from one digit fewer on.
            digits = NumberFormat.float(magnitude, precision: max(1, precision), conversion: "g")
            if magnitude.isFinite, !digits.contains("."), !digits.contains("e") {
                if digits.utf8.count >= max(1, precision) {
                    digits = NumberFormat.float(magnitude, precision: max(1, precision) - 1, conversion: "e")
                    digits = Self.withoutTrailingZeros(digits)
                } else {
                    digits += ".0"
                }
            }
        case "f"?, "F"?, "e"?, "E"?, "g"?, "G"?:
            guard let conversion = field.conversion else { throw wrong }
            digits = NumberFormat.float(
                magnitude, precision: field.precision ?? 6, conversion: conversion, alternative: field.isAlternative)
        case "%"?:
            digits =
                NumberFormat.float(magnitude * 100, precision: field.precision ?? 6, conversion: "f", alternative: field.isAlternative)
                + "%"
        default: throw wrong
        }
        return field.number(digits, isNegative: isNegative)
    }

    private static func withoutTrailingZeros(_ digits: String) -> String {
        guard let e = digits.firstIndex(of: "e"), digits[..<e].contains(".") else { return digits }
        var mantissa = digits[..<e]
        while mantissa.last == "0" { mantissa.removeLast() }
        if mantissa.last == "." { mantissa.removeLast() }
        return String(mantissa + digits[e...])
    }
}
