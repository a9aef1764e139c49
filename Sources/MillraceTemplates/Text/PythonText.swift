/// Python's view of text: a sequence of Unicode scalar values, compared value by value.
///
/// Swift's `String` is a sequence of grapheme clusters that are compared by canonical equivalence; what a template's author sees would
/// differ from Jinja2's.
enum PythonText {
    typealias Scalars = [Unicode.Scalar]

    static func string(_ scalars: some Sequence<Unicode.Scalar>) -> String {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars)
        return String(view)
    }

    static func equal(_ left: String, _ right: String) -> Bool {
        left.utf8.count == right.utf8.count && left.utf8.elementsEqual(right.utf8)
    }

    /// Whether `left` sorts before `right`; the order of UTF-8's bytes is that of the scalar values.
    static func precedes(_ left: String, _ right: String) -> Bool { left.utf8.lexicographicallyPrecedes(right.utf8) }

    /// `str.isspace` of one character, which is also `\s` of `re`.
    static func isSpace(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x09...0x0D, 0x1C...0x20, 0x85, 0xA0, 0x1680, 0x2000...0x200A, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000: true
        default: false
        }
    }

    /// Where `str.splitlines` ends a line.
    static func isLineEnd(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x0A...0x0D, 0x1C...0x1E, 0x85, 0x2028, 0x2029: true
        default: false
        }
    }

    static func isDigit(_ scalar: Unicode.Scalar) -> Bool { ("0"..."9").contains(scalar) }

    /// `\w` of `re`: letters, numbers and the underscore.
    static func isWord(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.isASCII { return isDigit(scalar) || ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar) || scalar == "_" }
        return isAlphanumeric(scalar)
    }

    static func isLetter(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: true
        default: false
        }
    }

    static func isAlphanumeric(_ scalar: Unicode.Scalar) -> Bool { isLetter(scalar) || scalar.properties.numericType != nil }

    static func stripped(_ scalars: Scalars, _ characters: Set<Unicode.Scalar>? = nil, left: Bool = true, right: Bool = true) -> Scalars {
        func goes(_ scalar: Unicode.Scalar) -> Bool { characters.map { $0.contains(scalar) } ?? isSpace(scalar) }
        var start = 0
        var end = scalars.count
        if left { while start < end, goes(scalars[start]) { start += 1 } }
        if right { while end > start, goes(scalars[end - 1]) { end -= 1 } }
        return Array(scalars[start..<end])
    }

    /// `str.splitlines`.
    static func lines(_ scalars: Scalars, keepingEnds: Bool = false) -> [Scalars] {
        var lines: [Scalars] = []
        var start = 0
        var place = 0
        while place < scalars.count {
            guard isLineEnd(scalars[place]) else {
                place += 1
                continue
            }
            let end = place
            place += scalars[place] == "\r" && place + 1 < scalars.count && scalars[place + 1] == "\n" ? 2 : 1
            lines.append(Array(scalars[start..<(keepingEnds ? place : end)]))
            start = place
        }
        if start < scalars.count { lines.append(Array(scalars[start...])) }
        return lines
    }

    /// The first place of `needle` at or behind `start`, or `nil`.
    static func find(_ needle: Scalars, in text: Scalars, from start: Int = 0, to end: Int? = nil) -> Int? {
        places(needle, in: text, from: start, to: end, atMost: 1).first
    }

    /// The last place of `needle`, or `nil`.
    static func findLast(_ needle: Scalars, in text: Scalars, from start: Int = 0, to end: Int? = nil) -> Int? {
        let end = end ?? text.count
        guard start >= 0, start <= end, needle.count <= end - start else { return nil }
        let found = find(needle.reversed(), in: text[start..<end].reversed())
        return found.map { end - $0 - needle.count }
    }

    /// Where `needle` is found, from left to right, without overlaps. An empty one is before each character and at the end.
    ///
    /// Linear in both lengths, since both may come from a template. Source: D. Knuth, J. Morris, V. Pratt, "Fast pattern matching in
    /// strings" (1977).
    static func places(_ needle: Scalars, in text: Scalars, from start: Int = 0, to end: Int? = nil, atMost limit: Int = .max) -> [Int] {
        let end = end ?? text.count
        guard start >= 0, start <= end, needle.count <= end - start, limit > 0 else { return [] }
        if needle.isEmpty { return Array((start...end).prefix(limit)) }
        var fallback = [Int](repeating: 0, count: needle.count)
        var matched = 0
        for place in needle.indices.dropFirst() {
            while matched > 0, needle[place] != needle[matched] { matched = fallback[matched - 1] }
            if needle[place] == needle[matched] { matched += 1 }
            fallback[place] = matched
        }
        var found: [Int] = []
        matched = 0
        for place in start..<end {
            while matched > 0, text[place] != needle[matched] { matched = fallback[matched - 1] }
            if text[place] == needle[matched] { matched += 1 }
            if matched == needle.count {
                found.append(place + 1 - matched)
                if found.count >= limit { break }
                matched = 0
            }
        }
        return found
    }

    /// `str.replace`, at most `limit` times.
    static func replaced(_ text: Scalars, _ old: Scalars, by new: Scalars, atMost limit: Int) -> Scalars {
        var result: Scalars = []
        var start = 0
        for place in places(old, in: text, atMost: limit) {
            result += text[start..<place]
            result += new
            start = place + old.count
        }
        return result + text[start...]
    }

    /// Text with `&`, `<`, `>`, `'` and `"` replaced as MarkupSafe does.
    static func escaped(_ text: String) -> String {
        var result: [UInt8] = []
        result.reserveCapacity(text.utf8.count)
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "&"): result += "&amp;".utf8
            case UInt8(ascii: "<"): result += "&lt;".utf8
            case UInt8(ascii: ">"): result += "&gt;".utf8
            case UInt8(ascii: "'"): result += "&#39;".utf8
            case UInt8(ascii: "\""): result += "&#34;".utf8
            default: result.append(byte)
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}
