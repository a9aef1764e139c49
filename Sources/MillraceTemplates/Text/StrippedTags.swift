/// Text without tags and comments, with single spaces, and with character references read.
///
/// Of HTML's named references these are known: `amp`, `lt`, `gt`, `quot`, `apos` and `nbsp`. Others stay as they are.
enum StrippedTags {
    private static let named: [String: Unicode.Scalar] = [
        "amp": "&", "AMP": "&", "lt": "<", "LT": "<", "gt": ">", "GT": ">", "quot": "\"", "QUOT": "\"", "apos": "'", "nbsp": "\u{A0}",
    ]

    static func text(of markup: String) -> String {
        let scalars = Array(markup.unicodeScalars)
        var kept: [Unicode.Scalar] = []
        var place = 0
        let commentEnds = PythonText.places(Array("-->".unicodeScalars), in: scalars)
        var nextCommentEnd = 0
        while let start = scalars[place...].firstIndex(of: "<") {
            let end: Int
            if scalars[start...].starts(with: "<!--".unicodeScalars) {
                while nextCommentEnd < commentEnds.count, commentEnds[nextCommentEnd] < start + 4 { nextCommentEnd += 1 }
                guard nextCommentEnd < commentEnds.count else { break }
                end = commentEnds[nextCommentEnd] + 3
            } else {
                guard let close = scalars[start...].firstIndex(of: ">") else { break }
                end = close + 1
            }
            kept += scalars[place..<start]
            place = end
        }
        kept += scalars[place...]
        let words = kept.split(whereSeparator: PythonText.isSpace).map { PythonText.string($0) }
        return unescaped(Array(words.joined(separator: " ").unicodeScalars))
    }

    private static func unescaped(_ scalars: [Unicode.Scalar]) -> String {
        var result = String.UnicodeScalarView()
        var place = 0
        while place < scalars.count {
            if scalars[place] == "&", let (scalar, end) = reference(scalars, place + 1) {
                if let scalar { result.append(scalar) }
                place = end
            } else {
                result.append(scalars[place])
                place += 1
            }
        }
        return String(result)
    }

    private static func reference(_ scalars: [Unicode.Scalar], _ start: Int) -> (Unicode.Scalar?, end: Int)? {
        guard start < scalars.count else { return nil }
        if scalars[start] == "#" {
            let isHexadecimal = start + 1 < scalars.count && (scalars[start + 1] == "x" || scalars[start + 1] == "X")
            let first = start + (isHexadecimal ? 2 : 1)
            var end = first
            while end < scalars.count, isHexadecimal ? scalars[end].properties.isASCIIHexDigit : PythonText.isDigit(scalars[end]) {
                end += 1
            }
            guard end > first else { return nil }
            let value = UInt32(PythonText.string(scalars[first..<end]), radix: isHexadecimal ? 16 : 10)
            if end < scalars.count, scalars[end] == ";" { end += 1 }
            return (numbered(value), end)
        }
        // A name ends in a semicolon, which may be missing (WHATWG HTML, section 13.5), but for `apos`.
        let most = min(scalars.count, start + 33)
        let end = scalars[start..<most].firstIndex { "\t\n\u{C} <&#;".unicodeScalars.contains($0) } ?? most
        let name = PythonText.string(scalars[start..<end])
        let isClosed = end < scalars.count && scalars[end] == ";"
        guard let scalar = named[name], isClosed || name != "apos" else { return nil }
        return (scalar, isClosed ? end + 1 : end)
    }

    /// The characters that Windows-1252 has in the place of control characters.
    private static let windows: [UInt32: Unicode.Scalar] = [
        0x80: "\u{20AC}", 0x82: "\u{201A}", 0x83: "\u{192}", 0x84: "\u{201E}", 0x85: "\u{2026}", 0x86: "\u{2020}", 0x87: "\u{2021}",
        0x88: "\u{2C6}", 0x89: "\u{2030}", 0x8A: "\u{160}", 0x8B: "\u{2039}", 0x8C: "\u{152}", 0x8E: "\u{17D}", 0x91: "\u{2018}",
        0x92: "\u{2019}", 0x93: "\u{201C}", 0x94: "\u{201D}", 0x95: "\u{2022}", 0x96: "\u{2013}", 0x97: "\u{2014}", 0x98: "\u{2DC}",
        0x99: "\u{2122}", 0x9A: "\u{161}", 0x9B: "\u{203A}", 0x9C: "\u{153}", 0x9E: "\u{17E}", 0x9F: "\u{178}",
    ]

    /// Source: WHATWG HTML, section 13.2.5.80, "Numeric character reference end state", as Python's `html.unescape` has it.
    private static func numbered(_ value: UInt32?) -> Unicode.Scalar? {
        guard let value, value != 0, let scalar = Unicode.Scalar(value) else { return "\u{FFFD}" }
        if let scalar = windows[value] { return scalar }
        switch value {
        case 0x1...0x8, 0xB, 0xE...0x1F, 0x7F, 0xFDD0...0xFDEF: return nil
        default: return value & 0xFFFE == 0xFFFE ? nil : scalar
        }
    }
}
