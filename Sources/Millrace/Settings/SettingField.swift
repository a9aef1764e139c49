/// A place in settings. Key paths without captures are safe to share, which the annotation says to the compiler.
public typealias SettingFieldPath<Settings, Value> = any WritableKeyPath<Settings, Value> & Sendable

/// One setting of a handler: the single source of its name, type, range, documentation and place in a ``HandlerSettings``.
///
/// Its key in `config.yaml` is the group's name and its own, `documentAnalysisConfig.maxDocumentSizeMb`; its variable is made of the same
/// words, `DOCUMENT_ANALYSIS_MAX_DOCUMENT_SIZE_MB`. Its default is what the settings' `init()` gives.
public struct SettingField<Settings: Sendable>: Sendable {
    /// The key within the group, such as `maxDocumentSizeMb`.
    public let name: String
    /// One line that says what it does.
    public let documentation: String
    package let kind: SettingKind
    /// Says what is wrong with a text, or `nil`.
    package let check: @Sendable (String) -> String?
    package let write: @Sendable (inout Settings, SettingValue) -> Void
    package let read: @Sendable (Settings) -> SettingValue?
    /// Whether the value names a secret.
    package var isSecretName = false

    private init(
        _ name: String, _ kind: SettingKind, _ documentation: String, check: @escaping @Sendable (String) -> String? = { _ in nil },
        write: @escaping @Sendable (inout Settings, SettingValue) -> Void, read: @escaping @Sendable (Settings) -> SettingValue?
    ) {
        self.name = name
        self.kind = kind
        self.documentation = documentation
        self.check = check
        self.write = write
        self.read = read
    }

    /// A whole number.
    public static func integer(
        _ name: String, _ path: SettingFieldPath<Settings, Int>, in range: ClosedRange<Int>, _ documentation: String
    ) -> SettingField {
        SettingField(
            name, .integer(range), documentation, write: { if case .integer(let value) = $1 { $0[keyPath: path] = value } },
            read: { .integer($0[keyPath: path]) })
    }

    /// A number.
    public static func number(
        _ name: String, _ path: SettingFieldPath<Settings, Double>, in range: ClosedRange<Double>, _ documentation: String
    ) -> SettingField {
        SettingField(
            name, .number(range), documentation, write: { if case .number(let value) = $1 { $0[keyPath: path] = value } },
            read: { .number($0[keyPath: path]) })
    }

    /// A time in seconds.
    public static func seconds(
        _ name: String, _ path: SettingFieldPath<Settings, Double>, in range: ClosedRange<Double>, _ documentation: String
    ) -> SettingField {
        SettingField(
            name, .seconds(range), documentation, write: { if case .seconds(let value) = $1 { $0[keyPath: path] = value } },
            read: { .seconds($0[keyPath: path]) })
    }

    /// `true` or `false`.
    public static func flag(_ name: String, _ path: SettingFieldPath<Settings, Bool>, _ documentation: String) -> SettingField {
        SettingField(
            name, .bool, documentation, write: { if case .bool(let value) = $1 { $0[keyPath: path] = value } },
            read: { .bool($0[keyPath: path]) })
    }

    /// A text.
    /// - Parameter check: says what is expected instead of a text that is wrong, or `nil` (default: any text but an empty one is right).
    public static func text(
        _ name: String, _ path: SettingFieldPath<Settings, String>, _ documentation: String,
        check: @escaping @Sendable (String) -> String? = { $0.isEmpty ? "text that is not empty" : nil }
    ) -> SettingField {
        SettingField(
            name, .text, documentation, check: check, write: { if case .text(let value) = $1 { $0[keyPath: path] = value } },
            read: { .text($0[keyPath: path]) })
    }

    /// A text that may be left out.
    /// - Parameter check: as for ``text(_:_:_:check:)``.
    public static func text(
        _ name: String, _ path: SettingFieldPath<Settings, String?>, _ documentation: String,
        check: @escaping @Sendable (String) -> String? = { $0.isEmpty ? "text that is not empty" : nil }
    ) -> SettingField {
        SettingField(
            name, .text, documentation, check: check, write: { if case .text(let value) = $1 { $0[keyPath: path] = value } },
            read: { $0[keyPath: path].map { .text($0) } })
    }

    /// One of a closed set of names.
    public static func choice<Value: RawRepresentable<String> & CaseIterable & Sendable>(
        _ name: String, _ path: SettingFieldPath<Settings, Value>, _ documentation: String
    ) -> SettingField {
        SettingField(
            name, .choice(Value.allCases.map(\.rawValue)), documentation,
            write: { if case .text(let text) = $1, let value = Value(rawValue: text) { $0[keyPath: path] = value } },
            read: { .text($0[keyPath: path].rawValue) })
    }

    /// A list of names: a sequence in YAML, elsewhere with commas between them.
    /// - Parameter allowed: the names that are right; `nil`: any.
    public static func list(
        _ name: String, _ path: SettingFieldPath<Settings, [String]>, of allowed: [String]? = nil, _ documentation: String
    ) -> SettingField {
        SettingField(
            name, allowed.map { .choices($0) } ?? .list, documentation,
            write: { if case .list(let names) = $1 { $0[keyPath: path] = names } }, read: { .list($0[keyPath: path]) })
    }

    /// The name of a secret in the secret store, with `#member` behind it for a member of one that is a JSON object. The value itself is asked
    /// for where it is used: ``SecretStore/value(of:)``.
    /// - Parameter name: ends in `SecretName`, such as `apiKeySecretName`.
    public static func secretName(
        _ name: String, _ path: SettingFieldPath<Settings, String?>, _ documentation: String
    ) -> SettingField {
        var field = text(name, path, documentation) { text in
            let secret = String(text.prefix { $0 != "#" })
            return (try? SecretRules.check(name: secret)) == nil || text.hasSuffix("#")
                ? "the name of a secret, such as app/api-key or app/services#apiKey" : nil
        }
        field.isSecretName = true
        return field
    }
}
