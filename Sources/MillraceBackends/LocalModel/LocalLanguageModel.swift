public import Millrace
public import MillraceCore

/// The embedded default model, `local`: it answers by quoting what it is given, with where each quote stands.
///
/// It has no weights, no network and no knowledge, and says so. From a request's documents, the texts attached to its turns and what the
/// user has said in the conversation it ranks sentences by the question (BM25), or chooses the most central ones when asked for a summary,
/// and quotes them word for word. The same request always gives the same answer.
///
/// Every quote is followed by a citation whose section names the block that it stands in, counting blocks between blank lines from 1; of a document
/// that is a part of a larger one it names the part (``ModelDocument/place``).
/// Token counts are estimates of four bytes a token. The persona, sampling settings and tools of a request have no effect.
public struct LocalLanguageModel: LanguageModel {
    /// How much a call looks at; what is above is left out, and the answer says so.
    public struct Limits: Equatable, Sendable {
        /// The most text, in bytes of UTF-8 (default: 8 MiB).
        public var bytes: Int
        /// The most sentences (default: 50,000).
        public var sentences: Int
        /// Creates limits.
        public init(bytes: Int = 8 << 20, sentences: Int = 50_000) {
            self.bytes = bytes
            self.sentences = sentences
        }
    }

    /// Above this much material, in bytes, the analysis leaves the event loop.
    static let inlineBytes = 64 << 10
    /// After how many pieces the usage so far is reported.
    private static let usageInterval = 64

    /// `local`.
    public let id = "local"
    /// None: it answers by quotation.
    public var capabilities: ModelCapabilities { [] }
    private let limits: Limits
    private let blocking: BlockingExecutor?
    private let pacing: (@Sendable () async throws -> Void)?

    /// Creates the model.
    /// - Parameters:
    ///   - blocking: where material of more than 64 KiB is analysed; without one that happens on the caller's executor (default: none).
    ///   - limits: how much a call looks at.
    ///   - pacing: awaited between words, for demonstrations and tests (default: nothing).
    public init(blocking: BlockingExecutor? = nil, limits: Limits = Limits(), pacing: (@Sendable () async throws -> Void)? = nil) {
        self.blocking = blocking
        self.limits = limits
        self.pacing = pacing
    }

    /// Answers the last user turn, streamed word by word.
    /// - Throws: `CancellationError` between two words after a cancel, and what `receive` or the pacing throws, after one last report of the
    ///   usage; ``MillraceError`` with ``ErrorCode/modelError`` for a request with an output schema, which quotations cannot follow.
    public func generate(_ request: ModelRequest, receive: (ModelEvent) async throws -> Void) async throws -> ModelResponse {
        try Task.checkCancellation()
        guard request.outputSchema == nil else {
            throw MillraceError(
                .modelError, "the model 'local' answers by quotation and cannot follow an output schema: choose another model")
        }
        let limits = limits
        let isLarge = Material.roughBytes(of: request) > Self.inlineBytes
        let material = try await compute(isLarge) { _ in Material(request, limit: limits.bytes) }
        let promptTokens = AnswerPieces.tokens(bytes: material.promptBytes)
        var sentBytes = 0
        func usage() -> Usage {
            Usage(promptTokens: promptTokens, completionTokens: AnswerPieces.tokens(bytes: sentBytes), isEstimated: true)
        }
        try await receive(.usage(usage()))

        do {
            let answer = try await compute(isLarge) { check in
                try ExtractiveAnswer(material, sentenceLimit: limits.sentences, check: check).answer
            }
            let script = AnswerPieces(answer, maxTokens: request.maxTokens, stopSequences: request.stopSequences)
            for (number, piece) in script.pieces.enumerated() {
                if number > 0 { try await pacing?() }
                try Task.checkCancellation()
                switch piece {
                case .text(let text):
                    try await receive(.text(text))
                    sentBytes += text.utf8.count
                case .citation(let citation): try await receive(.citation(citation))
                }
                if number % Self.usageInterval == Self.usageInterval - 1 { try await receive(.usage(usage())) }
            }
            try await receive(.usage(usage()))
            return ModelResponse(stopReason: script.stopReason, usage: usage(), modelID: id)
        } catch {
            // What was streamed was consumed, whoever stopped it; the first error is the one that counts.
            try? await receive(.usage(usage()))
            throw error
        }
    }

    /// Runs `body` here or, for large material, on the threads for blocking work, where a cancelled call ends it at its next check.
    private func compute<R: Sendable>(
        _ isLarge: Bool, _ body: @escaping @Sendable (_ check: () throws -> Void) throws -> R
    ) async throws -> R {
        guard isLarge, let blocking else { return try body { try Task.checkCancellation() } }
        let isCancelled = Locked(false)
        return try await withTaskCancellationHandler {
            try await blocking.run {
                try body { if isCancelled.withLock({ $0 }) { throw CancellationError() } }
            }
        } onCancel: {
            isCancelled.withLock { $0 = true }
        }
    }
}
