import Glibc
import MillraceCore
import MillraceServer

/// How `millrace` ends.
enum ExitCode {
    static let success: Int32 = 0
    /// What was asked for failed.
    static let failure: Int32 = 1
    /// The command line was wrong.
    static let usage: Int32 = 2
    /// Ended by Ctrl-C: 128 and SIGINT's number, as shells count.
    static let interrupted: Int32 = 130
}

/// The program: reads the command line, runs the command, turns errors into messages and exit codes.
enum MillraceCommand {
    static func run(_ words: [String], environment: [String: String]) -> Int32 {
        let terminal = Terminal()
        let parser = CommandLineParser(root: CommandTree.root)
        do {
            switch try parser.parse(words) {
            case .help(let text):
                terminal.write(.output, text)
                return ExitCode.success
            case .version:
                terminal.write(.output, "millrace \(MillraceVersion.current)\n")
                return ExitCode.success
            case .run(let command): return try dispatch(command, environment, terminal)
            }
        } catch let error as UsageError {
            terminal.write(.error, "millrace: \(error.message)\nTry `\(parser.fullName(error.path)) --help`.\n")
            return ExitCode.usage
        } catch let error as ConfigurationError {
            terminal.write(.error, "millrace: \(error)\n")
            return ExitCode.failure
        } catch let error as MillraceError {
            terminal.write(.error, "millrace: \(error.message)\n")
            return error.code == .cancelled ? ExitCode.interrupted : ExitCode.failure
        } catch {
            terminal.write(.error, "millrace: \(error)\n")
            return ExitCode.failure
        }
    }

    private static func dispatch(_ command: ParsedCommand, _ environment: [String: String], _ terminal: Terminal) throws -> Int32 {
        switch command.path.first {
        case "serve": return try ServeCommand.run(command, environment)
        case "chat": return try ChatCommand(command, environment, terminal).run()
        case "new": return try NewCommand(command: command, terminal: terminal).run()
        case "runs": return try RunsCommand(command, environment, terminal).run()
        case "ingest": return try IngestCommand(command, environment, terminal).run()
        case "secrets": return try SecretsCommand(command, environment, terminal).run()
        case "config": return ConfigCommand(command, environment, terminal).run()
        case "prompts": return try PromptsCommand(command, terminal).run()
        case "doctor": return DoctorCommand(command, environment, terminal).run()
        default:
            terminal.write(.output, SettingTable.exampleEnvironment)
            return ExitCode.success
        }
    }

    /// The settings' sources for a command that takes the settings' flags.
    static func sources(_ command: ParsedCommand, _ environment: [String: String]) -> SettingsSources {
        let names = Set(CommandTree.settingFlags.map(\.name))
        let flags = command.flags.filter { names.contains($0.key) }.compactMapValues(\.last)
        return SettingsSources(flags: flags, environment: environment)
    }

    /// The process's environment.
    static var processEnvironment: [String: String] {
        var variables: [String: String] = [:]
        var pointer = environ
        while let entry = pointer.pointee {
            let text = String(cString: entry)
            if let equals = text.firstIndex(of: "=") { variables[String(text[..<equals])] = String(text[text.index(after: equals)...]) }
            pointer += 1
        }
        return variables
    }
}
