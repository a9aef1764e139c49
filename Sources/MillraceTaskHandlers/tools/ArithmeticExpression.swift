import MillraceCore

/// Works out an arithmetic expression exactly, with fractions. A value without I/O, bounded in length, depth and digits.
///
/// ```
/// sum     = product { ("+" | "-") product }
/// product = signed { ("*" | "/" | "%") signed }
/// signed  = [ "-" | "+" ] signed | power
/// power   = primary [ "^" signed ]
/// primary = number | "(" sum ")" | name "(" sum { "," sum } ")"
/// ```
/// `×`, `·`, `÷`, `−` and `**` are understood, too. `%` is the remainder of a division that is rounded down.
struct ArithmeticExpression {
    /// The longest expression, in characters.
    static let longest = 1000
    private static let deepest = 50
    private static let functions = ["abs", "ceil", "floor", "max", "min", "round"]

    private let text: [Unicode.Scalar]
    private var place = 0
    private var depth = 0

    /// The value of an expression.
    /// - Throws: ``MillraceError`` that says what is wrong, and where.
    static func value(_ text: String) throws(MillraceError) -> Rational {
        let scalars = Array(text.unicodeScalars)
        guard scalars.count <= longest else {
            throw MillraceError(.invalidInput, "the expression is longer than \(longest) characters: work it out in parts")
        }
        var expression = ArithmeticExpression(text: scalars)
        let value = try expression.sum()
        guard expression.next == nil else { throw expression.unexpected() }
        return value
    }

    private init(text: [Unicode.Scalar]) { self.text = text }

    // MARK: The grammar

    private mutating func sum() throws(MillraceError) -> Rational {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.deepest else { throw MillraceError(.invalidInput, "the expression is nested too deep") }
        var value = try product()
        while true {
            if take("+") {
                value = try value.adding(product())
            } else if take("-", "−") {
                value = try value.subtracting(product())
            } else {
                return value
            }
        }
    }

    private mutating func product() throws(MillraceError) -> Rational {
        var value = try signed()
        while true {
            if take("*", "×", "·") {
                value = try value.multiplied(by: signed())
            } else if take("/", "÷") {
                value = try value.divided(by: signed())
            } else if take("%") {
                guard next != nil, next != ")" else {
                    throw MillraceError(.invalidInput, "'%' is the remainder of a division: write 15% as 15/100")
                }
                value = try value.remainder(of: signed())
            } else {
                return value
            }
        }
    }

    private mutating func signed() throws(MillraceError) -> Rational {
        var isNegative = false
        while true {
            if take("-", "−") { isNegative.toggle() } else if !take("+") { break }
        }
        let value = try power()
        return isNegative ? try value.negated() : value
    }

    private mutating func power() throws(MillraceError) -> Rational {
        let base = try primary()
        let start = place
        guard take("^") || take("*") && text.indices.contains(place) && text[place] == "*" && take("*") else {
            place = start
            return base
        }
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.deepest else { throw MillraceError(.invalidInput, "the expression is nested too deep") }
        return try base.power(signed())
    }

    private mutating func primary() throws(MillraceError) -> Rational {
        if take("(") {
            let value = try sum()
            guard take(")") else { throw unexpected(wanted: "a ')'") }
            return value
        }
        guard let start = text[place...].firstIndex(where: { !$0.properties.isWhitespace }) else { throw unexpected() }
        place = start
        let first = text[start]
        if Self.isDigit(first) || first == "." { return try number() }
        if Self.isLetter(first) { return try function() }
        throw unexpected()
    }

    private mutating func number() throws(MillraceError) -> Rational {
        func digits() -> [UInt8] {
            let start = place
            while text.indices.contains(place), Self.isDigit(text[place]) { place += 1 }
            return text[start..<place].map { UInt8($0.value) }
        }
        let whole = digits()
        var fraction: [UInt8] = []
        if text.indices.contains(place), text[place] == "." {
            place += 1
            fraction = digits()
        }
        guard !whole.isEmpty || !fraction.isEmpty else { throw unexpected() }
        var exponent = -fraction.count
        if text.indices.contains(place), text[place] == "e" || text[place] == "E" {
            place += 1
            var isNegative = false
            if text.indices.contains(place), text[place] == "-" || text[place] == "+" {
                isNegative = text[place] == "-"
                place += 1
            }
            guard let power = Int(String(decoding: digits(), as: UTF8.self)), power <= 100_000 else { throw unexpected() }
            exponent += isNegative ? -power : power
        }
        let scale = try Rational(BigInteger(10)).power(Rational(BigInteger(exponent)))
        return try Rational(BigInteger(digits: whole + fraction)).multiplied(by: scale)
    }

    private mutating func function() throws(MillraceError) -> Rational {
        let start = place
        while text.indices.contains(place), Self.isLetter(text[place]) { place += 1 }
        var name = ""
        name.unicodeScalars.append(contentsOf: text[start..<place])
        guard Self.functions.contains(name), take("(") else {
            throw MillraceError(
                .invalidInput,
                "'\(name.prefix(40))' is not understood: there are numbers, + - * / % ^, parentheses, and "
                    + Self.functions.map { "\($0)()" }.joined(separator: ", "))
        }
        var arguments = [try sum()]
        while take(",", ";") { arguments.append(try sum()) }
        guard take(")") else { throw unexpected(wanted: "a ')'") }
        let value = arguments[0]
        switch (name, arguments.count) {
        case ("abs", 1): return try Rational(value.numerator.magnitude, value.denominator)
        case ("floor", 1): return try Rational(value.floor)
        case ("ceil", 1): return try Rational(-value.negated().floor)
        case ("round", 1): return try value.rounded(places: 0)
        case ("round", 2):
            guard arguments[1].isWhole, let places = arguments[1].numerator.small, places.magnitude <= 1000 else {
                throw MillraceError(.invalidInput, "round() takes a whole number of decimal places")
            }
            return try value.rounded(places: places)
        case ("min", 1...): return arguments.dropFirst().reduce(value) { $1.isLess(than: $0) ? $1 : $0 }
        case ("max", 1...): return arguments.dropFirst().reduce(value) { $0.isLess(than: $1) ? $1 : $0 }
        default: throw MillraceError(.invalidInput, "\(name)() does not take \(arguments.count) values")
        }
    }

    // MARK: Characters

    /// The next character that is no space.
    private var next: Unicode.Scalar? { text[place...].first { !$0.properties.isWhitespace } }

    private mutating func take(_ wanted: Unicode.Scalar...) -> Bool {
        guard let next, wanted.contains(next) else { return false }
        place = (text[place...].firstIndex { !$0.properties.isWhitespace } ?? place) + 1
        return true
    }

    private func unexpected(wanted: String = "a number or '('") -> MillraceError {
        guard let found = text[place...].firstIndex(where: { !$0.properties.isWhitespace }) else {
            return MillraceError(.invalidInput, "the expression ends where \(wanted) should stand")
        }
        return MillraceError(.invalidInput, "'\(text[found])', character \(found + 1) of the expression, is not expected there")
    }

    private static func isDigit(_ scalar: Unicode.Scalar) -> Bool { ("0"..."9").contains(scalar) }
    private static func isLetter(_ scalar: Unicode.Scalar) -> Bool {
        ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar) || scalar == "_"
    }
}
