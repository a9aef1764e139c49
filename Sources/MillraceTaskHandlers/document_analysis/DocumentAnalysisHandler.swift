public import Millrace
import MillraceCore

/// `document_analysis`: summarises documents, finds what matters or is risky in them, compares them, and answers questions about them.
///
/// Documents come with the request, as uploads or as context. What fits is given to the model at once; longer documents are read in parts, several at a
/// time, out of which verified quotes are picked that the answer is then written from. Every quote of the answer was looked up in its
/// document and carries its page, slide or section.
public struct DocumentAnalysisHandler: TaskHandler {
    /// `document_analysis`.
    public let name = "document_analysis"
    /// What it does, in a sentence.
    public let description = "Summarises, examines and compares documents, and answers questions about them, with pages"
    /// The longest analysis is a setting.
    public var options: TaskHandlerOptions {
        TaskHandlerOptions(longestRunSeconds: Double(settings.current.analysisTimeoutSeconds))
    }

    /// The templates that come along, by their names in the handler's folder.
    public static let embeddedPrompts = DocumentAnalysisPrompts.files

    private let models: LanguageModelRegistry
    private let documents: any DocumentExtractor
    private let settings: LiveSettings<DocumentAnalysisSettings>
    private let content: ContentStore?
    private let spoolDirectory: String
    private let budget = PartSpool.Budget()
    private let prompts: PromptFolder

    /// Creates the handler.
    /// - Parameters:
    ///   - models: the models that requests choose from.
    ///   - documents: reads the documents.
    ///   - settings: what configuration may set (default: as ``DocumentAnalysisSettings`` says).
    ///   - content: the files that pointers name; without it only documents that come with the request are read.
    ///   - spoolDirectory: where the parts of long documents are kept while a model reads them, in files without names (default: `/var/tmp`).
    ///   - prompts: the handler's prompts (default: ``embeddedPrompts``).
    public init(
        models: LanguageModelRegistry, documents: any DocumentExtractor, settings: LiveSettings<DocumentAnalysisSettings> = LiveSettings(),
        content: ContentStore? = nil, spoolDirectory: String = "/var/tmp",
        prompts: PromptFolder = PromptFolder("document_analysis", DocumentAnalysisHandler.embeddedPrompts)
    ) {
        self.models = models
        self.documents = documents
        self.settings = settings
        self.content = content
        self.spoolDirectory = spoolDirectory
        self.prompts = prompts
    }

    /// Analyses the documents of one request.
    /// - Throws: ``MillraceError`` for a request without documents, for one of which none can be read, for an unknown model; what the model throws.
    public func handle(_ request: TaskRequest, _ context: RunContext) async throws {
        let settings = settings.current
        let model = try models.model(for: request)
        let wanted = try AnalysisRequest(request, settings)
        let reading = DocumentReading(content: content, extractor: documents, settings: settings, context: context)
        let spool = PartSpool(directory: spoolDirectory, budget: budget, limit: settings.maxSpoolMb << 20)
        let analysis = DocumentAnalysis(
            request: wanted, model: model, settings: settings, prompts: prompts.current, reading: reading, spool: spool, context: context)
        try await analysis.run()
    }
}
