import Glibc
import MillraceCore

/// What a setting's value may be.
package enum SettingKind: Equatable, Sendable {
    case text
    case integer(ClosedRange<Int>)
    case seconds(ClosedRange<Double>)
    case bool
    case choice([String])
    /// A YAML sequence; elsewhere names with commas between them.
    case list

    /// What to write, for messages and documentation.
    package var expectation: String {
        switch self {
        case .text: "text"
        case .integer(let range):
            range.upperBound == .max
                ? "a whole number from \(range.lowerBound)" : "a whole number from \(range.lowerBound) to \(range.upperBound)"
        case .seconds(let range): "a number of seconds from \(Self.number(range.lowerBound)) to \(Self.number(range.upperBound))"
        case .bool: "true or false"
        case .choice(let names): names.count == 2 ? names.joined(separator: " or ") : "one of " + names.joined(separator: ", ")
        case .list: "a list of names"
        }
    }

    static func number(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e15 ? String(Int(value)) : "\(value)"
    }
}

/// A setting's value, read and in range.
package enum SettingValue: Equatable, Sendable {
    case text(String)
    case integer(Int)
    case seconds(Double)
    case bool(Bool)
    case list([String])
}

/// One setting: the single source of its names, type, range, default, documentation and place in ``ServerSettings``.
package struct SettingDescriptor: Sendable {
    /// The dotted path in `config.yaml`; `nil` for what a configuration file cannot say.
    package let key: String?
    /// The environment variable.
    package let environmentName: String
    /// The command-line flag, where there is one.
    package let flag: String?
    package let kind: SettingKind
    /// One line that says what it does.
    package let documentation: String
    /// Whether its value is masked wherever settings are printed.
    package let isSecret: Bool
    /// Says what is wrong with a text, or `nil`.
    package let check: @Sendable (String) -> String?
    package let write: @Sendable (inout ServerSettings, SettingValue) -> Void
    package let read: @Sendable (ServerSettings) -> SettingValue?

    /// How messages call the setting.
    package var name: String { key ?? environmentName }

    package init(
        key: String?, environmentName: String, flag: String? = nil, kind: SettingKind, documentation: String, isSecret: Bool = false,
        check: @escaping @Sendable (String) -> String? = { _ in nil },
        write: @escaping @Sendable (inout ServerSettings, SettingValue) -> Void,
        read: @escaping @Sendable (ServerSettings) -> SettingValue?
    ) {
        self.key = key
        self.environmentName = environmentName
        self.flag = flag
        self.kind = kind
        self.documentation = documentation
        self.isSecret = isSecret
        self.check = check
        self.write = write
        self.read = read
    }

    /// The setting's value as one would write it in the environment; empty where it is not set.
    package func text(_ settings: ServerSettings) -> String {
        switch read(settings) {
        case .text(let value): value
        case .integer(let value): String(value)
        case .seconds(let value): SettingKind.number(value)
        case .bool(let value): value ? "true" : "false"
        case .list(let names): names.joined(separator: ",")
        case nil: ""
        }
    }

    /// The setting's value for people, masked if it is a secret.
    package func display(_ settings: ServerSettings) -> String {
        let text = text(settings)
        if text.isEmpty { return "(not set)" }
        return isSecret ? SecretMask.text : text
    }

    /// What was found, for messages: quoted, shortened, masked if it is a secret.
    package func quoted(_ found: String) -> String {
        if isSecret || mayHold(secret: found) { return "a value that is not shown" }
        return found.count > 60 ? "'\(found.prefix(60))…'" : "'\(found)'"
    }

    /// Whether a value that was refused may be a secret in a wrong place: a password instead of where it is, or within a URL.
    private func mayHold(secret found: String) -> Bool {
        SecretMask.isSecretName(name) || (found.contains("@") && found.contains(":"))
    }

    /// Reads a value that was written as text.
    /// - Returns: the value, or what was expected instead.
    package func parse(_ text: String) -> Result<SettingValue, SettingRefusal> {
        func refused(_ expected: String? = nil) -> Result<SettingValue, SettingRefusal> {
            .failure(SettingRefusal(expected: expected ?? kind.expectation))
        }
        switch kind {
        case .text:
            if let problem = check(text) { return refused(problem) }
            return .success(.text(text))
        case .integer(let range):
            guard text.utf8.first != UInt8(ascii: "+"), let value = Int(text), range.contains(value) else { return refused() }
            return .success(.integer(value))
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
            guard names.contains(text) else {
                return refused(kind.expectation + (Suggestion.closest(to: text, among: names).map { " (did you mean \($0)?)" } ?? ""))
            }
            return .success(.text(text))
        case .list:
            let names = text.split(separator: ",").map { $0.trimmingSpaces() }.filter { !$0.isEmpty }
            return checked(names)
        }
    }

    /// Reads a list.
    package func checked(_ names: [String]) -> Result<SettingValue, SettingRefusal> {
        for name in names {
            if let problem = check(name) { return .failure(SettingRefusal(expected: problem)) }
        }
        return .success(.list(names))
    }
}

/// Why a value was refused: what was expected instead.
package struct SettingRefusal: Error, Equatable {
    package let expected: String
}

extension Substring {
    /// The text without spaces and tabs around it.
    func trimmingSpaces() -> String {
        var rest = self
        while let first = rest.unicodeScalars.first, first == " " || first == "\t" { rest = rest.dropFirst() }
        while let last = rest.unicodeScalars.last, last == " " || last == "\t" { rest = rest.dropLast() }
        return String(rest)
    }
}
