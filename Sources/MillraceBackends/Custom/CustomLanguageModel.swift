public import Millrace
import MillraceCore
package import MillraceHTTPClient

/// A model behind an HTTP API of a team's own: described by configuration (``CustomAPI``), or in some twenty lines of Swift
/// (``CustomModelAdapter``).
public struct CustomLanguageModel: LanguageModel {
    private let adapter: any CustomModelAdapter
    private let transport: any HTTPTransport
    private let timeouts: HTTPClientTimeouts
    private let host: String

    /// - Throws: ``ErrorCode/configuration`` for a URL, method, header or way to end that cannot work.
    package init(
        _ adapter: any CustomModelAdapter, transport: any HTTPTransport, timeouts: HTTPClientTimeouts = HTTPClientTimeouts()
    ) throws(MillraceError) {
        func wrong(_ problem: String) -> MillraceError {
            MillraceError(.configuration, "the model '\(adapter.id)' is not configured well: \(problem)")
        }
        do throws(MillraceError) { host = try RequestTarget(url: adapter.url).authority } catch { throw wrong(error.message) }
        guard ["POST", "PUT", "PATCH"].contains(adapter.method) else {
            throw wrong("its method is '\(adapter.method)', and must be POST, PUT or PATCH")
        }
        for header in adapter.headers {
            guard !header.name.isEmpty, header.name.utf8.allSatisfy(Self.isTokenByte) else {
                throw wrong("'\(header.name)' is no name of a header")
            }
            guard Self.isFieldValue(header.prefix + header.suffix) else {
                throw wrong("the value of the header '\(header.name)' has a control character")
            }
        }
        switch adapter.completion {
        case .doneMarker where adapter.doneMarker == nil: throw wrong("its answers end with a done marker, and none is given")
        case .doneMarker where adapter.format == .json: throw wrong("one JSON value has no done marker: use stop_reason or end_of_body")
        default: break
        }
        self.adapter = adapter
        self.transport = transport
        self.timeouts = timeouts
    }

    /// Creates a model in code, reached over libcurl with the default bounds, retries and circuit breakers.
    /// - Throws: ``ErrorCode/configuration`` for a URL, method, header or way to end that cannot work.
    public init(_ adapter: any CustomModelAdapter) throws(MillraceError) {
        try self.init(adapter, transport: ModelEndpoint.sharedTransport)
    }

    /// The adapter's id.
    public var id: String { adapter.id }
    /// Of an API that configuration describes, instructions; of an adapter in code, all: it refuses what it cannot do.
    public var capabilities: ModelCapabilities { adapter is CustomAPI ? .instructions : .all }

    /// Asks the API.
    /// - Throws: ``MillraceError`` with ``ErrorCode/modelError`` for a refusal, an error in the answer, an answer that is cut off or too long,
    ///   and a server that cannot be reached; what `receive`, the adapter and the credentials throw; `CancellationError`.
    public func generate(_ request: ModelRequest, receive: (ModelEvent) async throws -> Void) async throws -> ModelResponse {
        let body = try adapter.body(for: request)
        var headers = HTTPClientHeaders()
        var secrets: [String] = []
        for header in adapter.headers {
            let secret = try await header.credential?.value() ?? ""
            guard Self.isFieldValue(secret) else {
                throw MillraceError(
                    .configuration,
                    "the credential for the header '\(header.name)' of the model '\(id)' has a control character, perhaps a newline")
            }
            // Blotting out shorter ones would tear texts apart.
            if secret.utf8.count >= 4 { secrets.append(secret) }
            headers.set(header.name, header.prefix + secret + header.suffix)
        }
        var outgoing = HTTPClientRequest.json(method: adapter.method, url: adapter.url, headers: headers, body)
        outgoing.timeouts = timeouts
        // A model that answers twice has cost twice, and done nothing else.
        outgoing.isRepeatable = true
        var receiverError: (any Error)?
        do {
            return try await transport.exchange(outgoing) { response in
                try await read(response, blotting: secrets) { event in
                    try Task.checkCancellation()
                    do { try await receive(event) } catch {
                        receiverError = error
                        throw error
                    }
                }
            }
        } catch let error as MillraceError where receiverError == nil {
            throw error.asModelFailure(provider: host)
        }
    }

    private func read(
        _ response: any HTTPResponseStream, blotting secrets: [String], _ receive: (ModelEvent) async throws -> Void
    ) async throws -> ModelResponse {
        let isStreamRefused = adapter.format == .serverSentEvents && Self.isJSON(response.headers["Content-Type"])
        guard (200..<300).contains(response.status), !isStreamRefused else { throw try await refusal(response, secrets) }
        var machine = CustomResponseMachine(adapter)
        func deliver(_ text: String, isLast: Bool = false) async throws {
            let events: [ModelEvent]
            do { events = try machine.received(text, isLast: isLast) } catch let error as MillraceError {
                throw Self.blotted(error, secrets)
            }
            for event in events { try await receive(event) }
        }
        switch adapter.format {
        case .serverSentEvents:
            try await response.forEachServerSentEvent { message in
                try await deliver(message.data)
                return !machine.isDone
            }
        case .jsonLines:
            var splitter = JSONLinesSplitter()
            var lines: [[UInt8]] = []
            while !machine.isDone, try await response.read({ lines = try splitter.receive($0) }) {
                for line in lines where !machine.isDone { try await deliver(String(decoding: line, as: UTF8.self)) }
            }
            if machine.isDone { response.discardRest() }
            if !machine.isDone, let last = splitter.end() { try await deliver(String(decoding: last, as: UTF8.self), isLast: true) }
        case .json:
            try await deliver(String(decoding: response.collect(), as: UTF8.self))
        }
        return try machine.finished()
    }

    /// The error of an answer that is none: another status, or one JSON value where a stream was asked for.
    private func refusal(_ response: any HTTPResponseStream, _ secrets: [String]) async throws -> MillraceError {
        let text = String(decoding: try await response.prefix(64 << 10), as: UTF8.self)
        let json = (try? JSONValue(parsing: text)) ?? .null
        let message = adapter.errorMessage(in: json)
        let error: MillraceError
        if (200..<300).contains(response.status) {
            error = MillraceError(
                .modelError, "the model '\(id)' answered with JSON and not with a stream: \((message ?? text).prefix(500))")
        } else {
            let refusal = ModelEndpoint.Refusal(status: response.status, json: json, text: text, headers: response.headers)
            error = refusal.error(provider: host, reason: message ?? (text.isEmpty ? nil : text), kind: nil)
        }
        return Self.blotted(error, secrets)
    }

    /// Some APIs repeat the key in their complaint about it.
    private static func blotted(_ error: MillraceError, _ secrets: [String]) -> MillraceError {
        var error = error
        for secret in secrets {
            error.message = error.message.replacing(secret, with: "********")
            error.cause = error.cause?.replacing(secret, with: "********")
        }
        return error
    }

    private static func isJSON(_ contentType: String?) -> Bool { contentType?.lowercased().hasPrefix("application/json") ?? false }

    /// RFC 9110, section 5.6.2.
    private static func isTokenByte(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
            || "!#$%&'*+-.^_`|~".utf8.contains(byte)
    }

    /// RFC 9110, section 5.5: no line breaks, which could begin another field, and no NUL.
    private static func isFieldValue(_ value: String) -> Bool { value.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 } }
}
