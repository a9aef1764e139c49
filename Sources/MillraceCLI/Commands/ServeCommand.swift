import Glibc
import MillraceCore
import MillraceServer

/// `millrace serve`. The one place where the command line meets the server's composition root.
enum ServeCommand {
    static func run(_ command: ParsedCommand, _ environment: [String: String]) throws -> Int32 {
        let sources = MillraceCommand.sources(command, environment)
        let report = try SettingsLoader.load(sources)
        for warning in report.warnings { Terminal().write(.error, "millrace: warning: \(warning)\n") }
        let server = try Server(settings: report.settings)
        return try server.run(reload: SettingsReload(report) { try SettingsLoader.load(sources) })
    }
}
