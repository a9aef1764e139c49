package import MillraceCore
package import MillraceHTTPClient

/// Where a provider's HTTP API is, and how it is spoken to: what all provider models have in common.
package struct ModelEndpoint: Sendable {
    /// The base URL, such as `https://api.openai.com/v1`; paths are appended.
    package var url: String
    /// The header that carries the credential, and what stands before it in the value.
    package var authorization: (header: String, prefix: String)
    /// The secret; `nil` for servers that ask for none.
    package var credential: Credential?
    /// Fields that go with every request. Values may be secrets.
    package var headers: HTTPClientHeaders
    package var timeouts = HTTPClientTimeouts()
    package let transport: any HTTPTransport

    package init(
        url: String, authorization: (header: String, prefix: String) = ("Authorization", "Bearer "), credential: Credential? = nil,
        headers: HTTPClientHeaders = HTTPClientHeaders(), transport: any HTTPTransport
    ) {
        var url = url
        while url.hasSuffix("/") { url.removeLast() }
        self.url = url
        self.authorization = authorization
        self.credential = credential
        self.headers = headers
        self.transport = transport
    }

    /// What went wrong at the provider: an answer whose status is no success.
    package struct Refusal: Sendable, Equatable {
        package var status: Int
        /// The body's JSON, `null` where it is none.
        package var json: JSONValue
        /// The body's beginning as text.
        package var text: String
        package var headers: HTTPClientHeaders
    }

    /// Sends a JSON request and lends the successful response.
    /// - Parameters:
    ///   - path: appended to the base URL, such as `/chat/completions`.
    ///   - body: the request's JSON; `nil` sends a GET.
    ///   - explain: makes the error of an answer that is no success (outside 200–299).
    /// - Throws: what `explain` makes, with the credential blotted out of its texts; as ``HTTPTransport/exchange(_:_:)``.
    package func call<R>(
        _ path: String, _ body: JSONValue?, explain: (Refusal) -> MillraceError, _ read: (any HTTPResponseStream) async throws -> R
    ) async throws -> R {
        let secret = try await credential?.value()
        do {
            return try await send(path, body, secret, explain: explain, read)
        } catch let refusal as KeyRefusal {
            // It may have been rotated since it was read.
            guard let secret, let renewed = try await credential?.renewed(after: secret) else { throw refusal.error }
            do { return try await send(path, body, renewed, explain: explain, read) } catch let refusal as KeyRefusal {
                throw refusal.error
            }
        }
    }

    /// The service does not take the key.
    private struct KeyRefusal: Error {
        let error: MillraceError
    }

    private func send<R>(
        _ path: String, _ body: JSONValue?, _ secret: String?, explain: (Refusal) -> MillraceError,
        _ read: (any HTTPResponseStream) async throws -> R
    ) async throws -> R {
        var headers = headers
        if let secret { headers.set(authorization.header, authorization.prefix + secret) }
        var request =
            body.map { .json(url: url + path, headers: headers, $0) } ?? HTTPClientRequest(url: url + path, headers: headers)
        request.timeouts = timeouts
        // A model that answers twice has cost twice, and done nothing else.
        request.isRepeatable = true
        return try await transport.exchange(request) { response in
            do {
                guard (200..<300).contains(response.status) else {
                    let bytes = try await response.prefix(Self.errorByteLimit)
                    let text = Self.blot(secret, in: String(decoding: bytes, as: UTF8.self))
                    let json = (try? JSONValue(parsing: text)) ?? .null
                    let error = explain(Refusal(status: response.status, json: json, text: text, headers: response.headers))
                    guard secret != nil, response.status == 401 || response.status == 403 else { throw error }
                    throw KeyRefusal(error: Self.presentable(error, without: secret))
                }
                return try await read(response)
            } catch let error as MillraceError {
                throw Self.presentable(error, without: secret)
            }
        }
    }

    /// An error that quotes the provider, as it may be shown and stored: also an error within a successful response may repeat the secret,
    /// and its names may be megabytes long.
    private static func presentable(_ error: MillraceError, without secret: String?) -> MillraceError {
        func text(_ text: String) -> String { String(blot(secret, in: text).prefix(quotedCharacterLimit)) }
        var error = error
        error.message = text(error.message)
        error.cause = error.cause.map(text)
        error.details = error.details.mapValues { if case .string(let value) = $0 { .string(text(value)) } else { $0 } }
        return error
    }

    /// How much of an error's body is read.
    private static let errorByteLimit = 64 << 10
    /// How much of each text of an error is kept.
    private static let quotedCharacterLimit = 2000

    private static func blot(_ secret: String?, in text: String) -> String {
        guard let secret, secret.utf8.count >= 4 else { return text }
        var rest = text[...]
        var blotted = ""
        while let found = rest.firstRange(of: secret) {
            blotted += rest[..<found.lowerBound] + "********"
            rest = rest[found.upperBound...]
        }
        return blotted + rest
    }
}

extension ModelEndpoint.Refusal {
    /// Whether another attempt can help: timeouts, conflicts, rate limits, overload and the server's own failures.
    package var isRetryable: Bool { [408, 409, 425, 429].contains(status) || status >= 500 && status != 501 }

    /// The error that every provider's refusal becomes.
    /// - Parameters:
    ///   - provider: the server as people call it, such as `api.openai.com`.
    ///   - reason: the provider's own sentence, where it gave one.
    ///   - kind: the provider's own name for the error.
    package func error(provider: String, reason: String?, kind: String?) -> MillraceError {
        let advice =
            switch status {
            case 401, 403: ": check its API key"
            case 404: ": check the model's name and the URL"
            case 429: ": it limits the rate of requests; try again later"
            case 503, 529: ": it is overloaded; try again later"
            default: ""
            }
        var details: [String: JSONValue] = ["provider_status": .integer(status)]
        if let kind { details["provider_error"] = .string(kind) }
        if let id = headers["x-request-id"] ?? headers["request-id"] { details["provider_request_id"] = .string(id) }
        let said = reason.map { " (\($0.prefix(500)))" } ?? ""
        return MillraceError(
            .modelError, "the model's server \(provider) answered \(status)\(advice)\(said)", details: details, isRetryable: isRetryable)
    }
}
