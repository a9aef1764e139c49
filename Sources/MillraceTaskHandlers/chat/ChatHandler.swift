public import Millrace
import MillraceCore

/// `chat`: answers a message from the conversation before it and the texts that come with it.
///
/// It hands the model its prompt `system.xml.j2` as instructions, which is the persona unless somebody changes it, the newest part of the history, and every text attached to it or given as context
/// as a document to answer from; what the model says streams as it comes. A model that calls tools may call those that ``ChatSettings/tools``
/// names.
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
    private let tools: ToolRegistry
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
    ///   - tools: the tools that there are; those are offered that the settings name (default: none).
    ///   - prompts: the handler's prompts (default: ``embeddedPrompts``).
    public init(
        models: LanguageModelRegistry, settings: LiveSettings<ChatSettings> = LiveSettings(), content: ContentStore? = nil,
        passages: ContentPassages? = nil, documents: (any DocumentExtractor)? = nil, tools: ToolRegistry = ToolRegistry(),
        prompts: PromptFolder = PromptFolder("chat", ChatHandler.embeddedPrompts)
    ) {
        self.models = models
        self.settings = settings
        self.content = content
        self.passages = passages
        self.documents = documents
        self.tools = tools
        self.prompts = prompts
    }

    /// Answers one message.
    /// - Throws: ``MillraceError`` for an unknown model, an answer that was filtered away, or one that never came for all the calls of tools;
    ///   what the model throws.
    public func handle(_ request: TaskRequest, _ context: RunContext) async throws {
        let settings = settings.current
        let model = try models.model(for: request)
        var reader = AttachmentReader(
            content: content, passages: passages, documents: documents, question: request.text, seesImages: model.seesImages,
            context: context)
        let original = request
        let request = try await reader.read(request)
        let conversation = ChatConversation(
            request, historyCharacters: settings.historyCharacters, seesImages: model.seesImages,
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

        let loop = ToolLoop(
            model.capabilities.contains(.tools) ? tools.tools(named: settings.tools) : [], limits: settings.limits)
        let system = try prompts.render("system.xml.j2", variables(request, conversation, model, loop), in: context)
        let prompt = conversation.modelRequest(system: system.isEmpty ? nil : system)
        // What pointers name is read already for the conversation; the tools get the request as it came.
        let outcome = try await loop.run(prompt, with: model, for: original, in: context)
        try Self.check(outcome, settings)
        if outcome.isCutShort {
            let message = "The model called tools \(settings.maxToolRounds) times, which is all it may, and has not come to its answer"
            try await context.emit(.status("tools_exhausted", message: message))
        }

        var facts: [String: JSONValue] = [
            "model_id": .string(outcome.response?.modelID ?? model.id),
            "stop_reason": .string((outcome.response?.stopReason ?? .endTurn).rawValue),
            "documents": .integer(conversation.documents.count),
        ]
        if !loop.names.isEmpty { facts["tool_calls"] = .integer(outcome.callCount) }
        if !outcome.attempts.isEmpty { facts["attempts"] = .array(outcome.attempts.map(\.json)) }
        try await context.emit(.metadata(facts))
    }

    /// - Throws: ``MillraceError`` where there is no answer that a reader could use.
    private static func check(_ outcome: ToolLoop.Outcome, _ settings: ChatSettings) throws(MillraceError) {
        guard outcome.text.isEmpty else { return }
        let stopReason = outcome.response?.stopReason ?? .endTurn
        if stopReason == .contentFilter || stopReason == .guardrail {
            throw MillraceError(
                .modelError, "the model's provider filtered the answer: put the question differently or choose another model")
        }
        if outcome.isCutShort {
            throw MillraceError(
                .limitExceeded,
                "the model called tools \(settings.maxToolRounds) times and still gave no answer: raise chatConfig.maxToolRounds, or choose "
                    + "another model")
        }
    }

    /// What the prompt may use.
    private func variables(
        _ request: TaskRequest, _ conversation: ChatConversation, _ model: any LanguageModel, _ loop: ToolLoop
    ) -> [String: JSONValue] {
        [
            "persona": .string(request.persona ?? ""), "task": .string(request.task), "model_id": .string(model.id),
            "documents": .array(conversation.documents.map { ["id": .string($0.id), "title": .string($0.title)] }),
            "messages": .integer(conversation.turns.count), "date": .string(String(Timestamp.now().description.prefix(10))),
            "tools": .array(loop.names.map { .string($0) }),
        ]
    }
}
