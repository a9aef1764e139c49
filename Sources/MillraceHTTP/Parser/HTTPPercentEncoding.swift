/// Percent-encoding (RFC 3986, section 2.1).
enum HTTPPercentEncoding {
    /// Whether every `%` is followed by two hexadecimal digits.
    static func isValid(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) -> Bool {
        var i = range.lowerBound
        while i < range.upperBound {
            if bytes[i] == UInt8(ascii: "%") {
                guard i + 2 < range.upperBound, HTTPGrammar.hexadecimal(bytes[i + 1]) != nil, HTTPGrammar.hexadecimal(bytes[i + 2]) != nil
                else { return false }
                i += 2
            }
            i += 1
        }
        return true
    }

    /// The bytes that valid percent-encoding stands for; a `%` without two digits is kept as it is.
    /// - Parameter plusIsSpace: as in queries written by HTML forms.
    static func decode(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>, plusIsSpace: Bool) -> [UInt8] {
        var decoded: [UInt8] = []
        decoded.reserveCapacity(range.count)
        var i = range.lowerBound
        while i < range.upperBound {
            let byte = bytes[i]
            if byte == UInt8(ascii: "%"), i + 2 < range.upperBound, let high = HTTPGrammar.hexadecimal(bytes[i + 1]),
                let low = HTTPGrammar.hexadecimal(bytes[i + 2])
            {
                decoded.append(high << 4 | low)
                i += 3
            } else {
                decoded.append(plusIsSpace && byte == UInt8(ascii: "+") ? HTTPGrammar.space : byte)
                i += 1
            }
        }
        return decoded
    }
}
