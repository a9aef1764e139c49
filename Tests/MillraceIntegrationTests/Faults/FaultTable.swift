import Glibc
import MillraceCore

/// What becomes of faults, as `Docs/faults.md` says it: one row a kind of call, with all that was seen in each step.
struct FaultTable {
    struct Row: Equatable {
        var failures: [String] = []
        var outcomes: [FaultStep: Set<String>] = [:]
    }
    /// By call and what it is about.
    private(set) var rows: [String: Row] = [:]

    /// What nobody notices.
    private static let nothing = "as always"
    private static let header = ["| call | failures | what is seen |", "|---|---|---|"]

    init() {}

    /// The table in a document.
    init(document: String) {
        guard let begin = document.firstRange(of: Self.marks.begin), let end = document.firstRange(of: Self.marks.end) else { return }
        for line in document[begin.upperBound..<end.lowerBound].split(separator: "\n") where line.hasPrefix("| `") {
            let cells = line.split(separator: "|").map { Self.trimmed($0) }
            guard cells.count == 3 else { continue }
            var row = Row(failures: Self.list(cells[1], ", "))
            for part in Self.list(cells[2], "; ") {
                let pair = Self.list(part, ": ")
                guard pair.count == 2 else { continue }
                for name in Self.list(pair[0], ", ") {
                    guard let step = FaultStep.allCases.first(where: { $0.name == name }) else { continue }
                    row.outcomes[step] = Set(Self.list(pair[1], " or "))
                }
            }
            rows[cells[0]] = row
        }
    }

    /// Adds what was measured.
    mutating func add(_ fault: FaultCase, _ outcome: FaultCase.Outcome) {
        guard outcome.wasHit else { return }
        let key = Self.key(fault)
        if rows[key, default: Row()].failures.contains(fault.failure.name) == false {
            rows[key, default: Row()].failures.append(fault.failure.name)
        }
        rows[key, default: Row()].outcomes[fault.step, default: []].formUnion(Self.words(outcome))
    }

    /// What of a measurement the table does not say of that call. In which step it is seen depends on threads, and is not compared: a
    /// connection may be closed, and a line of the log be written, one step later. That nobody noticed is always allowed.
    func missing(_ fault: FaultCase, _ outcome: FaultCase.Outcome) -> [String] {
        guard outcome.wasHit else { return [] }
        let known = (rows[Self.key(fault)] ?? Row()).outcomes.values.reduce(into: Set<String>()) { $0.formUnion($1) }
        return Set(Self.words(outcome).map(Self.withoutTime)).subtracting(known.map(Self.withoutTime)).subtracting([Self.nothing]).sorted()
    }

    private static func withoutTime(_ note: String) -> String { note.hasPrefix("later ") ? String(note.dropFirst(6)) : note }

    private static func key(_ fault: FaultCase) -> String { "`\(fault.call)` \(fault.target)" }

    private static func words(_ outcome: FaultCase.Outcome) -> Set<String> {
        // What the next step sees of a fault is not told apart by the step.
        let notes = outcome.notes.map { note in
            note.hasPrefix("then ") ? "later " + (list(note, ": ").last ?? note) : note
        }
        return notes.isEmpty ? [nothing] : Set(notes)
    }

    /// The rows in Markdown.
    var text: String {
        let lines = rows.sorted { $0.key < $1.key }.map { key, row in
            var steps: [(names: [String], outcomes: Set<String>)] = []
            for step in FaultStep.allCases {
                guard let outcomes = row.outcomes[step] else { continue }
                if let same = steps.firstIndex(where: { $0.outcomes == outcomes }) {
                    steps[same].names.append(step.name)
                } else {
                    steps.append(([step.name], outcomes))
                }
            }
            let seen = steps.map { "\($0.names.joined(separator: ", ")): \(Self.ordered($0.outcomes).joined(separator: " or "))" }
            return "| \(key) | \(row.failures.sorted().joined(separator: ", ")) | \(seen.joined(separator: "; ")) |"
        }
        return (Self.header + lines).joined(separator: "\n")
    }

    private static func ordered(_ outcomes: Set<String>) -> [String] {
        (outcomes.contains(nothing) ? [nothing] : []) + outcomes.subtracting([nothing]).sorted()
    }

    private static func trimmed(_ text: Substring) -> String {
        var text = text
        while text.first == " " { text.removeFirst() }
        while text.last == " " { text.removeLast() }
        return String(text)
    }

    private static func list(_ text: String, _ separator: String) -> [String] {
        text.split(separator: separator).map { String($0) }
    }

    // MARK: The document

    static let path = TestFiles.packageRoot + "/Docs/faults.md"
    private static let marks = (begin: "<!-- measured: begin -->", end: "<!-- measured: end -->")

    /// Puts the table into the document, in place of the one that is there.
    func write() throws {
        let document = TestFiles.read(Self.path)
        guard let begin = document.firstRange(of: Self.marks.begin), let end = document.firstRange(of: Self.marks.end) else {
            throw ClientFailure("\(Self.path) has no place for the table")
        }
        let whole = "\(document[..<begin.upperBound])\n\(text)\n\(document[end.lowerBound...])"
        guard let file = fopen(Self.path, "w") else { throw ClientFailure("cannot write \(Self.path)") }
        fputs(whole, file)
        fclose(file)
    }
}
