public import MillraceCore

/// Where in a JSON value something is: `$.choices[0].delta.content`.
///
/// A subset of RFC 9535: the root `$`, members (`.name`, `['name']`, `["name"]`), elements (`[0]`, and from the end `[-1]`), and all
/// members or elements (`.*`, `[*]`). Slices, filters, unions and descendants (`..`) are refused by name.
public struct JSONPath: Equatable, Sendable, CustomStringConvertible {
    enum Step: Equatable, Sendable {
        case member(String)
        case element(Int)
        case all
    }

    /// The path as it was written.
    public let description: String
    let steps: [Step]

    /// Reads a path.
    /// - Throws: ``ErrorCode/configuration`` that says where the path is wrong and what is expected there.
    public init(_ text: String) throws(MillraceError) {
        var parser = JSONPathParser(text)
        steps = try parser.path()
        description = text
    }

    /// What the path finds, in order; `*` takes an object's members in the order of their names.
    public func values(in root: JSONValue) -> [JSONValue] {
        var found = [root]
        for step in steps {
            found = found.flatMap { value -> [JSONValue] in
                switch step {
                case .member(let name): value[name].map { [$0] } ?? []
                case .element(let index):
                    (index >= 0 ? value[index] : value.array.flatMap { JSONValue.array($0)[$0.count + index] }).map { [$0] } ?? []
                case .all: value.array ?? value.object?.sorted { $0.key < $1.key }.map(\.value) ?? []
                }
            }
        }
        return found
    }

    /// The first value that is not `null`.
    func first(in root: JSONValue) -> JSONValue? { values(in: root).first { !$0.isNull } }
}

/// Reads the text of a path.
private struct JSONPathParser {
    private let text: String
    private let scalars: [Unicode.Scalar]
    private var position = 0

    init(_ text: String) {
        self.text = text
        scalars = Array(text.unicodeScalars)
    }

    private var next: Unicode.Scalar? { position < scalars.count ? scalars[position] : nil }

    private func wrong(_ problem: String, at place: Int? = nil) -> MillraceError {
        MillraceError(.configuration, "the JSON path '\(text)' is wrong at character \((place ?? position) + 1): \(problem)")
    }

    private mutating func skip(_ scalar: Unicode.Scalar) -> Bool {
        guard next == scalar else { return false }
        position += 1
        return true
    }

    mutating func path() throws(MillraceError) -> [JSONPath.Step] {
        guard skip("$") else { throw wrong("it must begin with $, as in $.text") }
        var steps: [JSONPath.Step] = []
        while next != nil {
            if skip(".") {
                steps.append(try dotted())
            } else if skip("[") {
                steps.append(try bracketed())
            } else {
                throw wrong("a step begins with . or [")
            }
        }
        return steps
    }

    private mutating func dotted() throws(MillraceError) -> JSONPath.Step {
        if next == "." { throw wrong("descendants (..) are not supported: write the whole path") }
        if skip("*") { return .all }
        // RFC 9535, section 2.5.1.1: a name without quotes has letters, digits, _ and what is beyond ASCII, and begins with no digit.
        let start = position
        while let scalar = next, scalar == "_" || scalar.value >= 0x80 || Self.isLetter(scalar) || Self.isDigit(scalar) && position > start
        {
            position += 1
        }
        guard position > start else {
            throw wrong("a name is expected; one with other signs than letters, digits and _ is quoted: ['a-b']")
        }
        if let scalar = next, scalar != ".", scalar != "[" {
            throw wrong("'\(scalar)' cannot be in a name without quotes: write ['a-b']")
        }
        return .member(text(start..<position))
    }

    private mutating func bracketed() throws(MillraceError) -> JSONPath.Step {
        let step: JSONPath.Step
        switch next {
        case "*":
            position += 1
            step = .all
        case "'": step = .member(try quoted("'"))
        case "\"": step = .member(try quoted("\""))
        case "?": throw wrong("filters are not supported: a name in quotes, an index or * is expected")
        case "-", .some("0"..."9"): step = .element(try index())
        case ":": throw wrong("slices are not supported: a name in quotes, an index or * is expected")
        default: throw wrong("a name in quotes, an index or * is expected")
        }
        if next == ":" { throw wrong("slices are not supported") }
        if next == "," { throw wrong("more than one name or index is not supported") }
        guard skip("]") else { throw wrong("] is expected") }
        return step
    }

    private mutating func index() throws(MillraceError) -> Int {
        let start = position
        _ = skip("-")
        let digits = position
        while let scalar = next, Self.isDigit(scalar) { position += 1 }
        let number = text(digits..<position)
        // RFC 9535, section 2.3.3.1: no leading zeros, no minus zero.
        guard let index = Int(text(start..<position)), number == "0" ? start == digits : !number.hasPrefix("0") else {
            throw wrong("'\(text(start..<position))' is no index", at: start)
        }
        return index
    }

    private mutating func quoted(_ quote: Unicode.Scalar) throws(MillraceError) -> String {
        let start = position
        position += 1
        var name = String.UnicodeScalarView()
        while let scalar = next {
            position += 1
            if scalar == quote { return String(name) }
            if scalar.value < 0x20 { throw wrong("control characters are written as escapes", at: position - 1) }
            name.append(scalar == "\\" ? try escape(quote) : scalar)
        }
        throw wrong("the name is not closed by \(quote)", at: start)
    }

    private mutating func escape(_ quote: Unicode.Scalar) throws(MillraceError) -> Unicode.Scalar {
        let start = position - 1
        defer { position += 1 }
        switch next {
        case quote, "\\", "/": return next ?? quote
        case "b": return "\u{8}"
        case "f": return "\u{C}"
        case "n": return "\n"
        case "r": return "\r"
        case "t": return "\t"
        case "u":
            let unit = try hexadecimal(at: position + 1, start)
            position += 4
            guard (0xD800...0xDBFF).contains(unit) else {
                guard let scalar = Unicode.Scalar(unit) else { throw wrong("this escape is half of a character", at: start) }
                return scalar
            }
            // A character beyond the first 65,536 is two escapes (RFC 8259, section 7).
            guard position + 2 < scalars.count, scalars[position + 1] == "\\", scalars[position + 2] == "u" else {
                throw wrong("this escape is half of a character", at: start)
            }
            let low = try hexadecimal(at: position + 3, start)
            position += 6
            guard (0xDC00...0xDFFF).contains(low), let scalar = Unicode.Scalar(0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00)) else {
                throw wrong("this escape is half of a character", at: start)
            }
            return scalar
        default: throw wrong("this escape is not known", at: start)
        }
    }

    private func hexadecimal(at place: Int, _ start: Int) throws(MillraceError) -> UInt32 {
        guard place + 4 <= scalars.count, scalars[place..<place + 4].allSatisfy({ $0.properties.isASCIIHexDigit }),
            let value = UInt32(text(place..<place + 4), radix: 16)
        else { throw wrong("\\u needs four hexadecimal digits", at: start) }
        return value
    }

    private func text(_ range: Range<Int>) -> String { String(String.UnicodeScalarView(scalars[range])) }
    private static func isDigit(_ scalar: Unicode.Scalar) -> Bool { ("0"..."9").contains(scalar) }
    private static func isLetter(_ scalar: Unicode.Scalar) -> Bool { ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar) }
}
