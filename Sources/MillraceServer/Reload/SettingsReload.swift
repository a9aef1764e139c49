import Glibc
import Millrace
import MillraceCore

/// How a running server reads its configuration anew: at SIGHUP, and when one of its files changes.
///
/// ```swift
/// let report = try SettingsLoader.load(sources)
/// let server = try Server(settings: report.settings) { registry, clients in … }
/// exit(try server.run(reload: SettingsReload(report) { try SettingsLoader.load(sources) }))
/// ```
/// Prompts and the settings that handlers declare (``HandlerSettings``) take effect at once, for runs that begin from then on; the log names changed settings
/// that take a restart. A configuration that is wrong changes nothing, and the log has every problem.
public struct SettingsReload: Sendable {
    /// What is in use.
    private(set) var report: SettingsReport
    private let read: @Sendable () throws -> SettingsReport
    private var watch: FileWatch
    /// Whether there was a terminal at the start.
    private let hadTerminal: Bool

    /// Creates a way to reload.
    /// - Parameters:
    ///   - report: what the server was started with.
    ///   - read: reads the same sources again.
    public init(_ report: SettingsReport, read: @escaping @Sendable () throws -> SettingsReport) {
        self.report = report
        self.read = read
        watch = FileWatch(report.stamps)
        // Who ignores the signal, as nohup has a program do, wants to stay when the terminal goes.
        var disposition = sigaction()
        sigaction(SIGHUP, nil, &disposition)
        let ignores = unsafeBitCast(disposition.__sigaction_handler.sa_handler, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
        hadTerminal = !ignores && Self.hasTerminal
    }

    private static var hasTerminal: Bool {
        let terminal = open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC)
        if terminal >= 0 { close(terminal) }
        return terminal >= 0
    }

    /// Whether a SIGHUP says that the terminal is gone in which the server was started, which ends it, and not that somebody wants a reload.
    var hasLostTerminal: Bool { hadTerminal && !Self.hasTerminal }

    /// Whether a file has changed.
    mutating func filesHaveChanged() -> Bool { watch.look { FileStamp($0) } }

    /// What a reload has found.
    enum Outcome {
        /// The new values of the handlers' settings and the prompts, and the names of what has changed: of them, and of settings that take a restart.
        case changed(handlers: [String], others: [String])
        case failed([String])
    }

    /// Reads the configuration anew.
    /// - Parameter check: says what the running server finds wrong in settings that are right by themselves.
    mutating func reload(check: (ServerSettings) -> [ConfigurationProblem] = { _ in [] }) -> Outcome {
        let old = report
        // If it is wrong, what is wrong in it is to be mended: also a prompt that was not there before.
        var looked = report.stamps.keys.reduce(into: [:]) { $0[$1] = .some(FileStamp($1)) } as [String: FileStamp?]
        looked.merge(PromptDirectory.stamps(old.promptDirectory)) { $1 }
        do {
            let new = try read()
            let problems = check(new.settings)
            if !problems.isEmpty { throw ConfigurationError(problems: problems) }
            report = new
        } catch let error as ConfigurationError {
            watch.know(looked)
            return .failed(error.problems.map(\.description))
        } catch {
            watch.know(looked)
            return .failed(["\(error)"])
        }
        watch.know(report.stamps)
        let changed = Self.changedHandlers(old.settings, report.settings) + Self.changedPrompts(old.settings, report.settings)
        return .changed(handlers: changed, others: Self.changedOthers(old, report))
    }

    private static func changedHandlers(_ old: ServerSettings, _ new: ServerSettings) -> [String] {
        let groups = Set(old.handlerValues.keys).union(new.handlerValues.keys)
        return groups.flatMap { group in
            let (before, after) = (old.handlerValues[group] ?? [:], new.handlerValues[group] ?? [:])
            return Set(before.keys).union(after.keys).filter { before[$0] != after[$0] }.map { "\(group).\($0)" }
        }.sorted()
    }

    private static func changedPrompts(_ old: ServerSettings, _ new: ServerSettings) -> [String] {
        let handlers = Set(old.promptFiles.keys).union(new.promptFiles.keys)
        return handlers.flatMap { handler in
            let (before, after) = (old.promptFiles[handler] ?? [:], new.promptFiles[handler] ?? [:])
            return Set(before.keys).union(after.keys).filter { before[$0] != after[$0] }.map { "prompt \(handler)/\($0)" }
        }.sorted()
    }

    private static func changedOthers(_ old: SettingsReport, _ new: SettingsReport) -> [String] {
        var names = SettingTable.all.filter { $0.name != "prompts.directory" && $0.read(old.settings) != $0.read(new.settings) }.map(\.name)
        if old.settings.models != new.settings.models { names.append("models") }
        if old.settings.embedders != new.settings.embedders { names.append("embedders") }
        if old.settings.taskModels != new.settings.taskModels { names.append("taskModels") }
        let groups = Set(old.settings.handlerConfiguration.keys).union(new.settings.handlerConfiguration.keys)
        let declared = SettingTable.handlerGroups().map(\.name) + new.settings.declaredHandlerGroups
        names += groups.subtracting(declared).sorted().filter {
            old.settings.handlerConfiguration[$0] != new.settings.handlerConfiguration[$0]
        }
        return names
    }
}
