import MillraceCore
import MillraceHTTPClient

/// An object's content while it is lent; used by one task at a time.
public final class S3Content {
    /// What is known of the whole object.
    public let head: S3ObjectHead
    /// Which of its bytes are lent.
    public let bytes: Range<Int>
    private let handoff: S3PieceHandoff<S3Download.Beginning>

    init(_ beginning: S3Download.Beginning, _ handoff: S3PieceHandoff<S3Download.Beginning>) {
        head = beginning.head
        bytes = beginning.bytes
        self.handoff = handoff
    }

    /// The next piece, some kilobytes and never empty; `nil` at the end.
    /// - Throws: what ``S3Client/getObject(_:_:options:_:)`` says of a content that breaks off.
    public func next() async throws -> [UInt8]? {
        try Task.checkCancellation()
        return try await handoff.next()
    }
}

extension S3Client {
    /// Lends an object's content (GetObject).
    ///
    /// A content that breaks off is fetched on from there, as long as the object is the same: up to three times in a row without 1 MiB of
    /// progress. Content that is read to its end is compared with the CRC-32 or SHA-256 that S3 keeps of the whole object, where it keeps
    /// one.
    /// - Parameters:
    ///   - options: range, conditions, version.
    ///   - read: gets the content; what it has not read when it returns is not fetched.
    /// - Returns: what `read` returns.
    /// - Throws: ``AWSServiceError``, such as 404 `NoSuchKey`, 412 `PreconditionFailed`, 304 `NotModified`, 416 `InvalidRange`;
    ///   ``MillraceError`` with ``ErrorCode/conflict`` when the object is replaced while it is fetched on, with `checksum_mismatch` at the
    /// end of a content that is damaged; what `read` throws.
    public func getObject<R>(
        _ bucket: String, _ key: String, options: S3GetOptions = S3GetOptions(), _ read: (S3Content) async throws -> R
    ) async throws -> R {
        try Self.check(options.range)
        let handoff = S3PieceHandoff<S3Download.Beginning>()
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { [self] in await fetch(bucket, key, options, handoff) }
            defer {
                handoff.abandon()
                group.cancelAll()
            }
            return try await read(S3Content(try await handoff.head(), handoff))
        }
    }

    /// Takes a whole object.
    /// - Parameter limit: the most bytes that are taken.
    /// - Throws: as ``getObject(_:_:options:_:)``, and ``ErrorCode/limitExceeded``.
    public func getObject(_ bucket: String, _ key: String, options: S3GetOptions = S3GetOptions(), limit: Int) async throws -> [UInt8] {
        try await getObject(bucket, key, options: options) { content in
            var bytes: [UInt8] = []
            while let piece = try await content.next() {
                guard bytes.count + piece.count <= limit else {
                    throw MillraceError(.limitExceeded, "the object is longer than \(limit) bytes")
                }
                bytes += piece
            }
            return bytes
        }
    }

    private static func check(_ range: S3Range?) throws(MillraceError) {
        let isRight =
            switch range {
            case nil: true
            case .bytes(let offset, let count): offset >= 0 && count > 0 && !offset.addingReportingOverflow(count).overflow
            case .from(let offset): offset >= 0
            case .last(let count): count > 0
            }
        if !isRight { throw MillraceError(.invalidInput, "a range begins at 0 or later, and has one byte at least") }
    }

    private func fetch(
        _ bucket: String, _ key: String, _ options: S3GetOptions, _ handoff: S3PieceHandoff<S3Download.Beginning>
    ) async {
        var download = S3Download(range: options.range)
        var check: S3ContentCheck?
        do {
            repeat {
                do {
                    try await send(Self.request(options, download), bucket: bucket, key: key) { response in
                        let headers = S3ResponseHeaders(response.headers)
                        if let beginning = try download.headArrived(status: response.status, headers) {
                            if options.range == nil { check = S3ContentCheck(response.headers) }
                            handoff.begin(beginning)
                        }
                        var piece: [UInt8] = []
                        while try await response.read({ piece = [UInt8]($0) }) {
                            try download.received(piece.count)
                            piece.withUnsafeBytes { check?.received($0) }
                            try await handoff.offer(piece)
                        }
                        guard download.isComplete else {
                            throw MillraceError(.connectionLost, "the store's answer ended too early", isRetryable: true)
                        }
                    }
                } catch {
                    if let final = download.failed(error) { throw final }
                }
            } while !download.isComplete
            try check?.ended()
            handoff.end(.success(()))
        } catch {
            handoff.end(.failure(error))
        }
    }

    private static func request(_ options: S3GetOptions, _ download: S3Download) -> AWSRequest {
        var request = AWSRequest("GET", "", query: versionQuery(options.versionID))
        request.responseByteLimit = .max
        let (range, ifMatch) = download.request
        if let range { request.headers.set("Range", range) }
        if options.range == nil, download.beginning == nil { request.headers.set("x-amz-checksum-mode", "ENABLED") }
        if let ifMatch {
            request.headers.set("If-Match", ifMatch)
        } else {
            setConditions(options, &request.headers)
        }
        return request
    }

    static func versionQuery(_ versionID: String?) -> [(name: String, value: String?)] { versionID.map { [("versionId", $0)] } ?? [] }

    static func setConditions(_ options: S3GetOptions, _ headers: inout HTTPClientHeaders) {
        if let tag = options.ifMatch { headers.set("If-Match", "\"\(tag)\"") }
        if let tag = options.ifNoneMatch { headers.set("If-None-Match", tag == "*" ? tag : "\"\(tag)\"") }
        if let time = options.ifModifiedSince { headers.set("If-Modified-Since", S3Time.httpDate(time)) }
    }
}
