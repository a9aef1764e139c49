import Millrace
import MillraceCore
import MillraceServer

/// `millrace ingest`: puts files into a collection, on the search engine, embedder and extractor that `serve` would use.
struct IngestCommand {
    let command: ParsedCommand
    let environment: [String: String]
    let terminal: Terminal

    init(_ command: ParsedCommand, _ environment: [String: String], _ terminal: Terminal) {
        self.command = command
        self.environment = environment
        self.terminal = terminal
    }

    func run() throws -> Int32 {
        guard let collection = command.value("index") else { throw UsageError("name a collection with --index", path: command.path) }
        let metadata = try Self.metadata(command.flags["metadata"] ?? [], path: command.path)
        let language = try Self.language(command.value("language"), path: command.path)
        let walk: FolderWalk
        let report: SettingsReport
        do {
            walk = try FolderWalk(command.arguments)
            report = try SettingsLoader.load(MillraceCommand.sources(command, environment))
        } catch { return refused(error) }
        if command.has("fresh"), let problem = Self.whyNotFresh(walk) { return refused(problem) }
        for warning in report.warnings { note("millrace: warning: \(warning)") }
        let order = IngestionAdministration.Order(
            walk: walk, collection: collection, language: language, metadata: metadata, deletesMissing: command.has("delete-missing"),
            startsAnew: command.has("fresh"))
        let named = Set(walk.files.filter(\.isNamed).map(\.name))
        let progress = Locked(
            IngestProgress(
                total: walk.files.count, named: named, isJSON: command.has("json"), showsBar: terminal.isTerminal(.error),
                // On one screen the bar is enough for what goes well.
                listsAll: !terminal.isTerminal(.output)))
        show(progress.withLock { state in walk.problems.flatMap { state.problem($0) } })
        InterruptSignal.install()
        do {
            _ = try IngestionAdministration(report.settings).run(order, isInterrupted: { InterruptSignal.count > 0 }) { outcome in
                show(progress.withLock { $0.received(outcome) })
            }
        } catch let error as MillraceError where error.code == .cancelled {
            show(progress.withLock { $0.ended(isWhole: false) })
            note("millrace: interrupted: \(again(progress))")
            return ExitCode.interrupted
        } catch let error as MillraceError where [.configuration, .invalidInput, .conflict].contains(error.code) {
            return refused(error)
        } catch {
            show(progress.withLock { $0.ended(isWhole: false) })
            note("millrace: \((error as? MillraceError)?.message ?? "\(error)"): \(again(progress))")
            return ExitCode.failure
        }
        if order.deletesMissing, !walk.problems.isEmpty {
            note("millrace: nothing was deleted, since not all of the folders could be read")
        }
        show(progress.withLock { $0.ended(isWhole: true) })
        return progress.withLock(\.hasFailures) ? ExitCode.failure : ExitCode.success
    }

    /// How to go on after an end on the way.
    private func again(_ progress: Locked<IngestProgress>) -> String {
        // Until a document is done there is nothing that would be lost.
        command.has("fresh") && progress.withLock(\.hasOutcomes)
            ? "run it again without --fresh to go on" : "run the same command again to go on"
    }

    /// What would be removed and not come back.
    private static func whyNotFresh(_ walk: FolderWalk) -> MillraceError? {
        guard walk.problems.isEmpty else {
            return MillraceError(
                .invalidInput,
                "not all of the folders can be read, so nothing was removed: \(walk.problems.map { "\($0.path): \($0.reason)" }.joined(separator: "; "))"
            )
        }
        return walk.files.isEmpty ? MillraceError(.invalidInput, "there are no files, so nothing was removed") : nil
    }

    /// Pairs `name=value`.
    /// - Throws: ``UsageError`` for what is none, or a name that is given twice.
    static func metadata(_ pairs: [String], path: [String]) throws(UsageError) -> [String: String] {
        var metadata: [String: String] = [:]
        for pair in pairs {
            // By bytes: an equals sign and an accent behind it are one character.
            let parts = pair.utf8.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false).map {
                String(decoding: $0, as: UTF8.self)
            }
            guard parts.count == 2, !parts[0].isEmpty else {
                throw UsageError("--metadata: expected name=value, found '\(pair)'", path: path)
            }
            guard metadata.updateValue(parts[1], forKey: parts[0]) == nil else {
                throw UsageError("--metadata: '\(parts[0])' is given twice", path: path)
            }
        }
        return metadata
    }

    /// - Throws: ``UsageError`` for a language that there is not.
    static func language(_ name: String?, path: [String]) throws(UsageError) -> SearchIndexDefinition.TextField.Analysis? {
        guard let name else { return nil }
        guard let language = SearchIndexDefinition.TextField.Analysis(rawValue: name) else {
            let names = SearchIndexDefinition.TextField.Analysis.allCases.map(\.rawValue).joined(separator: ", ")
            throw UsageError("--language: expected one of \(names), found '\(name)'", path: path)
        }
        return language
    }

    /// What is wrong before anything was done.
    private func refused(_ error: any Error) -> Int32 {
        note("millrace: \((error as? MillraceError)?.message ?? "\(error)")")
        return ExitCode.usage
    }

    private func note(_ text: String) { terminal.write(.error, text + "\n") }

    private func show(_ pieces: [TerminalRenderer.Piece]) {
        for piece in pieces { terminal.write(piece.stream, piece.text) }
    }
}
