import Millrace
import MillraceCore

/// The prompts of a run of ``RagOssHandler``, and the values that they are rendered with.
struct RagOssWording {
    let prompts: PromptSet
    let context: RunContext

    /// What an answer is to be.
    /// - Parameter searches: how often the model may search again.
    func system(persona: String?, searches: Int) throws(MillraceError) -> String {
        try prompts.render(
            "system.xml.j2",
            ["persona": .string(persona ?? ""), "searches": .integer(searches), "citing": .string(CitingLanguageModel.instructions)],
            in: context)
    }

    /// What search queries are to be.
    func rephrasing(limit: Int) throws(MillraceError) -> String {
        try prompts.render("rephrase/system.xml.j2", ["limit": .integer(limit)], in: context)
    }

    /// The conversation that search queries are wanted for.
    func rephrasing(of conversation: RagOssConversation) throws(MillraceError) -> String {
        let history = conversation.history.map { JSONValue.object(["role": .string($0.role.rawValue), "text": .string($0.text)]) }
        return try prompts.render(
            "rephrase/user.xml.j2", ["history": .array(history), "question": .string(conversation.question)], in: context)
    }
}
