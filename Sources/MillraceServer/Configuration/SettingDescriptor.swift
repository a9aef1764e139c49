package import Millrace
import MillraceCore

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

    /// What stands for the flag's value in a command's help; `nil` for a flag without one.
    package var placeholder: String? {
        switch kind {
        case .bool: nil
        case .choice(let names): names.joined(separator: "|")
        case .integer, .number, .seconds: "N"
        case .list, .choices: "A,B"
        case .text: flag == "data-dir" ? "DIR" : flag == "config" ? "FILE" : flag == "env" ? "NAME" : flag == "host" ? "ADDRESS" : "TEXT"
        }
    }

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
        read(settings)?.text ?? ""
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
        return YAMLNode.quoted(found)
    }

    /// Whether a value that was refused may be a secret in a wrong place: a password instead of where it is, or within a URL.
    private func mayHold(secret found: String) -> Bool {
        SecretMask.isSecretName(name) || (found.contains("@") && found.contains(":"))
    }

    /// Reads a value that was written as text.
    /// - Returns: the value, or what was expected instead.
    package func parse(_ text: String) -> Result<SettingValue, SettingRefusal> { kind.parse(text, check: check) }
}
