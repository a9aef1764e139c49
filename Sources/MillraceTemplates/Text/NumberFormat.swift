import Glibc

/// Numbers as text, as C's `printf` and Python's formats write them.
enum NumberFormat {
    /// The most digits behind the point, and the widest field.
    static let mostDigits = 1000

    /// A float by one of the conversions `e`, `f` and `g`, upper or lower case.
    static func float(_ number: Double, precision: Int, conversion: Character, alternative: Bool = false) -> String {
        if number.isNaN || number.isInfinite {
            let text = number.isNaN ? "nan" : number < 0 ? "-inf" : "inf"
            return conversion.isUppercase ? text.uppercased() : text
        }
        var buffer = [CChar](repeating: 0, count: mostDigits + 400)
        let format = "%\(alternative ? "#" : "").\(min(precision, mostDigits))\(conversion)"
        let count = withVaList([number]) { vsnprintf(&buffer, buffer.count, format, $0) }
        return String(decoding: buffer.prefix(max(0, Int(count))).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Python's `round(number, digits)`: to the nearest, of two equally near ones to the even, by the number's exact value.
    static func rounded(_ number: Double, digits: Int) -> Double? {
        if !number.isFinite || number == 0 { return number }
        // Beyond these a float has no digit left that could be rounded, or none before.
        if digits > 323 { return number }
        if digits < -308 { return Double(signOf: number, magnitudeOf: 0) }
        if digits >= 0 {
            let value = Double(float(number, precision: digits, conversion: "f"))
            return value?.isFinite == true ? value : nil
        }
        // The whole part's decimal digits are exact; the fraction decides between two equally near ones.
        let text = float(number.magnitude.rounded(.down), precision: 0, conversion: "f")
        let kept = text.utf8.count + digits
        let hasFraction = number.magnitude != number.magnitude.rounded(.down)
        guard kept >= 0 else { return Double(signOf: number, magnitudeOf: 0) }
        let bytes = Array(text.utf8)
        let rest = bytes[kept...]
        let isAboveHalf = rest.first.map { $0 > 53 || $0 == 53 && (rest.dropFirst().contains { $0 != 48 } || hasFraction) } ?? false
        let isHalf = rest.first == 53 && !isAboveHalf
        let lastIsOdd = kept > 0 && bytes[kept - 1] & 1 == 1
        var digitsKept = Array(bytes[..<kept])
        if isAboveHalf || isHalf && lastIsOdd {
            var place = kept - 1
            while place >= 0, digitsKept[place] == 57 {
                digitsKept[place] = 48
                place -= 1
            }
            if place >= 0 { digitsKept[place] += 1 } else { digitsKept.insert(49, at: 0) }
        }
        let result = String(decoding: digitsKept, as: UTF8.self) + String(repeating: "0", count: -digits)
        return Double(result).flatMap { $0.isFinite ? Double(signOf: number, magnitudeOf: $0) : nil }
    }

    /// Python's `round(integer, digits)` for digits below zero; `nil` where it does not fit.
    static func rounded(_ integer: Int, digits: Int) -> Int? {
        if digits >= 0 { return integer }
        if digits < -18 { return 0 }
        var unit = 1
        for _ in 0..<(-digits) { unit *= 10 }
        let remainder = integer % unit
        let base = integer - remainder
        let twice = remainder.magnitude * 2
        let isUp = twice > unit.magnitude || twice == unit.magnitude && (base / unit) % 2 != 0
        guard isUp else { return base }
        let (result, overflow) = base.addingReportingOverflow(integer < 0 ? -unit : unit)
        return overflow ? nil : result
    }

    /// What Python's `int` makes of a text, or `nil`.
    static func integer(_ text: String, base: Int) -> (value: Int?, isInteger: Bool) {
        var scalars = PythonText.stripped(Array(text.unicodeScalars))
        var sign = ""
        if let first = scalars.first, first == "-" || first == "+" {
            sign = String(Character(first))
            scalars.removeFirst()
        }
        var radix = base
        let prefixes: [(Unicode.Scalar, Int)] = [("x", 16), ("o", 8), ("b", 2)]
        if scalars.count > 1, scalars[0] == "0",
            let prefix = prefixes.first(where: { scalars[1].properties.lowercaseMapping == String($0.0) }),
            base == prefix.1 || base == 0
        {
            radix = prefix.1
            scalars.removeFirst(2)
            if scalars.first == "_" { scalars.removeFirst() }
        } else if base == 0 {
            radix = 10
            // Leading zeros are those of old octal numbers.
            if scalars.first == "0", scalars.contains(where: { $0 != "0" && $0 != "_" }) { return (nil, false) }
        }
        guard (2...36).contains(radix), let digits = withoutUnderscores(scalars) else { return (nil, false) }
        let isInteger = digits.unicodeScalars.allSatisfy { scalar in
            guard scalar.isASCII, let digit = Character(scalar).hexDigitValue ?? letterValue(scalar) else { return false }
            return digit < radix
        }
        return isInteger ? (Int(sign + digits, radix: radix), true) : (nil, false)
    }

    private static func letterValue(_ scalar: Unicode.Scalar) -> Int? {
        switch scalar.value {
        case 65...90: Int(scalar.value) - 55
        case 97...122: Int(scalar.value) - 87
        default: nil
        }
    }

    /// What Python's `float` makes of a text, or `nil`.
    static func float(_ text: String) -> Double? {
        let scalars = PythonText.stripped(Array(text.unicodeScalars))
        guard let digits = withoutUnderscores(scalars), digits.utf8.allSatisfy({ $0 < 0x80 }) else { return nil }
        let unsigned = digits.hasPrefix("-") || digits.hasPrefix("+") ? String(digits.dropFirst()) : digits
        switch unsigned.lowercased() {
        case "inf", "infinity": return digits.hasPrefix("-") ? -.infinity : .infinity
        case "nan": return .nan
        default: break
        }
        var hasDigits = false
        var hasPoint = false
        let bytes = Array(unsigned.utf8)
        for (place, byte) in bytes.enumerated() {
            switch byte {
            case 48...57: hasDigits = true
            case UInt8(ascii: ".") where !hasPoint: hasPoint = true
            case UInt8(ascii: "e"), UInt8(ascii: "E"):
                var exponent = bytes[(place + 1)...]
                if exponent.first == UInt8(ascii: "-") || exponent.first == UInt8(ascii: "+") { exponent = exponent.dropFirst() }
                guard hasDigits, !exponent.isEmpty, exponent.allSatisfy({ (48...57).contains($0) }) else { return nil }
                return strtod(digits, nil)
            default: return nil
            }
        }
        return hasDigits ? strtod(digits, nil) : nil
    }

    /// The characters without single underscores between digits; `nil` where they stand elsewhere.
    private static func withoutUnderscores(_ scalars: [Unicode.Scalar]) -> String? {
        guard !scalars.isEmpty else { return nil }
        for (place, scalar) in scalars.enumerated() where scalar == "_" {
            guard place > 0, place + 1 < scalars.count, PythonText.isWord(scalars[place - 1]), scalars[place - 1] != "_",
                PythonText.isWord(scalars[place + 1]), scalars[place + 1] != "_"
            else { return nil }
        }
        return PythonText.string(scalars.filter { $0 != "_" })
    }

    /// Digits in groups of `size` from the right.
    static func grouped(_ digits: String, by separator: String, size: Int = 3) -> String {
        let bytes = Array(digits.utf8)
        var result = ""
        for (place, byte) in bytes.enumerated() {
            if place > 0, (bytes.count - place) % size == 0 { result += separator }
            result.unicodeScalars.append(Unicode.Scalar(byte))
        }
        return result
    }
}
