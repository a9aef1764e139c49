/// Where a setting's value was found.
public enum SettingOrigin: Equatable, Sendable, CustomStringConvertible {
    /// Nowhere: it is the default.
    case defaultValue
    /// A command-line flag, without its dashes.
    case flag(String)
    /// A variable of the environment.
    case environment(String)
    /// A line of a file, counted from 1.
    case file(path: String, line: Int)

    /// `flag --port`, `environment variable MILLRACE_PORT` or `config.yaml, line 3`.
    public var description: String {
        switch self {
        case .defaultValue: "default"
        case .flag(let name): "flag --\(name)"
        case .environment(let name): "environment variable \(name)"
        case .file(let path, let line): "\(path), line \(line)"
        }
    }
}

/// One thing that is wrong, or odd, in the configuration.
public struct ConfigurationProblem: Equatable, Sendable, CustomStringConvertible {
    /// The setting, such as `server.port`; `nil` where a whole file is meant.
    public var key: String?
    /// Where it was found.
    public var origin: SettingOrigin
    /// What was expected and what was found.
    public var message: String

    /// Creates a problem.
    public init(key: String?, origin: SettingOrigin, message: String) {
        self.key = key
        self.origin = origin
        self.message = message
    }

    /// `config.yaml, line 3: server.port: expected …, found …`
    public var description: String {
        key.map { "\(origin): \($0): \(message)" } ?? "\(origin): \(message)"
    }
}

/// The configuration is wrong: every problem at once.
public struct ConfigurationError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What is wrong, in the order flags, environment, `.env`, file.
    public var problems: [ConfigurationProblem]

    /// Creates an error.
    public init(problems: [ConfigurationProblem]) { self.problems = problems }

    /// One problem a line.
    public var description: String {
        let heading = problems.count == 1 ? "the configuration has a problem" : "the configuration has \(problems.count) problems"
        return ([heading + ":"] + problems.map { "  \($0)" }).joined(separator: "\n")
    }
}
