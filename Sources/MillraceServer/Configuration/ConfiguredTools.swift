package import Millrace
import MillraceCore
import MillraceTaskHandlers

/// The tools that the configuration allows, compared with those that there are.
package enum ConfiguredTools {
    private static let key = "chatConfig.tools"

    /// What is wrong with them, where only Millrace's own tools are there.
    package static func problems(_ settings: ServerSettings) -> [ConfigurationProblem] {
        var registry = ToolRegistry()
        for name in BuiltInTools.names { registry.omit(name, reason: "") }
        return problems(settings, names: registry)
    }

    /// What is wrong with them: names that nobody has registered.
    package static func problems(_ settings: ServerSettings, names registry: ToolRegistry) -> [ConfigurationProblem] {
        allowed(settings).compactMap { name in
            registry.problem(with: name).map { problem in
                ConfigurationProblem(key: key, origin: settings.handlerOrigins[key] ?? .defaultValue, message: problem)
            }
        }
    }

    /// Says which of them cannot be used now, and why.
    static func warn(_ settings: ServerSettings, _ registry: ToolRegistry, _ logger: Logger) {
        for name in allowed(settings) {
            guard let reason = registry.reasonForOmission(of: name) else { continue }
            logger.warning("a tool is not offered", ["tool": .string(name), "missing": .string(reason)])
        }
    }

    /// Who declares settings of their own for a chat of their own says what its `tools` are.
    private static func allowed(_ settings: ServerSettings) -> [String] {
        settings.declaredHandlerGroups.contains(ChatSettings.group) ? [] : settings.handler(ChatSettings.self).tools
    }
}

extension Server {
    /// - Throws: ``ConfigurationError`` for tools that nobody has registered.
    static func checkTools(_ settings: ServerSettings, _ registry: ToolRegistry, _ logger: Logger) throws(ConfigurationError) {
        let problems = ConfiguredTools.problems(settings, names: registry)
        guard problems.isEmpty else { throw ConfigurationError(problems: problems) }
        ConfiguredTools.warn(settings, registry, logger)
    }
}
