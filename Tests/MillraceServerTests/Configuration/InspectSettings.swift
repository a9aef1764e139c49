import Millrace
import MillraceServer

/// What the loader says of files in a directory of their own; paths without that directory.
func inspect(
    yaml: String? = nil, dotEnv: String? = nil, environment: [String: String] = [:], flags: [String: String] = [:],
    files: [String: String] = [:], handlers: [any HandlerSettings.Type] = []
) -> SettingsReport {
    let directory = TemporaryDirectory()
    if let yaml { directory.write("config.yaml", yaml) }
    for (name, text) in files { directory.write(name, text) }
    if let dotEnv { directory.write(".env", dotEnv) }
    var report = SettingsLoader.inspect(
        SettingsSources(flags: flags, environment: environment, directory: directory.path), handlers: handlers)
    let shortenOrigin = { (origin: SettingOrigin) -> SettingOrigin in
        guard case .file(let path, let line) = origin else { return origin }
        return .file(path: String(path.dropFirst(directory.path.count + 1)), line: line)
    }
    let shorten = { (problem: ConfigurationProblem) -> ConfigurationProblem in
        var problem = problem
        problem.origin = shortenOrigin(problem.origin)
        return problem
    }
    report.origins = report.origins.mapValues(shortenOrigin)
    report.problems = report.problems.map(shorten)
    report.warnings = report.warnings.map(shorten)
    return report
}
