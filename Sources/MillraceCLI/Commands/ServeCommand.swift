import Glibc
import MillraceCore
import MillraceServer

/// `millrace serve`. The one place where the command line meets the server's composition root.
enum ServeCommand {
    static func run(_ command: ParsedCommand, _ environment: [String: String]) throws -> Int32 {
        let report = try SettingsLoader.load(MillraceCommand.sources(command, environment))
        for warning in report.warnings { Terminal().write(.error, "millrace: warning: \(warning)\n") }
        return try serve(report.settings)
    }

    /// Runs until the server is told to stop; returns the exit code.
    private static func serve(_ settings: ServerSettings) throws -> Int32 {
        try Server(settings: settings).run()
    }
}
