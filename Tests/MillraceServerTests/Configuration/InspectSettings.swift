import MillraceServer

/// What the loader says of files in a directory of their own; paths without that directory.
func inspect(
    yaml: String? = nil, dotEnv: String? = nil, environment: [String: String] = [:], flags: [String: String] = [:],
    files: [String: String] = [:]
) -> SettingsReport {
    let directory = TemporaryDirectory()
    if let yaml { directory.write("config.yaml", yaml) }
    for (name, text) in files { directory.write(name, text) }
    if let dotEnv { directory.write(".env", dotEnv) }
    var report = SettingsLoader.inspect(SettingsSources(flags: flags, environment: environment, directory: directory.path))
    let shorten = { (problem: ConfigurationProblem) -> ConfigurationProblem in
        var problem = problem
        if case .file(let path, let line) = problem.origin {
            problem.origin = .file(path: String(path.dropFirst(directory.path.count + 1)), line: line)
        }
        return problem
    }
    report.problems = report.problems.map(shorten)
    report.warnings = report.warnings.map(shorten)
    return report
}
