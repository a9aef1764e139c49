package import Millrace
import MillraceCore

/// One setting as people read it: its key, its value with secrets masked, and where the value came from.
package struct SettingEntry: Equatable, Sendable {
    package var key: String
    package var value: String
    package var origin: SettingOrigin

    package init(key: String, value: String, origin: SettingOrigin) {
        self.key = key
        self.value = value
        self.origin = origin
    }

    /// All settings of a report, in the order of the documentation; those of handlers last.
    package static func all(_ report: SettingsReport, handlers: [HandlerSettingsGroup] = SettingTable.handlerGroups()) -> [SettingEntry] {
        func entry(_ key: String, _ value: String) -> SettingEntry {
            SettingEntry(key: key, value: value, origin: report.origins[key] ?? .defaultValue)
        }
        let settings = report.settings
        var entries = SettingTable.all.map { entry($0.name, $0.display(settings)) }
        func named(_ key: String, _ kind: String, _ unavailable: String?) -> SettingEntry {
            entry(key, kind + (unavailable.map { " (not available: \($0))" } ?? ""))
        }
        entries += settings.models.map { named("models.\($0.id)", $0.kindName, $0.unavailable) }
        entries += settings.embedders.map { named("embedders.\($0.id)", $0.kindName, $0.unavailable) }
        entries += settings.taskModels.sorted { $0.key < $1.key }.map { entry("taskModels.\($0.key)", $0.value) }
        for group in handlers {
            let values = settings.handlerValues[group.name] ?? [:]
            for field in group.fields {
                let text = values[field.name]?.text ?? field.defaultText
                let isHidden = !field.isSecretName && SecretMask.isSecretName(field.name)
                entries.append(
                    entry("\(group.name).\(field.name)", text.isEmpty ? "(not set)" : isHidden ? SecretMask.text : text))
            }
        }
        let known = handlers.map(\.name)
        for (name, value) in settings.handlerConfiguration.sorted(by: { $0.key < $1.key }) where !known.contains(name) {
            entries.append(entry(name, SecretMask.mask(value).text))
        }
        return entries
    }
}
