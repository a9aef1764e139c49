import Glibc
package import MillraceCore
package import MillraceHTTPClient

/// Passes exchanges on to another transport and writes each into a file, from which ``ReplayTransport`` plays it without a network.
///
/// A recording holds bodies, and the names of header fields and query members; it does not hold their values. An exchange whose body shows
/// the value of a header or query member that is named like a secret is refused and not written. It is a tool for tests and for looking at a
/// provider: every byte is kept in memory until the exchange ends.
package final class RecordingTransport: HTTPTransport {
    private let base: any HTTPTransport
    private let directory: String
    private let limit: Int
    private let logger: Logger
    private let blocking: BlockingExecutor?
    /// How often each request has come, by the stem of its files.
    private let counts = Locked<[String: Int]>([:])

    /// The most files that one directory may have.
    static let mostFiles = 10_000

    /// - Parameters:
    ///   - directory: is made where it is missing; must not hold recordings.
    ///   - limit: the most bytes of a request's and of a response's body (default: 16 MiB each); more is ``ErrorCode/limitExceeded``.
    ///   - logger: is told of a recording that could not be written for an exchange that had failed already.
    ///   - blocking: the threads that write the files (default: the caller's own).
    /// - Throws: ``ErrorCode/conflict`` for a directory with recordings, ``ErrorCode/system`` for one that cannot be made.
    package init(
        _ base: any HTTPTransport, directory: String, limit: Int = 16 << 20, logger: Logger = .silent, blocking: BlockingExecutor? = nil
    ) throws(MillraceError) {
        if mkdir(directory, 0o700) != 0, errno != EEXIST {
            throw MillraceError(.system, "cannot make the directory \(directory): \(String(cString: strerror(errno)))")
        }
        guard try RecordingDirectory.files(in: directory).isEmpty else {
            throw MillraceError(.conflict, "the directory \(directory) holds recordings: delete them, or record into another one")
        }
        self.base = base
        self.directory = directory
        self.limit = limit
        self.logger = logger
        self.blocking = blocking
    }

    package func exchange<R>(_ request: HTTPClientRequest, _ body: (any HTTPResponseStream) async throws -> R) async throws -> R {
        let sent = try SentBody(request.body, limit: limit)
        // Requests are numbered as they start, but for bodies that are only known when they have been sent.
        var number = sent.isKnown ? try self.number(of: recorded(request, sent)) : nil
        var passed = request
        passed.body = sent.body
        var stream: RecordingStream?
        do {
            let result = try await base.exchange(passed) { response in
                let recording = RecordingStream(response, limit: limit)
                stream = recording
                return try await body(recording)
            }
            try await write(request, sent, stream, transportError: nil, &number)
            return result
        } catch {
            if let failure = sent.failure ?? stream?.recorderFailure { throw failure }
            let isTransport = stream == nil && !(error is CancellationError)
            do { try await write(request, sent, stream, transportError: isTransport ? error : nil, &number) } catch let problem {
                logger.error("exchange not recorded", ["error": .string("\(problem)"), "directory": .string(directory)])
            }
            throw error
        }
    }

    private func recorded(_ request: HTTPClientRequest, _ sent: SentBody) -> RecordedRequest {
        RecordedRequest(method: request.method, url: request.url, headers: request.headers, body: sent.bytes)
    }

    private func number(of request: RecordedRequest) throws(MillraceError) -> Int {
        try counts.withLock { (counts) throws(MillraceError) in
            guard counts.values.reduce(0, +) < Self.mostFiles else {
                throw MillraceError(.limitExceeded, "the directory \(directory) holds \(Self.mostFiles) recordings, the most it may")
            }
            counts[request.stem, default: 0] += 1
            return counts[request.stem, default: 0]
        }
    }

    private func write(
        _ request: HTTPClientRequest, _ sent: SentBody, _ stream: RecordingStream?, transportError: (any Error)?, _ number: inout Int?
    ) async throws {
        let recorded = recorded(request, sent)
        var recording = HTTPRecording(request: recorded)
        if let stream {
            recording.response = HTTPRecording.Response(status: stream.status, headers: HTTPRecording.kept(stream.headers))
            recording.pieces = stream.pieces
            recording.end = stream.end
        } else if let transportError {
            recording.end = .failed(RecordingStream.failure(transportError))
        }
        let text = recording.text
        // Both as it was sent and as the file spells it.
        let shown = [sent.bytes, recording.pieces.flatMap(\.self), Array(text.utf8)]
        for secret in RecordedRequest.secrets(url: request.url, headers: request.headers) {
            let value = Array(secret.value.utf8)
            guard !shown.contains(where: { $0.firstRange(of: value) != nil }) else {
                throw MillraceError(
                    .invalidInput, "the exchange \(recorded.title) shows the value of '\(secret.name)' in its body: it is not recorded")
            }
        }
        if number == nil { number = try self.number(of: recorded) }
        let path = "\(directory)/\(recorded.fileName(number: number ?? 1))"
        if let blocking {
            // Also the recording of a cancelled exchange is written.
            try await Task { try await blocking.run { try RecordingDirectory.write(text, path) } }.value
        } else {
            try RecordingDirectory.write(text, path)
        }
    }
}

/// A request's body, kept as it goes out.
private struct SentBody: Sendable {
    private struct Pulled {
        var bytes: [UInt8] = []
        var failure: MillraceError?
    }

    let body: HTTPClientRequest.Body
    let isKnown: Bool
    private let pulled: Locked<Pulled>

    var bytes: [UInt8] { pulled.withLock { $0.bytes } }
    /// The body turned out to be too long to be recorded.
    var failure: MillraceError? { pulled.withLock { $0.failure } }

    init(_ body: HTTPClientRequest.Body, limit: Int) throws(MillraceError) {
        let tooLong = MillraceError(.limitExceeded, "the request's body is longer than \(limit) bytes, the most that a recording may have")
        switch body {
        case .none:
            (self.body, isKnown, pulled) = (body, true, Locked(Pulled()))
        case .bytes(let bytes):
            guard bytes.count <= limit else { throw tooLong }
            (self.body, isKnown, pulled) = (body, true, Locked(Pulled(bytes: bytes)))
        case .stream(let length, let next):
            let pulled = Locked(Pulled())
            let tee: @Sendable () async throws -> [UInt8]? = {
                guard let piece = try await next() else { return nil }
                try pulled.withLock { (pulled) throws(MillraceError) in
                    guard pulled.bytes.count + piece.count <= limit else {
                        pulled.failure = tooLong
                        throw tooLong
                    }
                    pulled.bytes += piece
                }
                return piece
            }
            (self.body, isKnown, self.pulled) = (.stream(length: length, next: tee), false, pulled)
        }
    }
}

/// A response that keeps what is read from it.
private final class RecordingStream: HTTPResponseStream {
    private let base: any HTTPResponseStream
    private let limit: Int
    private var byteCount = 0
    private(set) var pieces: [[UInt8]] = []
    private(set) var end = HTTPRecording.End.cut
    /// The exchange is too long to be recorded.
    private(set) var recorderFailure: MillraceError?

    init(_ base: any HTTPResponseStream, limit: Int) {
        self.base = base
        self.limit = limit
    }

    var status: Int { base.status }
    var headers: HTTPClientHeaders { base.headers }

    func read(_ take: (UnsafeRawBufferPointer) throws -> Void) async throws -> Bool {
        var takerFailed = false
        do {
            let hasMore = try await base.read { piece in
                takerFailed = true
                byteCount += piece.count
                if byteCount > limit {
                    let failure = MillraceError(
                        .limitExceeded, "the response is longer than \(limit) bytes, the most that a recording may have")
                    recorderFailure = failure
                    throw failure
                }
                pieces.append(Array(piece))
                try take(piece)
                takerFailed = false
            }
            if !hasMore { end = .complete }
            return hasMore
        } catch {
            if !takerFailed, !(error is CancellationError) { end = .failed(Self.failure(error)) }
            throw error
        }
    }

    func discardRest() {
        // To its reader the response was complete.
        if end == .cut { end = .complete }
        base.discardRest()
    }

    static func failure(_ error: any Error) -> MillraceError {
        error as? MillraceError ?? MillraceError(.system, "\(error)")
    }
}
