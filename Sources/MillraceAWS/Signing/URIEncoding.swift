/// Percent-encoding as signatures ask for it: all but RFC 3986's unreserved characters, hexadecimal digits in upper case.
package enum URIEncoding {
    /// - Parameter keepingSlash: whether `/` stays, as it does in a path.
    package static func encode(_ text: String, keepingSlash: Bool = false) -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count)
        for byte in text.utf8 {
            if isUnreserved(byte) || keepingSlash && byte == UInt8(ascii: "/") {
                bytes.append(byte)
            } else {
                append(byte, to: &bytes)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The encoded form of a text that is encoded in part, or in another way: what is written as `%41`, `%2f` or in plain letters is the same
    /// afterwards. A `%` without two digits stands for itself.
    static func normalized(_ text: some Collection<UInt8>) -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count)
        var position = text.startIndex
        while position < text.endIndex {
            var byte = text[position]
            text.formIndex(after: &position)
            if byte == UInt8(ascii: "%"), let escaped = escapedByte(text[position...]) {
                byte = escaped
                position = text.index(position, offsetBy: 2)
            }
            if isUnreserved(byte) { bytes.append(byte) } else { append(byte, to: &bytes) }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func escapedByte(_ rest: some Collection<UInt8>) -> UInt8? {
        var digits = rest.makeIterator()
        guard let high = digits.next().flatMap(digitValue), let low = digits.next().flatMap(digitValue) else { return nil }
        return high << 4 | low
    }

    private static func digitValue(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x37
        case 0x61...0x66: byte - 0x57
        default: nil
        }
    }

    private static func append(_ byte: UInt8, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "%"))
        bytes.append(upperDigit(byte >> 4))
        bytes.append(upperDigit(byte & 15))
    }

    private static func upperDigit(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 + value : 0x37 + value }

    private static func isUnreserved(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"): true
        default: false
        }
    }
}
