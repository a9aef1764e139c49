import Millrace
import MillraceCore

/// What a handler is called in each place: `contract_review` is `ContractReviewHandler`, in the module `ContractReviewTask`, with the settings
/// `contractReviewConfig`, served by `contract-review-server`.
struct ScaffoldNames: Equatable {
    /// The handler's name and the folder's, in snake case.
    let task: String

    /// - Throws: ``MillraceError`` with ``ErrorCode/invalidInput`` for a name that no handler can have, or that is taken.
    init(_ task: String) throws(MillraceError) {
        let bytes = Array(task.utf8)
        let isName =
            (1...64).contains(bytes.count) && (97...122).contains(bytes[0])
            && bytes.allSatisfy { (97...122).contains($0) || (48...57).contains($0) || $0 == UInt8(ascii: "_") }
        guard isName else {
            throw MillraceError(
                .invalidInput,
                "'\(task)' is no name for a handler: lower-case letters, digits and '_', a letter first, at most 64 (contract_review)")
        }
        guard !Self.taken.contains(task) else {
            throw MillraceError(.invalidInput, "'\(task)' is a handler of Millrace's own: choose another name")
        }
        guard !Self.unfit.contains(task) else {
            throw MillraceError(.invalidInput, "'\(task)' would give types the names of Millrace's own: choose another name")
        }
        self.task = task
    }

    /// The handlers that the server brings along.
    static let taken: Set<String> = ["chat", "rag_oss", "document_analysis", "ingest"]

    /// `TaskHandler`, `HandlerSettings`, `LiveSettings` and `ServerSettings` are there already, and so is the package `millrace`.
    static let unfit: Set<String> = ["task", "handler", "live", "server", "millrace"]

    private var words: [Substring] { task.split(separator: "_") }

    /// `ContractReview`
    var type: String { words.map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined() }
    /// `contractReview`
    var property: String { type.prefix(1).lowercased() + type.dropFirst() }
    /// `contract-review`
    var dashed: String { words.joined(separator: "-") }
    /// `Contract review`
    var title: String {
        let text = words.joined(separator: " ")
        return text.prefix(1).uppercased() + text.dropFirst()
    }
    /// `CONTRACT_REVIEW`
    var variable: String { HandlerSettingsGroup.words(property) }
    /// The module of the handler. Not its bare name, which modules of the toolchain or of Millrace may have.
    var module: String { type + "Task" }
    /// The program that serves it.
    var program: String { dashed + "-server" }

    /// A template with the names in it, where it has `‹type›`, `‹task›` and so on.
    func fill(_ template: String, millrace: String, folder: String = "") -> String {
        let values = [
            "task": task, "type": type, "property": property, "dashed": dashed, "title": title, "variable": variable, "module": module,
            "program": program, "millrace": millrace, "folder": folder,
        ]
        var text = ""
        for (number, piece) in template.split(separator: "‹", omittingEmptySubsequences: false).enumerated() {
            guard number > 0 else {
                text += piece
                continue
            }
            guard let end = piece.firstIndex(of: "›") else {
                text += "‹" + piece
                continue
            }
            let name = String(piece[..<end])
            text += values[name] ?? "‹\(name)›"
            text += piece[piece.index(after: end)...]
        }
        return text
    }
}
