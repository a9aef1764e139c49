/// Which of the four forms of RFC 9112, section 3.2, a request target has.
package enum HTTPTargetForm: Sendable, Equatable {
    /// `/path?query`
    case origin
    /// `http://host/path?query`, as a client sends it to a proxy; its authority replaces `Host`.
    case absolute
    /// `host:port`, of CONNECT only.
    case authority
    /// `*`, of OPTIONS only.
    case asterisk
}

/// A request target that was checked, as ranges of the head's bytes.
struct HTTPTarget: Sendable {
    var form = HTTPTargetForm.origin
    var target = 0..<0
    var authority: Range<Int>?
    /// Empty in authority form, and in absolute form where the path is left out, which means `/`.
    var path = 0..<0
    var query: Range<Int>?
    var pathHasEscapes = false

    init() {}

    /// Checks `bytes[range]`. RFC 3986 with one leniency: characters that browsers leave bare (`|`, `^`, `[`, `{`, …) are let through.
    init(parsing bytes: UnsafeRawBufferPointer, _ range: Range<Int>, method: HTTPMethod) throws(HTTPParseFailure) {
        guard !range.isEmpty else { throw .malformed("the request target is missing") }
        target = range
        try Self.checkCharacters(bytes, range)
        if method == .connect {
            form = .authority
            guard Self.isAuthority(bytes, range, needsPort: true) else { throw .malformed("the target of CONNECT must be host:port") }
            authority = range
            path = range.upperBound..<range.upperBound
            return
        }
        switch bytes[range.lowerBound] {
        case UInt8(ascii: "/"):
            split(bytes, range)
        case UInt8(ascii: "*") where range.count == 1:
            guard method == .options else { throw .malformed("the target * is for OPTIONS only") }
            form = .asterisk
            path = range
        default:
            form = .absolute
            let rest = try Self.afterScheme(bytes, range)
            var end = rest.lowerBound
            while end < rest.upperBound, bytes[end] != UInt8(ascii: "/"), bytes[end] != UInt8(ascii: "?") { end += 1 }
            guard Self.isAuthority(bytes, rest.lowerBound..<end) else { throw .malformed("the target's authority is not a valid host") }
            authority = rest.lowerBound..<end
            split(bytes, end..<rest.upperBound)
        }
        try checkPath(bytes)
        if let query, query.contains(where: { bytes[$0] == UInt8(ascii: "%") }) { try Self.checkEscapes(bytes, query) }
    }

    private mutating func split(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) {
        var end = range.lowerBound
        while end < range.upperBound, bytes[end] != UInt8(ascii: "?") {
            if bytes[end] == UInt8(ascii: "%") { pathHasEscapes = true }
            end &+= 1
        }
        path = range.lowerBound..<end
        if end < range.upperBound { query = (end + 1)..<range.upperBound }
    }

    private static func checkCharacters(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) throws(HTTPParseFailure) {
        for i in range where !isAllowed(bytes[i]) {
            switch bytes[i] {
            case UInt8(ascii: "#"): throw .malformed("the request target holds a fragment")
            case UInt8(ascii: "\""), UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "\\"):
                throw .malformed("the request target holds a character that must be percent-encoded")
            default: throw .malformed("the request target holds a character that is not printable ASCII")
            }
        }
    }

    /// Printable ASCII but `"`, `#`, `<`, `>` and `\`, as two words of bits: see ``HTTPGrammar/isToken(_:)``.
    private static func isAllowed(_ byte: UInt8) -> Bool {
        let word: UInt64 = byte < 64 ? 0xAFFF_FFF2_0000_0000 : 0x7FFF_FFFF_EFFF_FFFF
        return byte < 128 && (word >> UInt64(byte & 63)) & 1 == 1
    }

    private static func afterScheme(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) throws(HTTPParseFailure) -> Range<Int> {
        for scheme in ["http://", "https://"] as [StaticString] {
            let end = range.lowerBound + scheme.utf8CodeUnitCount
            if end <= range.upperBound, HTTPGrammar.matches(bytes, range.lowerBound..<end, scheme) { return end..<range.upperBound }
        }
        throw .malformed("the request target is neither a path nor an http or https URL")
    }

    /// Refuses what would mean another path to somebody else: dot-dot segments, NUL and other controls, bytes that are not UTF-8.
    private func checkPath(_ bytes: UnsafeRawBufferPointer) throws(HTTPParseFailure) {
        guard pathHasEscapes else {
            var segment = path.lowerBound
            for i in path where bytes[i] == UInt8(ascii: "/") {
                if i - segment == 2, bytes[segment] == UInt8(ascii: "."), bytes[segment + 1] == UInt8(ascii: ".") { throw Self.dotDot }
                segment = i + 1
            }
            if path.upperBound - segment == 2, bytes[segment] == UInt8(ascii: "."), bytes[segment + 1] == UInt8(ascii: ".") {
                throw Self.dotDot
            }
            return
        }
        try Self.checkEscapes(bytes, path)
        let decoded = HTTPPercentEncoding.decode(bytes, path, plusIsSpace: false)
        // A slash or backslash that was encoded counts too: a handler may hand the segment to something that splits at it.
        for piece in decoded.split(whereSeparator: { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "\\") })
        where piece.elementsEqual("..".utf8) {
            throw Self.dotDot
        }
        if decoded.contains(where: HTTPGrammar.isControl) { throw .malformed("the path holds an encoded control character") }
    }

    private static var dotDot: HTTPParseFailure { .malformed("the path holds a .. segment") }

    private static func checkEscapes(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) throws(HTTPParseFailure) {
        guard HTTPPercentEncoding.isValid(bytes, range) else { throw .malformed("the request target holds a bad percent-encoding") }
        let decoded = HTTPPercentEncoding.decode(bytes, range, plusIsSpace: false)
        if decoded.contains(0) { throw .malformed("the request target holds an encoded NUL") }
        if String(validating: decoded, as: UTF8.self) == nil { throw .malformed("the request target's percent-encoding is not UTF-8") }
    }

    /// `uri-host [":" port]` of RFC 9110, section 7.2, without what no host needs: user information, sub-delimiters, an empty host or port.
    static func isAuthority(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>, needsPort: Bool = false) -> Bool {
        var i = range.lowerBound
        let end = range.upperBound
        if i < end, bytes[i] == UInt8(ascii: "[") {
            var colons = 0
            i += 1
            let start = i
            while i < end, bytes[i] != UInt8(ascii: "]") {
                if bytes[i] == UInt8(ascii: ":") {
                    colons += 1
                } else if HTTPGrammar.hexadecimal(bytes[i]) == nil, bytes[i] != UInt8(ascii: ".") {
                    return false
                }
                i += 1
            }
            guard i < end, colons >= 2, colons <= 7, i - start <= 45 else { return false }
            i += 1
        } else {
            while i < end, bytes[i] != UInt8(ascii: ":") {
                switch bytes[i] {
                case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"): break
                case UInt8(ascii: "%"):
                    guard i + 2 < end, HTTPGrammar.hexadecimal(bytes[i + 1]) != nil, HTTPGrammar.hexadecimal(bytes[i + 2]) != nil else {
                        return false
                    }
                    i += 2
                case let byte where HTTPGrammar.isDigit(byte) || HTTPGrammar.isLetter(byte): break
                default: return false
                }
                i += 1
            }
            guard i > range.lowerBound else { return false }
        }
        if i == end { return !needsPort }
        guard bytes[i] == UInt8(ascii: ":") else { return false }
        i += 1
        guard i < end, end - i <= 5 else { return false }
        var port = 0
        while i < end {
            guard HTTPGrammar.isDigit(bytes[i]) else { return false }
            port = port * 10 + Int(bytes[i] - UInt8(ascii: "0"))
            i += 1
        }
        return port <= 65535
    }
}
