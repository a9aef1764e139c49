import MillraceCore
import MillraceHTTPClient

extension S3Client {
    /// Stores an object of any length: with one request up to ``Settings/partBytes``, in parts beyond.
    ///
    /// The body is pulled as S3 takes it; ``Settings/concurrentParts`` parts are in memory at most. A part that fails on the way is sent
    /// again. The object appears whole when everything is there; on any failure, and when the task is cancelled, what was begun is aborted.
    /// - Throws: what the body throws; ``MillraceError`` with ``ErrorCode/invalidInput`` for a body that is not as long as it says;
    ///   as ``completeMultipartUpload(_:_:uploadID:parts:condition:)``.
    public func upload(
        _ bucket: String, _ key: String, _ body: S3Body, options: S3PutOptions = S3PutOptions()
    ) async throws -> S3PutResult {
        let length: Int? =
            switch body {
            case .bytes(let bytes): bytes.count
            case .stream(let length, _): length
            }
        let plan = S3PartPlan(length: length, partBytes: settings.partBytes)
        let source = S3PartSource(body)
        let first = try await source.next(count: plan.bytes(ofPart: 1))
        if source.isFinished { return try await putObject(bucket, key, first, options: options) }
        let uploadID = try await createMultipartUpload(bucket, key, options: options)
        do {
            let parts = try await sendParts(bucket, key, uploadID, first, source, plan)
            return try await completeMultipartUpload(bucket, key, uploadID: uploadID, parts: parts, condition: options.condition)
        } catch {
            await abortAfterFailure(bucket, key, uploadID)
            throw error
        }
    }

    private func sendParts(
        _ bucket: String, _ key: String, _ uploadID: String, _ first: [UInt8], _ source: S3PartSource, _ plan: S3PartPlan
    ) async throws -> [S3Part] {
        try await withThrowingTaskGroup(of: S3Part.self) { group in
            var parts: [S3Part] = []
            var number = 1
            var bytes = first
            while true {
                guard number <= S3PartPlan.mostParts else {
                    throw MillraceError(.limitExceeded, "the object has more than \(S3PartPlan.mostParts) parts: make the parts larger")
                }
                group.addTask { [number, bytes] in
                    try await self.uploadPart(bucket, key, uploadID: uploadID, number: number, bytes)
                }
                bytes = []
                if source.isFinished { break }
                // The part that is read next counts as well.
                if number - parts.count >= settings.concurrentParts, let part = try await group.next() { parts.append(part) }
                number += 1
                bytes = try await source.next(count: plan.bytes(ofPart: number))
            }
            for try await part in group { parts.append(part) }
            return parts
        }
    }

    /// Ends what was begun, also when the caller is cancelled; for ten seconds at most. A bucket's life cycle rule should remove what is
    /// left when even this fails.
    func abortAfterFailure(_ bucket: String, _ key: String, _ uploadID: String) async {
        // A task of its own, awaited here: the caller's cancellation does not reach it.
        await Task { [self] in
            var request = AWSRequest("DELETE", "", query: [("uploadId", uploadID)])
            var timeouts = HTTPClientTimeouts()
            timeouts.total = .seconds(10)
            request.timeouts = timeouts
            _ = try? await document(request, bucket: bucket, key: key)
        }.value
    }
}

/// Cuts a body into parts. Used by one task at a time.
final class S3PartSource {
    private let next: (@Sendable () async throws -> [UInt8]?)?
    private let whole: [UInt8]
    private var position = 0
    private var pending: ArraySlice<UInt8> = []
    private var hasEnded = false
    private var bytesLeft: Int?

    init(_ body: S3Body) {
        switch body {
        case .bytes(let bytes):
            whole = bytes
            next = nil
        case .stream(let length, let next):
            whole = []
            self.next = next
            bytesLeft = length
        }
    }

    /// Whether the last part was given.
    var isFinished: Bool { next == nil ? position == whole.count : hasEnded && pending.isEmpty }

    /// The next bytes, so many unless the body ends; afterwards ``isFinished`` says whether it has.
    func next(count: Int) async throws -> [UInt8] {
        guard let next else {
            let end = min(position + count, whole.count)
            defer { position = end }
            return position == 0 && end == whole.count ? whole : Array(whole[position..<end])
        }
        var part: [UInt8] = []
        // Growing by doubling, an array would take three times its size for a moment. What is never written takes no memory.
        part.reserveCapacity(min(count, bytesLeft ?? count))
        // One piece beyond the part, so that its end is seen.
        while true {
            let taken = pending.prefix(count - part.count)
            part += taken
            pending = pending.dropFirst(taken.count)
            if hasEnded || !pending.isEmpty { return part }
            try Task.checkCancellation()
            guard let piece = try await next() else {
                hasEnded = true
                if let bytesLeft, bytesLeft > 0 { throw Self.wrongLength("shorter") }
                continue
            }
            if let left = bytesLeft {
                guard piece.count <= left else { throw Self.wrongLength("longer") }
                bytesLeft = left - piece.count
            }
            pending = piece[...]
        }
    }

    private static func wrongLength(_ what: String) -> MillraceError {
        MillraceError(.invalidInput, "the body is \(what) than its length says")
    }
}
