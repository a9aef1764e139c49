/// How Python writes values.
extension PythonText {
    /// `repr` of a string: in single quotes, unless it has some and no double ones; what cannot be printed as an escape.
    static func repr(_ text: String) -> String {
        let quote: Unicode.Scalar = text.utf8.contains(UInt8(ascii: "'")) && !text.utf8.contains(UInt8(ascii: "\"")) ? "\"" : "'"
        var result = String.UnicodeScalarView()
        result.append(quote)
        for scalar in text.unicodeScalars {
            switch scalar {
            case quote, "\\":
                result.append("\\")
                result.append(scalar)
            case "\n": result.append(contentsOf: "\\n".unicodeScalars)
            case "\r": result.append(contentsOf: "\\r".unicodeScalars)
            case "\t": result.append(contentsOf: "\\t".unicodeScalars)
            default:
                if isPrintable(scalar) {
                    result.append(scalar)
                } else {
                    let (letter, width) = scalar.value <= 0xFF ? ("x", 2) : scalar.value <= 0xFFFF ? ("u", 4) : ("U", 8)
                    result.append(contentsOf: "\\\(letter)\(hexadecimal(scalar.value, width))".unicodeScalars)
                }
            }
        }
        result.append(quote)
        return String(result)
    }

    static func hexadecimal(_ value: UInt32, _ width: Int) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
    }

    private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.isASCII { return (0x20..<0x7F).contains(scalar.value) }
        switch scalar.properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator, .spaceSeparator: return false
        default: return true
        }
    }

    /// `repr` of a float: the shortest digits that give the same number.
    static func repr(_ number: Double) -> String {
        if number.isNaN { return "nan" }
        if number.isInfinite { return number < 0 ? "-inf" : "inf" }
        // Swift and Python agree on the digits, the shortest that give the number again, but not on when an exponent is written.
        var mantissa = number.magnitude.description
        var exponent = 0
        if let e = mantissa.firstIndex(of: "e") {
            exponent = Int(mantissa[mantissa.index(after: e)...]) ?? 0
            mantissa = String(mantissa[..<e])
        }
        let point = mantissa.firstIndex(of: ".") ?? mantissa.endIndex
        var digits = Array(mantissa.utf8.filter { $0 != UInt8(ascii: ".") })
        // Where the point is, counted from the first digit that is not 0.
        var place = mantissa.distance(from: mantissa.startIndex, to: point) + exponent
        while digits.count > 1, digits.first == UInt8(ascii: "0") {
            digits.removeFirst()
            place -= 1
        }
        while digits.count > 1, digits.last == UInt8(ascii: "0") { digits.removeLast() }
        let sign = number.sign == .minus ? "-" : ""
        let text = String(decoding: digits, as: UTF8.self)
        if number == 0 { return sign + "0.0" }
        if place > 16 || place < -3 {
            let power = place - 1
            let fraction = digits.count > 1 ? "." + text.dropFirst() : ""
            return "\(sign)\(text.prefix(1))\(fraction)e\(power < 0 ? "-" : "+")\(power.magnitude < 10 ? "0" : "")\(power.magnitude)"
        }
        if place <= 0 { return sign + "0." + String(repeating: "0", count: -place) + text }
        if place >= digits.count { return sign + text + String(repeating: "0", count: place - digits.count) + ".0" }
        return sign + text.prefix(place) + "." + text.dropFirst(place)
    }
}
