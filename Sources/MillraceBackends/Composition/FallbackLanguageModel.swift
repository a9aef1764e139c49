public import Millrace
public import MillraceCore

/// Several models as one: the first is asked, and when it fails the next.
///
/// ```swift
/// let model = FallbackLanguageModel(id: "main", models: [hosted, local])
/// ```
/// Another model takes over silently until the first piece of an answer (text, reasoning, tool call or citation) is handed on. A failure
/// after that is an error, unless the request allows a restart: then ``ModelEvent/restarted(model:reason:)`` goes before the next model's
/// answer.
///
/// It falls back on retryable errors, and on those with code ``ErrorCode/modelError`` (a provider's refusal, a context that is too long for
/// this model, a truncated answer), ``ErrorCode/timeout``, ``ErrorCode/limitExceeded``, `unreachable`, `connection_lost` or `circuit_open`;
/// also on errors that are no ``MillraceError``. It does not on cancellation, ``ErrorCode/invalidInput``, ``ErrorCode/configuration``, and
/// what `receive` throws: these pass through unchanged.
///
/// Usage counts every call: the failed ones' as far as they reported it. To add costs, price each of the models
/// (``PricedLanguageModel``), not the whole.
public struct FallbackLanguageModel: LanguageModel {
    /// The id by which requests choose it.
    public let id: String
    private let models: [any LanguageModel]
    private let logger: Logger

    /// Creates a fallback.
    /// - Parameters:
    ///   - id: the id by which requests choose it.
    ///   - models: the models in the order in which they are asked; at least one.
    ///   - logger: gets a warning for each failure that another model makes up for (default: nothing is logged).
    public init(id: String, models: [any LanguageModel], logger: Logger = .silent) {
        precondition(!models.isEmpty, "a fallback needs a model")
        self.id = id
        self.models = models
        self.logger = logger
    }

    /// Whether all models see images. A request that has images all the same is given only to those that see them, if there are any.
    public var seesImages: Bool { models.allSatisfy(\.seesImages) }
    /// What the first model can do: a request is made for it, and the others do what they can.
    public var capabilities: ModelCapabilities { models[0].capabilities }

    /// Asks the models in order until one answers.
    /// - Returns: the answer, with the usage of all calls and the calls themselves.
    /// - Throws: what `receive` throws; `CancellationError`; an error that no other model can make up for; when all models have failed an
    ///   error with the last one's code that gives every model's reason.
    public func generate(_ request: ModelRequest, receive: (ModelEvent) async throws -> Void) async throws -> ModelResponse {
        let candidates = candidates(for: request)
        var machine = FallbackMachine(modelIDs: candidates.map(\.id), allowsRestart: request.allowsRestart)
        var next = 0
        while true {
            try Task.checkCancellation()
            let model = candidates[next]
            let start = ContinuousClock.now
            var receiverError: (any Error)?
            do {
                let response = try await model.generate(request) { event in
                    let event = machine.received(event)
                    do { try await receive(event) } catch {
                        // What a model sends on its way out may fail once more; the first error is the one that counts.
                        receiverError = receiverError ?? error
                        throw error
                    }
                }
                // A model that goes on although it was told to stop has not answered.
                if let receiverError { throw receiverError }
                return machine.answered(response, after: .now - start)
            } catch {
                if let receiverError { throw receiverError }
                if error is CancellationError || Task.isCancelled { throw CancellationError() }
                switch machine.failed(error, after: .now - start) {
                case .rethrow: throw error
                case .fail(let summary): throw summary
                case .askNext(let restarts):
                    next += 1
                    log(error, of: model, next: candidates[next], restarts: restarts)
                    if restarts { try await receive(.restarted(model: candidates[next].id, reason: Self.reason(error, model))) }
                }
            }
        }
    }

    private func candidates(for request: ModelRequest) -> [any LanguageModel] {
        guard request.hasImages else { return models }
        let seeing = models.filter(\.seesImages)
        return seeing.isEmpty ? models : seeing
    }

    private static func reason(_ error: any Error, _ model: any LanguageModel) -> MillraceError {
        error as? MillraceError ?? MillraceError(.modelError, "the model '\(model.id)' failed", cause: error)
    }

    private func log(_ error: any Error, of model: any LanguageModel, next: any LanguageModel, restarts: Bool) {
        logger.warning(
            "model failed; the next one is asked",
            [
                "fallback": .string(id), "model": .string(model.id), "next": .string(next.id), "restarts": .bool(restarts),
                "error": .string("\(error)"),
            ])
    }
}

extension ModelRequest {
    /// Whether any turn shows a picture. What was left out, a name without bytes or pointer, is none.
    var hasImages: Bool {
        turns.contains { turn in
            turn.parts.contains { part in
                if case .image(let image) = part { image.data != nil || image.pointer != nil } else { false }
            }
        }
    }
}
