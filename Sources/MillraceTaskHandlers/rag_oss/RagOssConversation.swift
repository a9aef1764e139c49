import Millrace
import MillraceCore

/// A request's conversation: what was said, without the searches and citations that belong to answers of before.
struct RagOssConversation {
    /// What somebody said.
    struct Statement: Equatable {
        var role: MessageRole
        var text: String
    }

    /// What was said before the question, oldest first.
    private(set) var history: [Statement] = []
    /// How many of the oldest messages do not fit.
    private(set) var omittedMessages = 0
    /// The question.
    let question: String

    /// - Parameter characters: how many characters (Unicode scalars) the conversation may have, the question included; the question always
    ///   stays.
    init(_ request: TaskRequest, characters: Int) {
        question = request.text
        let said = request.history.compactMap { message -> Statement? in
            let text = Self.text(of: message)
            return text.unicodeScalars.allSatisfy(\.properties.isWhitespace) ? nil : Statement(role: message.role, text: text)
        }
        var room = characters - question.unicodeScalars.count
        var kept = said.count
        while kept > 0 {
            room -= said[kept - 1].text.unicodeScalars.count
            guard room >= 0 else { break }
            kept -= 1
        }
        // Some models take no conversation that an answer begins.
        while kept < said.count, said[kept].role == .assistant { kept += 1 }
        history = Array(said[kept...])
        omittedMessages = kept
    }

    /// The whole conversation, for a model that follows instructions.
    var turns: [ModelRequest.Turn] {
        (history + [Statement(role: .user, text: question)]).map { .init(role: $0.role, parts: [.text($0.text)]) }
    }

    /// What to search for by the conversation's own words.
    /// - Parameter limit: the most keyword queries.
    func plan(limit: Int) -> SearchPlan {
        QuestionWords.plan(question, after: history.filter { $0.role == .user }.map(\.text), limit: limit)
    }

    /// The question for a model that answers by quoting what it is given, also what was said in the conversation: so nothing of that goes
    /// along but its words.
    /// - Parameter topic: what a follow-up takes over, as a question before it.
    func questions(about topic: [String]) -> [ModelRequest.Turn] {
        func turns(_ texts: String...) -> [ModelRequest.Turn] { texts.map { .init(role: .user, parts: [.text($0)]) } }
        guard topic.isEmpty else { return turns(topic.joined(separator: " ") + "?", QuestionWords(question).shortFollowUp ?? question) }
        let (asking, telling) = QuestionWords.sentences(of: question)
        let told = QuestionWords(telling).terms
        return turns(asking.isEmpty ? question : told.isEmpty ? asking : "\(told.joined(separator: " ")) — \(asking)")
    }

    /// The text of a message. The numbers by which an earlier answer refers to its sources are not those of this one's.
    private static func text(of message: Message) -> String {
        var text = message.text
        guard message.role == .assistant else { return text }
        let numbers = Set(message.parts.compactMap { if case .citation(let citation) = $0 { citation.referenceNumber } else { nil } })
        for number in numbers { text = text.split(separator: "[\(number)]", omittingEmptySubsequences: false).joined() }
        return text
    }
}
