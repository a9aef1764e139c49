import MillraceCore

/// A `.env` file: `NAME=VALUE` lines.
///
/// The format, which is the part that shells and other readers of such files agree on:
/// - Empty lines and lines that start with `#` say nothing; `export ` before a name is allowed.
/// - A bare value ends at the line's end or at ` #`; spaces around it are dropped.
/// - `'…'` is taken as it stands. In `"…"`, `\n`, `\t`, `\"`, `\\` and `\$` are escapes. Both may span lines.
/// - Nothing is interpolated: `$NAME` stays as it is.
/// - Of a repeated name the last line counts.
package struct DotEnvFile: Equatable, Sendable {
    package struct Entry: Equatable, Sendable {
        package var name: String
        package var value: String
        /// The line of the name, from 1.
        package var line: Int
    }
    package struct Fault: Equatable, Sendable {
        package var line: Int
        package var message: String
    }

    package private(set) var entries: [Entry] = []
    package private(set) var faults: [Fault] = []

    /// Reads the text; what cannot be read becomes a fault, and reading goes on with the next line.
    package init(parsing text: String) {
        var rest = Substring(text).unicodeScalars
        if rest.first == "\u{FEFF}" { rest.removeFirst() }
        var line = 1
        while !rest.isEmpty {
            let start = line
            let end = rest.firstIndex(of: "\n") ?? rest.endIndex
            guard let equals = rest[..<end].firstIndex(of: "=") else {
                let words = Self.trimmed(rest[..<end])
                if !words.isEmpty, words.first != "#" { faults.append(Fault(line: start, message: "expected NAME=VALUE")) }
                Self.dropLine(&rest, &line)
                continue
            }
            var name = Self.trimmed(rest[..<equals])
            if name.first == "#" {
                Self.dropLine(&rest, &line)
                continue
            }
            if String(name).hasPrefix("export "), let space = name.firstIndex(of: " ") {
                name = Self.trimmed(name[name.index(after: space)...])
            }
            guard Self.isName(name) else {
                faults.append(Fault(line: start, message: "a name has letters, digits and _, and does not start with a digit"))
                Self.dropLine(&rest, &line)
                continue
            }
            rest = rest[rest.index(after: equals)...]
            while let first = rest.first, first == " " || first == "\t" { rest.removeFirst() }
            if let quote = rest.first, quote == "'" || quote == "\"" {
                guard let value = Self.quoted(&rest, &line, quote) else {
                    faults.append(Fault(line: start, message: "the quote that opens the value of \(String(name)) is never closed"))
                    return
                }
                let after = Self.trimmed(rest[..<(rest.firstIndex(of: "\n") ?? rest.endIndex)])
                if !after.isEmpty, after.first != "#" {
                    faults.append(Fault(line: line, message: "text after the closing quote of \(String(name))"))
                } else {
                    entries.append(Entry(name: String(name), value: value, line: start))
                }
            } else {
                entries.append(
                    Entry(name: String(name), value: Self.bare(rest[..<(rest.firstIndex(of: "\n") ?? rest.endIndex)]), line: start))
            }
            Self.dropLine(&rest, &line)
        }
    }

    /// The entries by name; of a repeated name the last.
    package var byName: [String: Entry] { Dictionary(entries.map { ($0.name, $0) }, uniquingKeysWith: { _, last in last }) }

    private typealias Text = Substring.UnicodeScalarView

    private static func dropLine(_ rest: inout Text, _ line: inout Int) {
        guard let end = rest.firstIndex(of: "\n") else {
            rest = rest[rest.endIndex...]
            return
        }
        rest = rest[rest.index(after: end)...]
        line += 1
    }

    private static func isSpace(_ scalar: Unicode.Scalar) -> Bool { scalar == " " || scalar == "\t" || scalar == "\r" }

    private static func trimmed(_ text: Text) -> Text {
        var text = text
        while let first = text.first, isSpace(first) { text.removeFirst() }
        while let last = text.last, isSpace(last) { text.removeLast() }
        return text
    }

    private static func isName(_ text: Text) -> Bool {
        guard let first = text.first, !("0"..."9").contains(first) else { return false }
        return text.allSatisfy { $0 == "_" || ("0"..."9").contains($0) || ("a"..."z").contains($0) || ("A"..."Z").contains($0) }
    }

    private static func bare(_ text: Text) -> String {
        var previousIsSpace = true
        for index in text.indices {
            if text[index] == "#", previousIsSpace { return String(trimmed(text[..<index])) }
            previousIsSpace = isSpace(text[index])
        }
        return String(trimmed(text))
    }

    private static func quoted(_ rest: inout Text, _ line: inout Int, _ quote: Unicode.Scalar) -> String? {
        var value = String.UnicodeScalarView()
        rest.removeFirst()
        while let scalar = rest.popFirst() {
            if scalar == quote { return String(value) }
            if scalar == "\n" { line += 1 }
            guard scalar == "\\", quote == "\"", let next = rest.first else {
                value.append(scalar)
                continue
            }
            switch next {
            case "n": value.append("\n")
            case "t": value.append("\t")
            case "\"", "\\", "$": value.append(next)
            default:
                value.append(scalar)
                continue
            }
            rest.removeFirst()
        }
        return nil
    }
}
