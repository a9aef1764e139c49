public import Millrace
import MillraceCore
import MillraceHTTPClient

/// A model that the provider offers.
public struct AnthropicModelInfo: Equatable, Sendable {
    /// The name by which calls choose it.
    public var id: String
    /// The name to show.
    public var displayName: String?
    /// The most tokens of a prompt, where the provider says.
    public var maxInputTokens: Int?
    /// The most tokens of an answer, where the provider says.
    public var maxTokens: Int?
    /// Creates a description.
    public init(id: String, displayName: String? = nil, maxInputTokens: Int? = nil, maxTokens: Int? = nil) {
        self.id = id
        self.displayName = displayName
        self.maxInputTokens = maxInputTokens
        self.maxTokens = maxTokens
    }
}

extension AnthropicLanguageModel {
    /// How many models a page has; the API's maximum.
    private static let pageSize = 1_000
    /// A bound for a server that never says that its list ends.
    private static let pageLimit = 50
    private static let answerByteLimit = 4 << 20

    /// How many tokens a request's prompt has by the provider's own count, which is free of charge.
    /// - Throws: as ``generate(_:receive:)``.
    public func countTokens(_ request: ModelRequest) async throws -> Int {
        let encoded = try MessagesRequest(request, model: model, options: options)
        let json = try await call("/v1/messages/count_tokens", .object(encoded.tokenCountBody))
        guard let tokens = json["input_tokens"]?.integer else {
            throw MessagesFailure.unreadable("counted no tokens: check its URL", server: server, requestID: nil)
        }
        return tokens
    }

    /// The models that the key may use, newest first: also a cheap way to see whether the server and the key are in order.
    /// - Throws: ``ErrorCode/modelError`` for a refused or failed call; `CancellationError`.
    public func availableModels() async throws -> [AnthropicModelInfo] {
        var models: [AnthropicModelInfo] = []
        var path = "/v1/models?limit=\(Self.pageSize)"
        for _ in 0..<Self.pageLimit {
            let page = try await call(path, nil)
            guard let entries = page["data"]?.array else {
                throw MessagesFailure.unreadable("listed no models: check its URL", server: server, requestID: nil)
            }
            for entry in entries {
                guard let id = entry["id"]?.string else { continue }
                models.append(
                    AnthropicModelInfo(
                        id: id, displayName: entry["display_name"]?.string, maxInputTokens: entry["max_input_tokens"]?.integer,
                        maxTokens: entry["max_tokens"]?.integer))
            }
            guard page["has_more"]?.bool == true, let last = page["last_id"]?.string else { return models }
            path = "/v1/models?limit=\(Self.pageSize)&after_id=\(Self.percentEncoded(last))"
        }
        throw MessagesFailure.unreadable("lists models without end", server: server, requestID: nil)
    }

    private func call(_ path: String, _ body: JSONValue?) async throws -> JSONValue {
        do {
            return try await endpoint.call(path, body, explain: refused) { response in
                let bytes = try await response.collect(limit: Self.answerByteLimit)
                do throws(MillraceError) { return try JSONValue(parsing: bytes) } catch {
                    throw MessagesFailure.unreadable(
                        "answered with no JSON: check its URL", server: server, requestID: response.headers["request-id"])
                }
            }
        } catch {
            throw (error as? MillraceError)?.asModelFailure(provider: server) ?? error
        }
    }

    /// Text for a query (RFC 3986, section 2.3: everything but unreserved characters is escaped).
    private static func percentEncoded(_ text: String) -> String {
        var encoded = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"):
                encoded.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let hex = String(byte, radix: 16, uppercase: true)
                encoded += hex.count == 1 ? "%0\(hex)" : "%\(hex)"
            }
        }
        return encoded
    }
}
