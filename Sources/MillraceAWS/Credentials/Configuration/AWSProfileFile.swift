package import MillraceCore

/// The text of `~/.aws/config` or `~/.aws/credentials`, taken apart into sections and their settings.
///
/// It reads what botocore reads (Python's `configparser` as botocore sets it up), which is what people's files were written against:
/// - `[section]`, then `key = value` or `key: value`; keys are matched in any case, later spaces are cut off;
/// - lines indented deeper than their key go on with its value; a value of such lines alone is a group of settings, as under `s3 =`;
/// - `#` and `;` begin a comment at the start of a line only; empty lines mean nothing;
/// - a section or key that stands twice is an error, as is any line that is none of these.
///
/// Beyond botocore, a byte order mark at the start is skipped. Format: AWS SDKs and Tools Reference Guide, "Shared config and credentials
/// files". That guide merges sections that stand twice, and begins comments behind a value's space; botocore does neither.
///
/// It prints without its values: any may be a secret.
package struct AWSProfileFile: Sendable, Equatable {
    /// What stands behind a key.
    package enum Value: Sendable, Equatable {
        case text(String)
        /// Settings of a deeper level.
        case group([String: String])
    }

    package struct Section: Sendable, Equatable {
        package var name: String
        package var settings: [String: Value]
    }

    /// In the file's order.
    package let sections: [Section]

    /// No sections, as of a file that is not there.
    package init() { sections = [] }

    /// Reads a file's text.
    /// - Parameter name: the file's name, for errors.
    /// - Throws: ``MillraceError`` with ``ErrorCode/awsCredentials`` that names the line and what is wrong with it, never its text.
    package init(parsing bytes: [UInt8], name: String) throws(MillraceError) {
        let withoutMark = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes[3...] : bytes[...]
        guard let text = String(validating: withoutMark, as: UTF8.self) else {
            throw MillraceError(.awsCredentials, "\(name) is not encoded as UTF-8: save it as UTF-8")
        }
        var parser = ProfileFileParser(name: name)
        for line in ProfileFileParser.lines(text) { try parser.receive(line) }
        sections = try parser.finish()
    }

    /// The settings of a section by its whole name, such as `dev` in the credentials file.
    package subscript(name: String) -> [String: Value]? { sections.first { $0.name == name }?.settings }
}

extension AWSProfileFile.Value: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "********" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: [:]) }
}

/// Takes the lines of a profile file one by one.
private struct ProfileFileParser {
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
