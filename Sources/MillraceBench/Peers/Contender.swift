import Glibc
import MillraceCore

/// A server that takes part.
struct Contender: Sendable {
    /// What a contender is started with.
    struct Start {
        var port: Int
        var isCommitted: Bool
        var loops: Int
        /// Empty, and the contender's own.
        var directory: String
        var tools: String
        var ownPath: String
        /// A Python interpreter that has FastAPI.
        var python: String
        /// The port of the server whose tokens are relayed; 0 where nothing is.
        var upstream: Int
        /// File descriptors that a process may have.
        var descriptors = 1024
    }

    var name: String
    var summary: String
    /// What it can do.
    var kinds: Set<Workload.Kind> = [.plain, .stream, .relay]
    /// Whether it keeps its log on disk whatever the workload says.
    var isCommitted = false
    /// Event loops or processes that share the work.
    var workers = 1
    /// The core that it runs on where the run is pinned.
    var core = 0
    /// Flags for the load generator beside the workload's.
    var loadFlags: [String] = []
    /// What is said where there is no program.
    var absence = "is not installed: run .ci/setup --bench"
    /// The program, or `nil` where it is not installed.
    var program: @Sendable (Start) -> String?
    /// Writes what it needs to the directory and returns its arguments.
    var prepare: @Sendable (Start) throws(MillraceError) -> [String]
    /// Whether it can commit what it streams.
    var keepsLogs = false

    func takesPart(in workload: Workload) -> Bool { reasonToStayOut(of: workload) == nil }

    /// Why it has no row in a workload's table; `nil` where it has one.
    func reasonToStayOut(of workload: Workload) -> String? {
        if !kinds.contains(workload.kind) {
            switch workload.kind {
            case .plain: return "serves no plain requests here"
            case .stream: return "makes no streams of its own"
            case .chat: return "keeps no chats"
            case .relay: return "relays nothing"
            }
        }
        if workers > 1, !workload.isForManyWorkers { return "more than one worker is not measured here" }
        if workload.isCommitted, !keepsLogs { return "keeps no log on disk" }
        return nil
    }

    static let all: [Contender] =
        [
            Contender(
                name: Report.own, summary: "this build's server, one event loop", kinds: [.plain, .stream, .relay, .chat],
                program: { $0.ownPath }, prepare: millraceArguments, keepsLogs: true),
            Contender(
                name: "\(Report.own)-2", summary: "this build's server, two event loops", kinds: [.plain, .stream, .relay], workers: 2,
                program: { $0.ownPath },
                prepare: { start throws(MillraceError) in
                    var start = start
                    start.loops = 2
                    return try millraceArguments(start)
                }, keepsLogs: true),
            Contender(
                name: "floor", summary: "a C program that makes the same system calls", program: floorProgram, prepare: floorArguments,
                keepsLogs: true),
        ] + peers + relays

    @Sendable static func millraceArguments(_ start: Start) throws(MillraceError) -> [String] {
        [
            "server", "--port", "\(start.port)", "--store", start.isCommitted ? "sqlite" : "memory", "--loops", "\(start.loops)",
            "--data-dir", start.directory,
        ] + (start.upstream > 0 ? ["--upstream", upstreamURL(start)] : [])
    }

    private static func upstreamURL(_ start: Start) -> String { "http://127.0.0.1:\(start.upstream)/v1" }

    @Sendable static func floorProgram(_ start: Start) -> String? { Files.executable("\(start.tools)/MillraceBenchFloor") }

    @Sendable static func floorArguments(_ start: Start) throws(MillraceError) -> [String] {
        ["--port", "\(start.port)", "--access-log", "\(start.directory)/access.log"]
            + (start.isCommitted ? ["--log", "\(start.directory)/events.log"] : [])
            + (start.upstream > 0 ? ["--upstream", "\(start.upstream)"] : [])
    }
}
