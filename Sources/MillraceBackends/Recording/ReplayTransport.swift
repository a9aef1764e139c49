package import MillraceCore
package import MillraceHTTPClient

/// Answers requests from recordings, byte for byte and in the same pieces, without a network.
///
/// A request is answered by the recording with its method, path and body (JSON compared by value); one that comes again, by the next one.
/// Header fields, host and query are not compared.
package final class ReplayTransport: HTTPTransport {
    private struct Entry: Sendable {
        let file: String
        let recording: HTTPRecording
    }

    private let directory: String
    private let entries: [String: Entry]
    private let counts = Locked<[String: Int]>([:])

    /// Reads all recordings of a directory; it blocks.
    /// - Parameter limit: the most bytes of all files (default: 256 MiB).
    /// - Throws: ``MillraceError`` for a directory or file that cannot be read, ``ErrorCode/limitExceeded`` for too much.
    package init(directory: String, limit: Int = 256 << 20) throws(MillraceError) {
        var entries: [String: Entry] = [:]
        var room = limit
        for file in try RecordingDirectory.files(in: directory) {
            let bytes = try BoundedFile.read("\(directory)/\(file)", limit: room)
            room -= bytes.count
            entries[file] = Entry(file: file, recording: try HTTPRecording(parsing: bytes, file: "\(directory)/\(file)"))
        }
        self.directory = directory
        self.entries = entries
    }

    /// Plays the recording of the request.
    /// - Throws: what `body` throws; the error with which the recorded exchange failed; ``ErrorCode/notFound`` for a request that has no
    ///   recording, with the file that it would be in and what differs from the nearest one, and for a reader that reads on where the
    ///   recorded one left.
    package func exchange<R>(_ request: HTTPClientRequest, _ body: (any HTTPResponseStream) async throws -> R) async throws -> R {
        try Task.checkCancellation()
        let bytes = try await Self.bytes(of: request.body)
        let asked = RecordedRequest(method: request.method, url: request.url, headers: request.headers, body: bytes)
        let number = counts.withLock { counts in
            counts[asked.stem, default: 0] += 1
            return counts[asked.stem, default: 0]
        }
        let file = asked.fileName(number: number)
        guard let entry = entries[file], asked.matches(entry.recording.request) else { throw missing(asked, file, number) }
        guard let response = entry.recording.response else {
            if case .failed(let error) = entry.recording.end { throw error }
            throw Self.readerLeft("\(directory)/\(file)")
        }
        return try await body(
            ReplayStream(response, entry.recording, limit: request.responseByteLimit, file: "\(directory)/\(file)"))
    }

    private static func bytes(of body: HTTPClientRequest.Body) async throws -> [UInt8] {
        switch body {
        case .none: return []
        case .bytes(let bytes): return bytes
        case .stream(_, let next):
            var bytes: [UInt8] = []
            while let piece = try await next() {
                bytes += piece
                guard bytes.count <= 64 << 20 else { throw MillraceError(.limitExceeded, "the request's body is longer than 64 MiB") }
            }
            return bytes
        }
    }

    fileprivate static func readerLeft(_ file: String) -> MillraceError {
        MillraceError(.notFound, "the recording \(file) ends here, since its reader left: record the exchange again")
    }

    // MARK: What is missing

    private func missing(_ asked: RecordedRequest, _ file: String, _ number: Int) -> MillraceError {
        let problem = "no recording answers \(asked.title): \(directory)/\(file) is expected"
        return MillraceError(.notFound, "\(problem); \(explanation(asked, number))", details: ["file": .string(file)])
    }

    private func explanation(_ asked: RecordedRequest, _ number: Int) -> String {
        let recorded = entries.values.sorted { $0.file < $1.file }
        if recorded.isEmpty { return "the directory holds no recordings" }
        let same = recorded.filter { $0.recording.request.matches(asked) }
        if !same.isEmpty { return "it comes for the \(Self.ordinal(number)) time and was recorded \(Self.times(same.count))" }
        let alike = recorded.filter { $0.recording.request.method == asked.method && $0.recording.request.path == asked.path }
            .map { ($0.file, RecordingDifference.places(recorded: $0.recording.request.body, asked: asked.body)) }
        guard let nearest = alike.min(by: { $0.1.count < $1.1.count }) else {
            let titles = Set(recorded.map(\.recording.request.title)).sorted()
            let list = titles.prefix(5).joined(separator: ", ") + (titles.count > 5 ? ", …" : "")
            return "recorded are: \(list)"
        }
        let more = nearest.1.count > 3 ? "; and \(nearest.1.count - 3) more places" : ""
        return "the nearest is \(nearest.0), which differs at \(nearest.1.prefix(3).joined(separator: "; "))\(more)"
    }

    private static func times(_ count: Int) -> String { count == 1 ? "once" : "\(count) times" }

    private static func ordinal(_ number: Int) -> String {
        switch number % 10 {
        case 1 where number % 100 != 11: "\(number)st"
        case 2 where number % 100 != 12: "\(number)nd"
        case 3 where number % 100 != 13: "\(number)rd"
        default: "\(number)th"
        }
    }
}

/// A recorded response.
private final class ReplayStream: HTTPResponseStream {
    let status: Int
    let headers: HTTPClientHeaders
    private let recording: HTTPRecording
    private let limit: Int
    private let file: String
    private var next = 0
    private var byteCount = 0

    init(_ response: HTTPRecording.Response, _ recording: HTTPRecording, limit: Int, file: String) {
        status = response.status
        headers = response.headers
        self.recording = recording
        self.limit = limit
        self.file = file
    }

    func read(_ take: (UnsafeRawBufferPointer) throws -> Void) async throws -> Bool {
        try Task.checkCancellation()
        if next < recording.pieces.count {
            let piece = recording.pieces[next]
            next += 1
            byteCount += piece.count
            guard byteCount <= limit else {
                throw MillraceError(.limitExceeded, "the response is longer than \(limit) bytes, the most that was asked for")
            }
            try piece.withUnsafeBytes(take)
            return true
        }
        switch recording.end {
        case .complete: return false
        case .failed(let error): throw error
        case .cut: throw ReplayTransport.readerLeft(file)
        }
    }
}
