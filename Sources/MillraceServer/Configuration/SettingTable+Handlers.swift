package import Millrace
import MillraceTaskHandlers

extension SettingTable {
    /// The settings of Millrace's own handlers.
    private static let ownHandlers: [any HandlerSettings.Type] = [
        ChatSettings.self, RagOssSettings.self, DocumentAnalysisSettings.self, IngestSettings.self,
    ]

    /// The groups of settings that handlers declare: Millrace's own, and a team's, which may replace them.
    package static func handlerGroups(with types: [any HandlerSettings.Type] = []) -> [HandlerSettingsGroup] {
        let given = types.map { HandlerSettingsGroup($0) }
        return ownHandlers.map { HandlerSettingsGroup($0) }.filter { own in !given.contains { $0.name == own.name } } + given
    }
}
