package import MillraceCore
import MillraceHTTPClient

extension HTTPResponseStream {
    /// Reads the body as an event stream to its end and hands on every message, in order.
    /// - Parameter sender: who sends it, for messages.
    /// - Throws: what `receive` throws; as ``HTTPResponseStream/read(_:)``; ``MillraceError`` with ``ErrorCode/connectionLost`` for a body that
    ///   ends within a message, and ``ErrorCode/corruptedResponse`` for one that is no event stream, or not as it was sent.
    func forEachEventStreamMessage(from sender: String, _ receive: (EventStreamMessage) async throws -> Void) async throws {
        let type = headers["Content-Type"] ?? ""
        guard type.prefix(while: { $0 != ";" && $0 != " " }).lowercased() == "application/vnd.amazon.eventstream" else {
            throw MillraceError(
                .corruptedResponse, "\(sender) answered with '\(type.prefix(100))' instead of an event stream: check its endpoint's URL")
        }
        var decoder = EventStreamDecoder()
        do {
            while try await read({ decoder.receive($0) }) {
                while let message = try decoder.next() { try await receive(message) }
            }
            try decoder.end()
        } catch let failure as EventStreamDecoder.Failure {
            throw failure.error(sender)
        }
    }
}

extension EventStreamDecoder.Failure {
    fileprivate func error(_ sender: String) -> MillraceError {
        switch self {
        case .cut(let bytes):
            MillraceError(
                .connectionLost, "the stream of \(sender) was cut off \(bytes) bytes into a message: try again", isRetryable: true)
        case .preludeChecksum, .messageChecksum:
            MillraceError(
                .corruptedResponse, "a message in the stream of \(sender) is not as it was sent: its checksum is wrong", isRetryable: true)
        case .lengths(let total, let headers):
            MillraceError(
                .corruptedResponse, "a message in the stream of \(sender) has impossible lengths (\(total) bytes, \(headers) of headers)",
                isRetryable: true)
        case .headersTooLong(let count):
            MillraceError(
                .limitExceeded,
                "a message in the stream of \(sender) has \(count) bytes of headers, more than \(EventStreamDecoder.headerLimit)")
        case .payloadTooLong(let count):
            MillraceError(
                .limitExceeded,
                "a message in the stream of \(sender) has \(count) bytes of payload, more than \(EventStreamDecoder.payloadLimit)")
        case .header(let problem):
            MillraceError(.corruptedResponse, "a message in the stream of \(sender) cannot be read: \(problem)", isRetryable: true)
        }
    }
}

extension ErrorCode {
    /// A response is not in the form that the service's protocol prescribes, or was damaged on its way.
    package static let corruptedResponse = ErrorCode(rawValue: "corrupted_response")
}
