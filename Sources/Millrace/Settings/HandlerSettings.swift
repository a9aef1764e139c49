/// Settings that a handler declares: a struct whose properties have defaults, and a list of the fields that configuration may set.
///
/// ```swift
/// struct GlossarySettings: HandlerSettings {
///     var mostTerms = 5
///     var apiKeySecretName: String?
///
///     static let group = "glossaryConfig"
///     static let fields: [SettingField<Self>] = [
///         .integer("mostTerms", \.mostTerms, in: 1...100, "how many terms are listed"),
///         .secretName("apiKeySecretName", \.apiKeySecretName, "the key of the dictionary's API"),
///     ]
/// }
/// ```
/// Values come from the environment (`GLOSSARY_MOST_TERMS`), `.env`, and the group's section in `config.yaml`, in that order.
public protocol HandlerSettings: Sendable {
    /// The group's name in `config.yaml`: lower camel case, ending in `Config`.
    static var group: String { get }
    /// What configuration may set.
    static var fields: [SettingField<Self>] { get }
    /// Settings with their defaults.
    init()
    /// What only several settings together can get wrong, each as a sentence that says what to do (default: nothing).
    func problems() -> [String]
}

extension HandlerSettings {
    /// Nothing.
    public func problems() -> [String] { [] }

    /// Settings with their defaults and the given values.
    package init(_ values: [String: SettingValue]) {
        self.init()
        for field in Self.fields {
            if let value = values[field.name] { field.write(&self, value) }
        }
    }

    /// The values of all fields.
    package var values: [String: SettingValue] {
        Dictionary(uniqueKeysWithValues: Self.fields.compactMap { field in field.read(self).map { (field.name, $0) } })
    }
}

/// The fields of one group of a handler's settings, without the type that holds their values.
package struct HandlerSettingsGroup: Sendable {
    /// One setting, as configuration sees it.
    package struct Field: Sendable {
        package let name: String
        package let environmentName: String
        package let kind: SettingKind
        package let documentation: String
        package let check: @Sendable (String) -> String?
        package let isSecretName: Bool
        /// The default as one would write it in the environment; empty where there is none.
        package let defaultText: String
    }

    package let name: String
    package let fields: [Field]
    /// The group's words in variables, with an underscore at the end: `DOCUMENT_ANALYSIS_`.
    package let environmentPrefix: String
    /// What only several settings together can get wrong.
    package let problems: @Sendable ([String: SettingValue]) -> [String]

    package init<Settings: HandlerSettings>(_ type: Settings.Type) {
        let prefix = Self.words(String(Settings.group.dropLast("Config".count))) + "_"
        let defaults = Settings()
        name = Settings.group
        environmentPrefix = prefix
        fields = Settings.fields.map { field in
            Field(
                name: field.name, environmentName: prefix + Self.words(field.name), kind: field.kind, documentation: field.documentation,
                check: field.check, isSecretName: field.isSecretName, defaultText: field.read(defaults)?.text ?? "")
        }
        problems = { Settings($0).problems() }
    }

    /// `maxDocumentSizeMb` as `MAX_DOCUMENT_SIZE_MB`: a word begins with a capital after a small letter or digit, and with the last of several
    /// capitals before a small letter.
    package static func words(_ name: String) -> String {
        let letters = Array(name)
        var text = ""
        for (index, letter) in letters.enumerated() {
            if letter.isUppercase, index > 0 {
                let isAfterSmall = !letters[index - 1].isUppercase
                let isBeforeSmall = index + 1 < letters.count && letters[index + 1].isLowercase
                if isAfterSmall || isBeforeSmall { text += "_" }
            }
            text += letter.uppercased()
        }
        return text
    }
}
