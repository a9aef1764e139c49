public import Millrace
import MillraceCore

/// `chat`: answers a message from the conversation before it and the texts that come with it.
///
/// It hands the model its prompt `system.xml.j2` as instructions, which is the persona unless somebody changes it, the newest part of the history, and every text attached to it or given as context
/// as a document to answer from; what the model says streams as it comes.
public struct ChatHandler: TaskHandler {
    /// `chat`.
    public let name = "chat"
    /// What it does, in a sentence.
    public let description = "Answers messages from the conversation and the attached texts"

    private let models: LanguageModelRegistry
    private let settings: LiveSettings<ChatSettings>
    private let content: ContentStore?
    private let passages: ContentPassages?
    private let documents: (any DocumentExtractor)?
    private let prompts: PromptFolder

    /// The templates that come along, by their names in the handler's folder.
    public static let embeddedPrompts = ChatPrompts.files

    /// Creates the handler.
    /// - Parameters:
    ///   - models: the models that requests choose from.
    ///   - settings: what configuration may set (default: as ``ChatSettings`` says).
    ///   - content: the files that pointers name; without it they are left out.
    ///   - passages: finds the passages of texts that are too long to be given to a model whole; without it those are left out.
    ///   - documents: reads what is no plain text, such as PDF; without it such attachments are left out.
    ///   - prompts: the handler's prompts (default: ``embeddedPrompts``).
    public init(
        models: LanguageModelRegistry, settings: LiveSettings<ChatSettings> = LiveSettings(), content: ContentStore? = nil,
        passages: ContentPassages? = nil, documents: (any DocumentExtractor)? = nil,
        prompts: PromptFolder = PromptFolder("chat", ChatHandler.embeddedPrompts)
    ) {
        self.models = models
        self.settings = settings
        self.content = content
        self.passages = passages
        self.documents = documents
        self.prompts = prompts
    }

    /// Answers one message.
    /// - Throws: ``MillraceError`` for an unknown model or an answer that was filtered away; what the model throws.
    public func handle(_ request: TaskRequest, _ context: RunContext) async throws {
        let model = try models.model(for: request)
        var reader = AttachmentReader(
            content: content, passages: passages, documents: documents, question: request.text, seesImages: model.seesImages,
            context: context)
        let request = try await reader.read(request)
        let conversation = ChatConversation(
            request, historyCharacters: settings.current.historyCharacters, seesImages: model.seesImages,
            areFetched: content != nil)

        for message in reader.skipped { try await context.emit(.status("attachment_skipped", message: message)) }
        for skipped in conversation.skipped {
            try await context.emit(.status("attachment_skipped", message: skipped.message))
        }
        if conversation.omittedMessages > 0 {
            let message = "The conversation is long: its \(conversation.omittedMessages) oldest messages are left out"
            try await context.emit(.status("history_shortened", message: message))
        }
        for document in conversation.newDocuments {
            try await context.emit(.document(document))
        }
        try await context.emit(.status("thinking", message: conversation.thinkingMessage))

        let system = try prompts.render("system.xml.j2", variables(request, conversation, model), in: context)
        let answer = try await context.generate(conversation.modelRequest(system: system.isEmpty ? nil : system), with: model)

        let stopReason = answer.response?.stopReason ?? .endTurn
        if answer.text.isEmpty, stopReason == .contentFilter || stopReason == .guardrail {
            throw MillraceError(
                .modelError, "the model's provider filtered the answer: put the question differently or choose another model")
        }
        var facts: [String: JSONValue] = [
            "model_id": .string(answer.response?.modelID ?? model.id), "stop_reason": .string(stopReason.rawValue),
            "documents": .integer(conversation.documents.count),
        ]
        if let attempts = answer.response?.attempts, !attempts.isEmpty { facts["attempts"] = .array(attempts.map(\.json)) }
        try await context.emit(.metadata(facts))
    }
    /// What the prompt may use.
    private func variables(_ request: TaskRequest, _ conversation: ChatConversation, _ model: any LanguageModel) -> [String: JSONValue] {
        [
            "persona": .string(request.persona ?? ""), "task": .string(request.task), "model_id": .string(model.id),
            "documents": .array(conversation.documents.map { ["id": .string($0.id), "title": .string($0.title)] }),
            "messages": .integer(conversation.turns.count), "date": .string(String(Timestamp.now().description.prefix(10))),
        ]
    }
}
