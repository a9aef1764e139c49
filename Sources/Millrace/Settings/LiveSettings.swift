import MillraceCore

/// A handler's settings as they are now: a reload of the configuration changes them while the handler lives.
///
/// Take ``current`` once at the beginning of a run and use that value to its end, so that a run has one set of settings.
public struct LiveSettings<Settings: HandlerSettings>: Sendable {
    private enum Source: Sendable {
        case fixed(Settings)
        case board(SettingsBoard)
    }

    private let source: Source

    /// Settings that don't change, for tests and for whoever makes a handler in code.
    public init(_ settings: Settings = Settings()) { source = .fixed(settings) }

    package init(board: SettingsBoard) { source = .board(board) }

    /// The settings as they are now.
    public var current: Settings {
        switch source {
        case .fixed(let settings): settings
        case .board(let board): Settings(board.values(of: Settings.group))
        }
    }
}

/// The values of all handlers' settings, which a reload replaces.
package final class SettingsBoard: Sendable {
    private let groups: Locked<[String: [String: SettingValue]]>

    package init(_ groups: [String: [String: SettingValue]]) { self.groups = Locked(groups) }

    package func values(of group: String) -> [String: SettingValue] { groups.withLock { $0[group] ?? [:] } }

    package func replace(_ groups: [String: [String: SettingValue]]) { self.groups.withLock { $0 = groups } }
}
