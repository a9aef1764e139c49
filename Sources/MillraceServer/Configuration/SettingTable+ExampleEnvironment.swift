import Millrace

extension SettingTable {
    /// The text of `.env.example`: every setting that the environment can give, with its documentation, range and default.
    package static var exampleEnvironment: String {
        let defaults = ServerSettings()
        var text = """
            # Millrace's settings, with their defaults. Copy this file to .env and uncomment what you change.
            #
            # A setting is looked for in this order: command-line flag, environment variable, .env, config.yaml (first the section
            # named by MILLRACE_ENV, then the base), default. An empty variable counts as not set.
            #
            # Format: NAME=VALUE, # starts a comment, 'text' is taken as it stands, "text" knows \\n \\t \\" \\\\ \\$, "export " before a
            # name is allowed. Nothing is interpolated.
            #
            # This file is generated from the table of settings: `millrace env-example > .env.example`.

            """
        for setting in all {
            text += "\n# \(setting.documentation.prefix(1).uppercased())\(setting.documentation.dropFirst())"
            switch setting.kind {
            case .text: break
            case .list: text += "; commas between them"
            default: text += "; \(setting.kind.expectation)"
            }
            text += ".\n"
            if let key = setting.key { text += "# In config.yaml: \(key)" + (setting.flag.map { "; flag: --\($0)" } ?? "") + "\n" }
            if setting.key == nil, let flag = setting.flag { text += "# Flag: --\(flag)\n" }
            text += "#\(setting.environmentName)=\(setting.isSecret ? "" : setting.text(defaults))\n"
        }
        for group in handlerGroups() {
            text += "\n# --- \(group.name) ---\n"
            for field in group.fields { text += describe(field, of: group) }
        }
        return text
    }

    private static func describe(_ field: HandlerSettingsGroup.Field, of group: HandlerSettingsGroup) -> String {
        let documentation = field.documentation.prefix(1).uppercased() + field.documentation.dropFirst()
        let expectation =
            switch field.kind {
            case .text: ""
            case .list: "; commas between them"
            default: "; \(field.kind.expectation)"
            }
        return "\n# \(documentation)\(expectation).\n# In config.yaml: \(group.name).\(field.name)\n"
            + "#\(field.environmentName)=\(field.defaultText)\n"
    }
}
