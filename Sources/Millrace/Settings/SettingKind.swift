import MillraceCore

/// What a setting's value may be.
package enum SettingKind: Equatable, Sendable {
    case text
    case integer(ClosedRange<Int>)
    case number(ClosedRange<Double>)
    case seconds(ClosedRange<Double>)
    case bool
    case choice([String])
    /// A YAML sequence; elsewhere names with commas between them.
    case list
    /// A list whose members are of a set.
    case choices([String])

    /// What to write, for messages and documentation.
    package var expectation: String {
        switch self {
        case .text: "text"
        case .integer(let range):
            range.upperBound == .max
                ? "a whole number from \(range.lowerBound)" : "a whole number from \(range.lowerBound) to \(range.upperBound)"
        case .number(let range): "a number from \(Self.number(range.lowerBound)) to \(Self.number(range.upperBound))"
        case .seconds(let range): "a number of seconds from \(Self.number(range.lowerBound)) to \(Self.number(range.upperBound))"
        case .bool: "true or false"
        case .choice(let names): names.count == 2 ? names.joined(separator: " or ") : "one of " + names.joined(separator: ", ")
        case .list: "a list of names"
        case .choices(let names): "a list of " + names.joined(separator: ", ")
        }
    }

    /// Whether a value is a list in YAML.
    package var isList: Bool {
        switch self {
        case .list, .choices: true
        default: false
        }
    }

    /// Whether a value is a number or a truth value, which quotes make a text of.
    package var isUnquoted: Bool {
        switch self {
        case .integer, .number, .seconds, .bool: true
        default: false
        }
    }

    package static func number(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e15 ? String(Int(value)) : "\(value)"
    }

    /// Reads a value that was written as text.
    /// - Parameter check: says what is wrong with a text, or `nil`.
    /// - Returns: the value, or what was expected instead.
    package func parse(_ text: String, check: (String) -> String?) -> Result<SettingValue, SettingRefusal> {
        func refused(_ expected: String? = nil) -> Result<SettingValue, SettingRefusal> {
            .failure(SettingRefusal(expected: expected ?? expectation))
        }
        switch self {
        case .text:
            if let problem = check(text) { return refused(problem) }
            return .success(.text(text))
        case .integer(let range):
            guard text.utf8.first != UInt8(ascii: "+"), let value = Int(text), range.contains(value) else { return refused() }
            return .success(.integer(value))
        case .number(let range):
            let isPlain = text.utf8.allSatisfy { (0x30...0x39).contains($0) || "+-.eE".utf8.contains($0) }
            guard isPlain, let value = Double(text), range.contains(value) else { return refused() }
            return .success(.number(value))
        case .seconds(let range):
            guard text.utf8.allSatisfy({ $0 == UInt8(ascii: ".") || (0x30...0x39).contains($0) }), let value = Double(text),
                range.contains(value)
            else { return refused() }
            return .success(.seconds(value))
        case .bool:
            switch text.lowercased() {
            case "true", "yes", "on", "1": return .success(.bool(true))
            case "false", "no", "off", "0": return .success(.bool(false))
            default: return refused()
            }
        case .choice(let names):
            if let problem = Self.problem(text, among: names) { return refused(expectation + problem) }
            return .success(.text(text))
        case .list, .choices:
            return checked(text.split(separator: ",").map { $0.trimmingSpaces() }.filter { !$0.isEmpty }, check: check)
        }
    }

    /// Reads a list.
    package func checked(_ names: [String], check: (String) -> String?) -> Result<SettingValue, SettingRefusal> {
        for name in names {
            if case .choices(let allowed) = self, let problem = Self.problem(name, among: allowed) {
                return .failure(SettingRefusal(expected: expectation + problem))
            }
            if let problem = check(name) { return .failure(SettingRefusal(expected: problem)) }
        }
        return .success(.list(names))
    }

    /// Which of the names may be meant; `nil` for one of them.
    private static func problem(_ text: String, among names: [String]) -> String? {
        if names.contains(text) { return nil }
        return Suggestion.closest(to: text, among: names).map { " (did you mean \($0)?)" } ?? ""
    }
}

extension Substring {
    /// The text without spaces and tabs around it.
    package func trimmingSpaces() -> String {
        var rest = self
        while let first = rest.unicodeScalars.first, first == " " || first == "\t" { rest = rest.dropFirst() }
        while let last = rest.unicodeScalars.last, last == " " || last == "\t" { rest = rest.dropLast() }
        return String(rest)
    }
}
