/// Numbers and strings, as Python writes them.
extension Lexer {
    /// Digits with single underscores between them; the place behind, or `nil` where there are none.
    private func digits(_ offset: Int, _ allowed: (Unicode.Scalar) -> Bool, leadingUnderscore: Bool = false) -> Int? {
        var end = offset
        if leadingUnderscore, scalar(end) == "_" { end += 1 }
        guard let first = scalar(end), allowed(first) else { return nil }
        while let next = scalar(end) {
            if allowed(next) {
                end += 1
            } else if next == "_", let after = scalar(end + 1), allowed(after) {
                end += 2
            } else {
                break
            }
        }
        return end
    }

    mutating func number() throws(TemplateError) {
        let start = place
        // `a.1.2` is an element of an element, not the number 1.2.
        let afterDot = start > 0 && scalars[start - 1] == "."
        if !afterDot, let end = floatEnd(start) {
            let text = PythonText.string(scalars[start..<end].filter { $0 != "_" })
            guard let value = Double(text) else { throw problem("'\(text)' is no number", at: start) }
            place = end
            return append(.float(value), at: start)
        }
        let (radix, end): (Int, Int)
        switch (scalar(start), scalar(start + 1)) {
        case ("0", "x"), ("0", "X"):
            (radix, end) = (16, digits(start + 2, { $0.properties.isASCIIHexDigit }, leadingUnderscore: true) ?? start + 1)
        case ("0", "o"), ("0", "O"):
            (radix, end) = (8, digits(start + 2, { ("0"..."7").contains($0) }, leadingUnderscore: true) ?? start + 1)
        case ("0", "b"), ("0", "B"):
            (radix, end) = (2, digits(start + 2, { $0 == "0" || $0 == "1" }, leadingUnderscore: true) ?? start + 1)
        case ("0", _): (radix, end) = (10, digits(start, { $0 == "0" }) ?? start + 1)
        default: (radix, end) = (10, digits(start, PythonText.isDigit) ?? start + 1)
        }
        let text = PythonText.string(scalars[(radix == 10 || end == start + 1 ? start : start + 2)..<end].filter { $0 != "_" })
        guard let value = Int(text, radix: radix) else { throw problem("the integer does not fit into 64 bits", at: start) }
        place = end
        append(.integer(value), at: start)
    }

    private func floatEnd(_ start: Int) -> Int? {
        guard let whole = digits(start, PythonText.isDigit) else { return nil }
        var end = whole
        if scalar(whole) == ".", let fraction = digits(whole + 1, PythonText.isDigit) { end = fraction }
        if let e = scalar(end), e == "e" || e == "E" {
            let sign = scalar(end + 1)
            if let exponent = digits(end + (sign == "+" || sign == "-" ? 2 : 1), PythonText.isDigit) { return exponent }
        }
        return end == whole ? nil : end
    }

    mutating func string(_ quote: Unicode.Scalar) throws(TemplateError) {
        let start = place
        place += 1
        var text = String.UnicodeScalarView()
        while let next = scalar(place) {
            place += 1
            if next == quote { return append(.string(String(text)), at: start) }
            if next == "\\" { try escape(&text) } else { text.append(next) }
        }
        throw problem("the string is not closed by \(quote)", at: start)
    }

    /// An escape of a Python string; `place` is behind the backslash. Unknown ones stay as they are.
    private mutating func escape(_ text: inout String.UnicodeScalarView) throws(TemplateError) {
        let start = place - 1
        // The end of the source is the string's end, which is missing.
        guard let letter = scalar(place) else { return }
        place += 1
        switch letter {
        case "\n": break
        case "\\", "'", "\"": text.append(letter)
        case "a": text.append("\u{7}")
        case "b": text.append("\u{8}")
        case "f": text.append("\u{C}")
        case "n": text.append("\n")
        case "r": text.append("\r")
        case "t": text.append("\t")
        case "v": text.append("\u{B}")
        case "x": text.append(try hexadecimal(2, start))
        case "u": text.append(try hexadecimal(4, start))
        case "U": text.append(try hexadecimal(8, start))
        case "N": throw problem("characters by name (\\N{…}) are not supported: write \\u and four hexadecimal digits", at: start)
        case "0"..."7":
            var value = letter.value - 48
            for _ in 0..<2 {
                guard let next = scalar(place), ("0"..."7").contains(next) else { break }
                value = value * 8 + next.value - 48
                place += 1
            }
            // 0o777 at most, which is no surrogate.
            if let scalar = Unicode.Scalar(value) { text.append(scalar) }
        default:
            text.append("\\")
            text.append(letter)
        }
    }

    private mutating func hexadecimal(_ count: Int, _ start: Int) throws(TemplateError) -> Unicode.Scalar {
        var value: UInt32 = 0
        for _ in 0..<count {
            guard let digit = scalar(place), digit.properties.isASCIIHexDigit, let number = UInt32(String(digit), radix: 16) else {
                throw problem("this escape needs \(count) hexadecimal digits", at: start)
            }
            value = value << 4 | number
            place += 1
        }
        guard let scalar = Unicode.Scalar(value) else { throw problem("this escape is no character", at: start) }
        return scalar
    }
}
