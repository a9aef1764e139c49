import Millrace
import MillraceCore

/// What is wanted of the documents.
enum AnalysisKind: String, CaseIterable, Sendable {
    case summary, findings, risks, comparison, question

    /// What a request says: a context item `{"type": "analysis", "kind": "risks"}`, or else the words of the message.
    /// - Throws: ``MillraceError`` with ``ErrorCode/invalidInput`` for a kind that there is not.
    init(_ request: TaskRequest, documents: Int) throws(MillraceError) {
        if let item = request.context.last(where: { $0.type == "analysis" }) {
            let name = item.fields["kind"]?.string ?? ""
            guard let kind = Self(rawValue: name) else {
                throw MillraceError(
                    .invalidInput, "there is no analysis '\(name)': choose one of \(Self.allCases.map(\.rawValue).joined(separator: ", "))",
                    details: ["field": "context"])
            }
            self = kind
        } else {
            self = Self.meant(by: request.text, documents: documents)
        }
    }

    /// What a message asks for. A question that names a thing remains a question.
    static func meant(by text: String, documents: Int) -> Self {
        let words = text.prefix(2000).lowercased().split { !$0.isLetter }.map { String($0) }
        guard !words.isEmpty else { return .summary }
        let line = " " + words.joined(separator: " ") + " "
        func has(_ phrases: String...) -> Bool { phrases.contains { line.contains(" \($0) ") } }
        let starts = words.map { $0.prefix(7) }
        if documents > 1,
            has("compare", "comparison", "differ", "differs", "difference", "differences", "changed between", "vergleiche", "unterschiede")
        {
            return .comparison
        }
        if has("risks", "risk analysis", "risk assessment", "risiken") { return .risks }
        if has("findings", "insights", "key points", "main points", "takeaways", "key takeaways", "erkenntnisse") { return .findings }
        if starts.contains(where: { $0 == "summari" || $0 == "summary" || $0 == "zusamme" }) || has("overview", "the gist", "überblick") {
            return .summary
        }
        return .question
    }

    /// A message's questions, without what else it says: a model that only quotes would quote that, too. One without a question stays as it is.
    private static func questions(of text: String) -> String {
        let asking = QuestionWords.sentences(of: text).asking
        return asking.isEmpty ? text : asking
    }

    /// What a model that only quotes is asked: it ranks sentences by what they share with this.
    func query(_ text: String, points: Int) -> String {
        switch self {
        case .summary, .comparison: "Summarise in \(points) points."
        case .findings: "Summarise the key findings in \(points) points."
        case .risks:
            "Summarise in \(points) points: risk, liable, liability, damage, penalty, loss, defect, delay, deadline, notice, interest, limit."
        case .question: Self.questions(of: text)
        }
    }
}
