public import Millrace
import MillraceCore

/// Where settings are looked for.
public struct SettingsSources: Equatable, Sendable {
    /// Command-line flags by name, without dashes, with their values as text.
    public var flags: [String: String]
    /// The environment's variables.
    public var environment: [String: String]
    /// The directory that holds `.env` and `config.yaml` (default: `.`).
    public var directory: String

    /// Creates sources; by default there are no flags and no variables.
    public init(flags: [String: String] = [:], environment: [String: String] = [:], directory: String = ".") {
        self.flags = flags
        self.environment = environment
        self.directory = directory
    }
}

/// What ``SettingsLoader`` found: settings that are right, what is wrong with the others, and where each came from.
public struct SettingsReport: Equatable, Sendable {
    /// The settings; where a value was wrong, its default.
    public var settings = ServerSettings()
    /// What stops a start.
    public var problems: [ConfigurationProblem] = []
    /// What is odd: unknown keys, mostly.
    public var warnings: [ConfigurationProblem] = []
    /// Where each setting came from, by key (by environment variable where it has none); absent: the default.
    public var origins: [String: SettingOrigin] = [:]
    /// The files that were read.
    public var files: [String] = []
    /// The states of the files that were read or looked for, from before they were read.
    package var stamps: [String: FileStamp?] = [:]
    /// Where prompts were looked for.
    package var promptDirectory = ""
}

/// Reads ``ServerSettings`` from command-line flags, the environment, `.env` and `config.yaml`, in that order, and then the defaults.
///
/// In `config.yaml` the groups at the top of the file (or under `base:`) are the base; the section that `--env`, `MILLRACE_ENV` or the
/// file's own `env:` names is laid over it, key by key. The format of `.env` is described in `.env.example`.
public enum SettingsLoader {
    /// Reads the settings.
    /// - Parameter handlers: the settings that the team's handlers declare, beside those of Millrace's own (default: none).
    /// - Throws: ``ConfigurationError`` with all problems at once, each with its key, its file and line (or variable, or flag), what was
    ///   expected and what was found.
    public static func load(
        _ sources: SettingsSources, handlers: [any HandlerSettings.Type] = []
    ) throws(ConfigurationError) -> SettingsReport {
        let report = inspect(sources, handlers: handlers)
        if !report.problems.isEmpty { throw ConfigurationError(problems: report.problems) }
        return report
    }

    /// Reads the settings as far as they are right. Use it to show what is wrong, never to start a server.
    public static func inspect(_ sources: SettingsSources, handlers: [any HandlerSettings.Type] = []) -> SettingsReport {
        var run = Run(sources, SettingTable.handlerGroups(with: handlers))
        run.report.settings.declaredHandlerGroups = handlers.map { $0.group }
        run.readDotEnv()
        run.readOutside()
        run.readAWSVariables()
        run.readConfigFile()
        run.takeHandlers()
        run.readPrompts()
        run.checkTogether()
        return run.report
    }

    private struct Run {
        let sources: SettingsSources
        var report = SettingsReport()
        var dotEnv: [String: DotEnvFile.Entry] = [:]
        var handlers: HandlerSettingsReader

        init(_ sources: SettingsSources, _ groups: [HandlerSettingsGroup]) {
            self.sources = sources
            handlers = HandlerSettingsReader(groups)
        }

        func path(_ name: String) -> String { sources.directory == "." || name.hasPrefix("/") ? name : sources.directory + "/" + name }

        mutating func readDotEnv() {
            let path = path(".env")
            report.stamps[path] = .some(FileStamp(path))
            guard BoundedFile.exists(path) else { return }
            let bytes: [UInt8]
            do throws(MillraceError) { bytes = try BoundedFile.read(path, limit: YAMLReader.byteLimit) } catch {
                report.problems.append(.init(key: nil, origin: .file(path: path, line: 1), message: error.message))
                return
            }
            report.files.append(path)
            let file = DotEnvFile(parsing: String(decoding: bytes, as: UTF8.self))
            for fault in file.faults {
                report.problems.append(.init(key: nil, origin: .file(path: path, line: fault.line), message: fault.message))
            }
            dotEnv = file.byName
        }

        /// Flags, environment and `.env`.
        mutating func readOutside() {
            for setting in SettingTable.all {
                if let flag = setting.flag, let text = sources.flags[flag] {
                    take(setting, setting.parse(text), found: setting.quoted(text), .flag(flag))
                } else if let text = sources.environment[setting.environmentName], !text.isEmpty {
                    take(setting, setting.parse(text), found: setting.quoted(text), .environment(setting.environmentName))
                } else if let entry = dotEnv[setting.environmentName], !entry.value.isEmpty {
                    take(
                        setting, setting.parse(entry.value), found: setting.quoted(entry.value),
                        .file(path: path(".env"), line: entry.line))
                }
            }
            handlers.read(sources.environment, dotEnv: dotEnv, path: path(".env"))
            let names = SettingTable.all.map(\.environmentName) + SettingTable.clientEnvironmentNames
            for name in sources.environment.keys.sorted() where name.hasPrefix("MILLRACE_") && !names.contains(name) {
                warn(name, .environment(name), names)
            }
            for entry in dotEnv.values.sorted(by: { $0.line < $1.line })
            where entry.name.hasPrefix("MILLRACE_") && !names.contains(entry.name) {
                warn(entry.name, .file(path: path(".env"), line: entry.line), names)
            }
        }

        /// What AWS and `env:NAME` ask for later: the environment, and `.env` below it.
        mutating func readAWSVariables() {
            var variables = sources.environment
            for (name, entry) in dotEnv where variables[name]?.isEmpty != false { variables[name] = entry.value }
            report.settings.aws.variables = AWSVariables(variables)
        }

        mutating func readConfigFile() {
            let named = report.settings.configFile
            let path = path(named ?? "config.yaml")
            report.stamps[path] = .some(FileStamp(path))
            if named == nil, !BoundedFile.exists(path) { return }
            let bytes: [UInt8]
            do throws(MillraceError) { bytes = try BoundedFile.read(path, limit: YAMLReader.byteLimit) } catch {
                let origin = report.origins["MILLRACE_CONFIG"] ?? .file(path: path, line: 1)
                report.problems.append(.init(key: nil, origin: origin, message: error.message))
                return
            }
            report.files.append(path)
            let root: YAMLNode?
            do throws(YAMLReader.Failure) { root = try YAMLReader.read(bytes) } catch {
                report.problems.append(.init(key: nil, origin: .file(path: path, line: error.line), message: error.message))
                return
            }
            guard let root, !root.isNull else { return }
            let file = ConfigFile(root, path: path, chosen: report.settings.environment)
            report.problems += file.problems
            report.warnings += file.warnings
            report.settings.handlerConfiguration = file.handlerGroups.mapValues(\.json)
            handlers.read(file.handlerGroups, path: path)
            readModels(file, path)
            for setting in SettingTable.all {
                guard let key = setting.key, let node = file.values[key] else { continue }
                let origin = SettingOrigin.file(path: path, line: node.line)
                let found = if case .scalar(let text, _) = node.content { setting.quoted(text) } else { node.found }
                // What a flag or variable overrides must be right all the same: the file is what the next start may read.
                let result = setting.kind.parse(node, check: setting.check)
                if report.origins[setting.name] == nil {
                    take(setting, result, found: found, origin)
                } else {
                    check(setting, result, found, origin)
                }
            }
        }

        private mutating func readModels(_ file: ConfigFile, _ path: String) {
            let (environment, dotEnv) = (sources.environment, dotEnv)
            let reader = ModelSettingsReader(path: path, directory: sources.directory) { name in
                environment[name].flatMap { $0.isEmpty ? nil : $0 } ?? dotEnv[name]?.value
            }
            if let node = file.namedGroups["models"] { report.settings.models = reader.models(node) }
            if let node = file.namedGroups["embedders"] { report.settings.embedders = reader.embedders(node) }
            if let node = file.namedGroups["taskModels"] { report.settings.taskModels = reader.taskModels(node) }
            report.problems += reader.problems
            report.warnings += reader.warnings
            for (group, node) in file.namedGroups {
                guard case .mapping(let members) = node.content else { continue }
                for member in members { report.origins["\(group).\(member.key)"] = .file(path: path, line: member.line) }
            }
            for (name, node) in file.handlerGroups { report.origins[name] = .file(path: path, line: node.line) }
        }

        private mutating func take(
            _ setting: SettingDescriptor, _ result: Result<SettingValue, SettingRefusal>, found: String, _ origin: SettingOrigin
        ) {
            report.origins[setting.name] = origin
            if case .success(let value) = result { setting.write(&report.settings, value) }
            check(setting, result, found, origin)
        }

        private mutating func check(
            _ setting: SettingDescriptor, _ result: Result<SettingValue, SettingRefusal>, _ found: String, _ origin: SettingOrigin
        ) {
            guard case .failure(let refusal) = result else { return }
            report.problems.append(.init(key: setting.name, origin: origin, message: "expected \(refusal.expected), found \(found)"))
        }

        private mutating func warn(_ name: String, _ origin: SettingOrigin, _ names: [String]) {
            report.warnings.append(
                .init(key: name, origin: origin, message: "unknown variable" + Suggestion.phrase(for: name, among: names)))
        }

        /// What handlers declare.
        mutating func takeHandlers() {
            handlers.checkTogether()
            report.settings.handlerValues = handlers.values
            report.settings.handlerOrigins = handlers.origins
            report.origins.merge(handlers.origins) { first, _ in first }
            report.problems += handlers.problems
            report.warnings += handlers.warnings
        }

        /// The prompts beside the configuration file, or where a setting says.
        mutating func readPrompts() {
            let configured = report.settings.promptDirectory
            let name = configured ?? "prompts"
            let parent = Directories.parent(of: path(report.settings.configFile ?? "config.yaml"))
            let directory = name.hasPrefix("/") || parent == "." ? name : parent == "/" ? "/" + name : "\(parent)/\(name)"
            if configured != nil, !BoundedFile.exists(directory) {
                let origin = report.origins["prompts.directory"] ?? .defaultValue
                report.problems.append(
                    .init(key: "prompts.directory", origin: origin, message: "there is no directory \(directory)"))
            }
            let read = PromptDirectory(directory)
            report.settings.promptFiles = read.sources
            report.files += read.files
            report.problems += read.problems
            report.warnings += read.warnings
            report.stamps.merge(read.stamps) { $1 }
            report.promptDirectory = directory
        }

        /// What only several settings together can get wrong.
        mutating func checkTogether() {
            let settings = report.settings
            if !settings.listensOnLoopbackOnly && !settings.allowUnauthenticated {
                report.problems.append(
                    .init(
                        key: "server.host", origin: report.origins["server.host"] ?? .defaultValue,
                        message:
                            "\(settings.host) can be reached from other machines and nobody is authenticated: listen on 127.0.0.1, or say "
                            + "--allow-unauthenticated (MILLRACE_ALLOW_UNAUTHENTICATED=true)"))
            }
        }
    }
}
