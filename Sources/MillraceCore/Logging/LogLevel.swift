/// How much a log line matters.
public enum LogLevel: Int, Comparable, Sendable, CaseIterable, CustomStringConvertible {
    /// Details for whoever hunts a defect.
    case debug
    /// What an operator wants to know in normal running.
    case info
    /// Something is off; the server goes on.
    case warning
    /// Something failed.
    case error

    /// The level named `debug`, `info`, `warning` or `error`, or `nil`.
    public init?(name: String) {
        guard let level = LogLevel.allCases.first(where: { $0.description == name }) else { return nil }
        self = level
    }

    /// The level's name.
    public var description: String {
        switch self {
        case .debug: "debug"
        case .info: "info"
        case .warning: "warning"
        case .error: "error"
        }
    }

    /// The less important one is less.
    public static func < (left: LogLevel, right: LogLevel) -> Bool { left.rawValue < right.rawValue }
}

/// How log lines are written.
public enum LogFormat: String, Sendable, CaseIterable {
    /// For people: time, level, message, `key=value` pairs.
    case text
    /// One JSON object a line.
    case json
}
