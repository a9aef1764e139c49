import Millrace
import MillraceCore
import MillraceHTTPClient

@testable import MillraceBackends

/// A transport that plays answers from a script and keeps the requests.
final class OpenAIScriptedTransport: HTTPTransport {
    struct Answer: Sendable {
        var status = 200
        var headers: HTTPClientHeaders = ["Content-Type": "text/event-stream"]
        /// What the body's reads give, one after another.
        var chunks: [[UInt8]] = []
        /// What a read behind the last chunk throws.
        var failure: MillraceError?
        /// Whether a read behind the last chunk waits until the task is cancelled.
        var hangs = false
        /// Told when such a read begins.
        var onHang: (@Sendable () -> Void)?
    }

    private let script: Locked<[Answer]>
    private let kept = Locked<[HTTPClientRequest]>([])
    private let opened = Locked(0)

    init(_ answers: Answer...) { script = Locked(answers) }

    var requests: [HTTPClientRequest] { kept.withLock { $0 } }
    /// How many responses are lent right now.
    var openResponses: Int { opened.withLock { $0 } }
    /// The body of a request as JSON, `null` where there is none.
    func body(_ number: Int = 0) throws -> JSONValue {
        let requests = requests
        guard requests.indices.contains(number), case .bytes(let bytes) = requests[number].body else { return .null }
        return try JSONValue(parsing: bytes)
    }

    func exchange<R>(_ request: HTTPClientRequest, _ body: (any HTTPResponseStream) async throws -> R) async throws -> R {
        kept.withLock { $0.append(request) }
        guard let answer = script.withLock({ $0.isEmpty ? nil : $0.removeFirst() }) else {
            throw MillraceError(.unreachable, "the script has no more answers", isRetryable: true)
        }
        opened.withLock { $0 += 1 }
        defer { opened.withLock { $0 -= 1 } }
        return try await body(Response(answer))
    }

    private final class Response: HTTPResponseStream {
        private var answer: Answer
        private var next = 0
        init(_ answer: Answer) { self.answer = answer }
        var status: Int { answer.status }
        var headers: HTTPClientHeaders { answer.headers }

        func read(_ take: (UnsafeRawBufferPointer) throws -> Void) async throws -> Bool {
            try Task.checkCancellation()
            if next < answer.chunks.count {
                next += 1
                try answer.chunks[next - 1].withUnsafeBytes { try take($0) }
                return true
            }
            if let failure = answer.failure { throw failure }
            guard answer.hangs else { return false }
            answer.onHang?()
            for await _ in AsyncStream<Void>.makeStream().stream {}
            throw CancellationError()
        }
    }
}

extension OpenAIScriptedTransport.Answer {
    /// An event stream that comes in one piece.
    static func stream(_ text: String) -> Self { Self(chunks: [Array(text.utf8)]) }
    /// A body that is no stream.
    static func body(_ text: String, status: Int = 200, type: String = "application/json") -> Self {
        Self(status: status, headers: ["Content-Type": type, "x-request-id": "req_upstream"], chunks: [Array(text.utf8)])
    }
}

func openAIModel(
    _ transport: OpenAIScriptedTransport, url: String = "http://models.test/v1", options: OpenAIOptions = OpenAIOptions()
) -> OpenAILanguageModel {
    OpenAILanguageModel(
        id: "test", model: "m-1", endpoint: ModelEndpoint(url: url, credential: Credential("sk-secret"), transport: transport),
        options: options)
}

/// What a call handed on, and how it ended.
struct OpenAIOutcome: Equatable {
    var events: [ModelEvent] = []
    var response: ModelResponse?
    var error: MillraceError?

    /// The answer's text.
    var text: String { events.map { if case .text(let text) = $0 { text } else { "" } }.joined() }
    /// The answer's reasoning as one text.
    var reasoning: String { events.map { if case .reasoning(let piece) = $0 { piece.text } else { "" } }.joined() }
    var calls: [ToolCall] { events.compactMap { if case .toolCall(let call) = $0 { call } else { nil } } }
}

func openAIOutcome(
    _ transport: OpenAIScriptedTransport, _ request: ModelRequest = ask("Hello"), options: OpenAIOptions = OpenAIOptions()
) async -> OpenAIOutcome {
    var outcome = OpenAIOutcome()
    do {
        outcome.response = try await openAIModel(transport, options: options).generate(request) { outcome.events.append($0) }
    } catch { outcome.error = error as? MillraceError ?? MillraceError(.internal, "\(error)") }
    return outcome
}
