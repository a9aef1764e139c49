import Millrace
package import MillraceAWS
import MillraceCore

/// A guardrail of Amazon Bedrock as a check of texts, with whatever model they go to or come from.
///
/// A guardrail looks for topics, content, words, personal data and, for answers, whether a source backs them. A model of Bedrock's own can
/// have one applied to every call (``BedrockOptions/guardrail``); this is for all others, and for texts that no model sees.
///
/// Source: `ApplyGuardrail`, Amazon Bedrock API Reference.
public struct BedrockGuardrail: Sendable {
    /// Which way texts go.
    public enum Source: String, Sendable {
        /// To a model.
        case input = "INPUT"
        /// From a model.
        case output = "OUTPUT"
    }

    /// How much of the checks is told.
    public enum Scope: String, Sendable {
        /// What was found.
        case interventions = "INTERVENTIONS"
        /// Also what was looked for and not found.
        case full = "FULL"
    }

    /// The guardrail's id, or its ARN.
    public let identifier: String
    /// Its version: a number, or `DRAFT`.
    public let version: String

    private let client: BedrockRuntimeClient
    private let server: String

    /// Creates a guardrail.
    /// - Parameters:
    ///   - identifier: its id or ARN.
    ///   - version: a number, or `DRAFT`.
    ///   - client: the client of its region.
    ///   - region: the region's name, for errors.
    package init(identifier: String, version: String, client: BedrockRuntimeClient, region: String) {
        self.identifier = identifier
        self.version = version
        self.client = client
        server = "Bedrock in \(region)"
    }

    /// Checks texts.
    /// - Parameters:
    ///   - texts: what is checked. Blank ones are left out; with nothing else there is nothing to check, and no call.
    ///   - source: which way they go; a guardrail can be set up to differ.
    ///   - groundingSources: the texts that an answer must be backed by, for a guardrail that checks grounding (default: none).
    ///   - query: the question that an answer must be relevant to, for a guardrail that checks grounding (default: none).
    ///   - scope: how much of the checks is told (default: what was found).
    /// - Returns: what the guardrail did. A verdict is no error, also where it blocks.
    /// - Throws: ``MillraceError`` with ``ErrorCode/modelError`` for a check that was refused or failed: the texts are then unchecked;
    ///   `CancellationError`.
    public func check(
        _ texts: [String], source: Source, groundingSources: [String] = [], query: String? = nil, scope: Scope = .interventions
    ) async throws -> GuardrailVerdict {
        try Task.checkCancellation()
        guard let body = Self.body(texts, source: source, groundingSources: groundingSources, query: query, scope: scope) else {
            return GuardrailVerdict(action: .none)
        }
        do {
            let answer = try await client.applyGuardrail(identifier: identifier, version: version, body)
            guard let verdict = GuardrailVerdict(json: answer) else {
                throw BedrockFailure.unreadable("answered without what the guardrail did: check its endpoint's URL", server: server)
            }
            return verdict
        } catch {
            throw BedrockFailure.failure(error, asking: .guardrail(identifier), server: server)
        }
    }

    /// The body of `ApplyGuardrail`; `nil` where there is nothing to check.
    static func body(
        _ texts: [String], source: Source, groundingSources: [String] = [], query: String? = nil, scope: Scope = .interventions
    ) -> JSONValue? {
        func block(_ text: String, _ qualifier: String?) -> JSONValue? {
            guard !MessagesConversation.isBlank(text) else { return nil }
            var members: [String: JSONValue] = ["text": .string(text)]
            if let qualifier { members["qualifiers"] = [.string(qualifier)] }
            return ["text": .object(members)]
        }
        let grounding =
            groundingSources.compactMap { block($0, "grounding_source") } + [query].compactMap { $0.flatMap { block($0, "query") } }
        // Texts without qualifiers are what is checked; beside others they need theirs.
        let checked = texts.compactMap { block($0, grounding.isEmpty ? nil : "guard_content") }
        guard !checked.isEmpty else { return nil }
        return ["source": .string(source.rawValue), "content": .array(grounding + checked), "outputScope": .string(scope.rawValue)]
    }
}
