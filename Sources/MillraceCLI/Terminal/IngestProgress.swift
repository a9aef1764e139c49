import Millrace
import MillraceCore
import MillraceServer

/// What `millrace ingest` shows: a line for each document on standard output, a bar on standard error. A pure machine.
struct IngestProgress {
    typealias Piece = TerminalRenderer.Piece

    let total: Int
    /// Files that were given by themselves: of those nothing may be left out in silence.
    let named: Set<String>
    let isJSON: Bool
    let showsBar: Bool
    let listsAll: Bool
    private var done = 0
    private var counts: [IngestionOutcome.Status: Int] = [:]
    /// Whether a bar stands in the last line of the screen.
    private var hasBar = false
    /// Whether something that was asked for was not done.
    private(set) var hasFailures = false
    /// Whether a document is done.
    var hasOutcomes: Bool { !counts.isEmpty }

    private static let width = 30

    init(total: Int, named: Set<String>, isJSON: Bool, showsBar: Bool, listsAll: Bool) {
        self.total = total
        self.named = named
        self.isJSON = isJSON
        self.showsBar = showsBar
        self.listsAll = listsAll
    }

    /// Takes the next document's outcome.
    mutating func received(_ outcome: IngestionOutcome) -> [Piece] {
        if outcome.status != .deleted { done += 1 }
        counts[outcome.status, default: 0] += 1
        let isFailure = outcome.status == .failed || outcome.status == .skipped && named.contains(outcome.name)
        if isFailure { hasFailures = true }
        var pieces: [Piece] = []
        if isJSON {
            pieces.append(Piece(stream: .output, text: Self.json(outcome).text + "\n"))
        } else if listsAll || isFailure || outcome.status == .skipped || !outcome.warnings.isEmpty {
            pieces.append(Piece(stream: .output, text: Self.line(outcome)))
        }
        return erasingBar(pieces) + bar(outcome.name)
    }

    /// Something that could not be looked at.
    mutating func problem(_ problem: FolderWalk.Problem) -> [Piece] {
        hasFailures = true
        counts[.failed, default: 0] += 1
        if isJSON {
            let value: JSONValue = ["path": .string(problem.path), "status": "failed", "reason": .string(problem.reason)]
            return [Piece(stream: .output, text: value.text + "\n")]
        }
        return [Piece(stream: .output, text: Self.clean("failed     \(problem.path): \(problem.reason)") + "\n")]
    }

    /// The end, with how many documents there were of each status.
    mutating func ended(isWhole: Bool) -> [Piece] {
        if isJSON {
            var members: [String: JSONValue] = ["is_whole": .bool(isWhole)]
            for status in IngestionOutcome.Status.allCases { members[status.rawValue] = .integer(counts[status] ?? 0) }
            return erasingBar([Piece(stream: .output, text: JSONValue.object(["summary": .object(members)]).text + "\n")])
        }
        let parts = IngestionOutcome.Status.allCases.compactMap { status in counts[status].map { "\($0) \(status.rawValue)" } }
        return erasingBar([Piece(stream: .output, text: (parts.isEmpty ? "no files" : parts.joined(separator: ", ")) + "\n")])
    }

    // MARK: Texts

    private static func line(_ outcome: IngestionOutcome) -> String {
        let status = outcome.status.rawValue
        var text = status + String(repeating: " ", count: max(11 - status.count, 1)) + outcome.name
        if outcome.passages > 0 { text += " (\(outcome.passages) passage\(outcome.passages == 1 ? "" : "s"))" }
        if let reason = outcome.reason { text += ": \(reason)" }
        text = clean(text) + "\n"
        for warning in outcome.warnings { text += "  warning: \(clean(warning))\n" }
        return text
    }

    private static func json(_ outcome: IngestionOutcome) -> JSONValue {
        var members: [String: JSONValue] = ["name": .string(outcome.name), "status": .string(outcome.status.rawValue)]
        if outcome.passages > 0 { members["passages"] = .integer(outcome.passages) }
        if let reason = outcome.reason { members["reason"] = .string(reason) }
        if !outcome.warnings.isEmpty { members["warnings"] = .array(outcome.warnings.map { .string($0) }) }
        return .object(members)
    }

    /// A file's name may hold anything: it must not steer the terminal, and stays in its line.
    private static func clean(_ text: String) -> String {
        var kept = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            kept.append(scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) ? "\u{FFFD}" : scalar)
        }
        return String(kept)
    }

    // MARK: The bar

    private mutating func bar(_ name: String) -> [Piece] {
        guard showsBar, total > 0 else { return [] }
        hasBar = true
        let filled = Self.width * min(done, total) / total
        let bar = String(repeating: "#", count: filled) + String(repeating: ".", count: Self.width - filled)
        return [Piece(stream: .error, text: "[\(bar)] \(done)/\(total) \(Self.clean(name).prefix(36))")]
    }

    private mutating func erasingBar(_ pieces: [Piece]) -> [Piece] {
        guard hasBar else { return pieces }
        hasBar = false
        return [Piece(stream: .error, text: "\r\u{1B}[K")] + pieces
    }
}
