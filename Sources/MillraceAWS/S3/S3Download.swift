import MillraceCore
import MillraceHTTPClient

/// Where a download stands, and whether one that broke may go on: a value without I/O.
struct S3Download: Equatable {
    /// What a response's head begins.
    struct Beginning: Equatable, Sendable {
        let head: S3ObjectHead
        /// Which bytes of the object the caller gets.
        let bytes: Range<Int>
    }

    private let asked: S3Range?
    private(set) var beginning: Beginning?
    /// The object's next byte.
    private(set) var offset = 0
    /// Attempts that brought less than ``progressBytes`` each, in a row.
    private var fruitless = 0
    private var offsetAtStart = 0

    /// How often in a row a download goes on that hardly moves.
    static let mostFruitless = 4
    static let progressBytes = 1 << 20

    init(range: S3Range?) { asked = range }

    /// The range and the condition of the next request.
    var request: (range: String?, ifMatch: String?) {
        guard let beginning else { return (asked.map(Self.field), nil) }
        return ("bytes=\(offset)-\(beginning.bytes.upperBound - 1)", "\"\(beginning.head.entityTag)\"")
    }

    private static func field(_ range: S3Range) -> String {
        switch range {
        case .bytes(let offset, let count): "bytes=\(offset)-\(offset + count - 1)"
        case .from(let offset): "bytes=\(offset)-"
        case .last(let count): "bytes=-\(count)"
        }
    }

    /// A successful head has arrived.
    /// - Returns: what to tell the reader; `nil` where it knows.
    mutating func headArrived(status: Int, _ headers: S3ResponseHeaders) throws(MillraceError) -> Beginning? {
        offsetAtStart = offset
        if let beginning {
            guard let content = headers.contentRange, content.bytes == offset..<beginning.bytes.upperBound,
                content.length == beginning.head.length, headers.entityTag == beginning.head.entityTag
            else { throw Self.changed }
            return nil
        }
        let begun: Beginning
        // Some servers (gofakes3) send a part with 200, and say with Content-Range which.
        if status == 206 || asked != nil && headers.contentRange != nil {
            guard let content = headers.contentRange else { throw S3Client.missing("well-formed Content-Range") }
            begun = Beginning(head: try headers.head(length: content.length), bytes: content.bytes)
        } else {
            guard let length = headers.contentLength else { throw S3Client.missing("Content-Length") }
            // A server may give all that there is when it is asked for all that there is.
            guard asked.map({ Self.isWhole($0, of: length) }) ?? true else {
                throw MillraceError(
                    .storageUnavailable, "the store gave the whole object when it was asked for a part: it does not know ranges")
            }
            begun = Beginning(head: try headers.head(length: length), bytes: 0..<length)
        }
        // Other bytes than were asked for would pass for these, and a part for the whole.
        let isTold = headers.contentRange.map { $0.bytes == begun.bytes && $0.length == begun.head.length } ?? (status != 206)
        guard isTold, Self.fits(begun, asked) else { throw S3Client.missing("bytes of the range that was asked for") }
        beginning = begun
        offset = begun.bytes.lowerBound
        offsetAtStart = offset
        return begun
    }

    private static func isWhole(_ range: S3Range, of length: Int) -> Bool {
        switch range {
        case .bytes(let offset, let count): length == 0 || offset == 0 && count >= length
        case .from(let offset): length == 0 || offset == 0
        case .last(let count): count >= length
        }
    }

    /// Whether a beginning holds what was asked for, as far as there is so much.
    private static func fits(_ beginning: Beginning, _ asked: S3Range?) -> Bool {
        let (bytes, length) = (beginning.bytes, beginning.head.length)
        return switch asked {
        case nil: bytes == 0..<length
        case _ where length == 0: bytes.isEmpty
        case .bytes(let offset, let count): bytes.lowerBound == offset && bytes.count == min(count, length - min(offset, length))
        case .from(let offset): bytes == min(offset, length)..<length && bytes.lowerBound == offset
        case .last(let count): bytes == length - min(count, length)..<length
        }
    }

    mutating func received(_ count: Int) throws(MillraceError) {
        offset += count
        guard let beginning, offset <= beginning.bytes.upperBound else {
            throw MillraceError(.connectionLost, "the store gave more bytes than it had announced")
        }
    }

    var isComplete: Bool { offset == beginning?.bytes.upperBound }

    /// A request has failed.
    /// - Returns: what to throw; `nil` where another request goes on from here.
    mutating func failed(_ error: any Error) -> (any Error)? {
        // Nothing was lent yet, or what failed is final: the transport has done what can be done.
        guard let beginning, let failure = error as? MillraceError else {
            if beginning != nil, let refusal = error as? AWSServiceError, [404, 412].contains(refusal.status) { return Self.changed }
            return error
        }
        guard failure.isRetryable, [.connectionLost, .timeout, .unreachable].contains(failure.code), offset < beginning.bytes.upperBound
        else {
            return error
        }
        fruitless = offset - offsetAtStart >= Self.progressBytes ? 0 : fruitless + 1
        return fruitless < Self.mostFruitless ? nil : error
    }

    private static let changed = MillraceError(
        .conflict, "the object was replaced while it was read: read it from its start", isRetryable: true)
}
