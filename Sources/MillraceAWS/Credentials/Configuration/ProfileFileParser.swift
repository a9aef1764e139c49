import MillraceCore

/// Takes the lines of a profile file one by one.
struct ProfileFileParser {
    private struct Entry {
        var line: Int
        var lines: [String]
    }

    private let name: String
    private var number = 0
    private var order: [String] = []
    private var entries: [String: [String: Entry]] = [:]
    /// Of the section `DEFAULT`, which Python's parser lets count in every other.
    private var defaults: [String: Entry] = [:]
    private var seen: Set<String> = []
    private var section: String?
    private var key: String?
    private var indent = 0

    private static let defaultSection = "DEFAULT"

    init(name: String) { self.name = name }

    /// The lines, ended by `\n`, `\r\n` or `\r`.
    static func lines(_ text: String) -> [[Unicode.Scalar]] {
        var lines: [[Unicode.Scalar]] = [[]]
        var previous: Unicode.Scalar?
        for scalar in text.unicodeScalars {
            if scalar == "\n", previous == "\r" {
            } else if scalar == "\n" || scalar == "\r" {
                lines.append([])
            } else {
                lines[lines.count - 1].append(scalar)
            }
            previous = scalar
        }
        return lines
    }

    private func failure(_ what: String, line: Int? = nil) -> MillraceError {
        MillraceError(.awsCredentials, "\(name), line \(line ?? number): \(what)")
    }

    mutating func receive(_ line: [Unicode.Scalar]) throws(MillraceError) {
        number += 1
        let text = Self.trimmed(line)
        guard let first = text.first else {
            if let key { change(key) { $0.lines.append("") } }
            return
        }
        if first == "#" || first == ";" { return }
        let indent = line.prefix(while: Self.isSpace).count
        if let key, indent > self.indent {
            change(key) { $0.lines.append(Self.string(text)) }
            return
        }
        self.indent = indent
        if first == "[", let end = text.lastIndex(of: "]"), end > 1 {
            try begin(Self.string(text[1..<end]))
        } else if section == nil {
            throw failure("a setting stands before the first [section]")
        } else {
            try set(text)
        }
    }

    private mutating func begin(_ name: String) throws(MillraceError) {
        section = name
        key = nil
        guard name != Self.defaultSection else { return }
        guard entries[name] == nil else { throw failure("the section [\(name)] stands twice: merge the two") }
        entries[name] = [:]
        order.append(name)
    }

    private mutating func set(_ text: [Unicode.Scalar]) throws(MillraceError) {
        guard let delimiter = text.firstIndex(where: { $0 == "=" || $0 == ":" }) else {
            throw failure("this is neither a [section] nor 'key = value'")
        }
        let key = Self.string(Self.trimmed(text[..<delimiter])).lowercased()
        guard !key.isEmpty else { throw failure("there is no key before the '\(Character(text[delimiter]))'") }
        guard seen.insert("\(section ?? "")\n\(key)").inserted else {
            throw failure("'\(key)' stands twice in [\(section ?? "")]: remove one")
        }
        self.key = key
        let entry = Entry(line: number, lines: [Self.string(Self.trimmed(text[(delimiter + 1)...]))])
        if section == Self.defaultSection { defaults[key] = entry } else { entries[section ?? "", default: [:]][key] = entry }
    }

    private mutating func change(_ key: String, _ body: (inout Entry) -> Void) {
        guard let section else { return }
        if section == Self.defaultSection {
            if defaults[key] != nil { body(&defaults[key]!) }
        } else if entries[section]?[key] != nil {
            body(&entries[section]![key]!)
        }
    }

    func finish() throws(MillraceError) -> [AWSProfileFile.Section] {
        var sections: [AWSProfileFile.Section] = []
        for name in order {
            var settings: [String: AWSProfileFile.Value] = [:]
            for (key, entry) in defaults.merging(entries[name, default: [:]], uniquingKeysWith: { $1 }) {
                settings[key] = try value(of: entry)
            }
            sections.append(AWSProfileFile.Section(name: name, settings: settings))
        }
        return sections
    }

    private func value(of entry: Entry) throws(MillraceError) -> AWSProfileFile.Value {
        var lines = entry.lines
        while lines.count > 1, lines.last == "" { lines.removeLast() }
        guard lines.count > 1, lines[0].isEmpty else { return .text(lines.joined(separator: "\n")) }
        var group: [String: String] = [:]
        for (offset, line) in lines.enumerated() where !line.isEmpty {
            let scalars = Array(line.unicodeScalars)
            guard let delimiter = scalars.firstIndex(of: "=") else {
                throw failure("the indented line has no '='", line: entry.line + offset)
            }
            group[Self.string(Self.trimmed(scalars[..<delimiter]))] = Self.string(Self.trimmed(scalars[(delimiter + 1)...]))
        }
        return .group(group)
    }

    private static func string(_ scalars: some Sequence<Unicode.Scalar>) -> String {
        var text = String.UnicodeScalarView()
        text.append(contentsOf: scalars)
        return String(text)
    }

    private static func trimmed(_ scalars: some RandomAccessCollection<Unicode.Scalar>) -> [Unicode.Scalar] {
        var rest = scalars[...]
        while let last = rest.last, isSpace(last) { rest.removeLast() }
        return Array(rest.drop(while: isSpace))
    }

    /// Python's idea of white space, which has four separators of ASCII as well.
    private static func isSpace(_ scalar: Unicode.Scalar) -> Bool {
        scalar.properties.isWhitespace || (0x1C...0x1F).contains(scalar.value)
    }
}
