public import MillraceCore

/// One change of a bulk request.
public enum OpenSearchBulkOperation: Equatable, Sendable {
    /// Stores a document, in place of the one with its id.
    case index(id: String, JSONValue)
    /// Stores a document where there is none with its id; otherwise its result has status 409.
    case create(id: String, JSONValue)
    /// Removes a document; one that is not there has status 404.
    case delete(id: String)

    /// The document's id.
    public var id: String {
        switch self {
        case .index(let id, _), .create(let id, _), .delete(let id): id
        }
    }

    /// Its lines of newline-delimited JSON.
    var lines: [UInt8] {
        var buffer = ByteBuffer()
        let (name, document): (StaticString, JSONValue?) =
            switch self {
            case .index(_, let document): ("index", document)
            case .create(_, let document): ("create", document)
            case .delete: ("delete", nil)
            }
        buffer.appendJSONObject { $0.member(name) { $0.member("_id", id) } }
        buffer.append("\n")
        if let document {
            buffer.append(json: document)
            buffer.append("\n")
        }
        return Array(buffer.string.utf8)
    }
}

/// What became of one change.
public struct OpenSearchBulkResult: Equatable, Sendable {
    /// The document's id.
    public var id: String
    /// The HTTP status of this change.
    public var status: Int
    /// Why it was refused; `nil`: it was carried out, or had nothing to do.
    public var error: AWSServiceError?
    /// Creates a result.
    public init(id: String, status: Int, error: AWSServiceError? = nil) {
        self.id = id
        self.status = status
        self.error = error
    }
}

/// Which changes are sent together, and which once more. It does no I/O.
///
/// The order of changes to the same document is kept: pieces are sent one after the other, what was refused goes out before what comes
/// later, and a refused change is not repeated over a later one to the same document that was carried out.
struct OpenSearchBulkPlan {
    private let operations: [OpenSearchBulkOperation]
    private let lines: [[UInt8]]
    private let limits: OpenSearchClient.BulkLimits
    private var results: [OpenSearchBulkResult?]
    /// Indexes of changes, the next piece first.
    private var pieces: [[Int]]
    private var attempts: Int

    init(_ operations: [OpenSearchBulkOperation], limits: OpenSearchClient.BulkLimits) {
        self.operations = operations
        self.limits = limits
        lines = operations.map(\.lines)
        results = Array(repeating: nil, count: operations.count)
        attempts = 0
        pieces = []
        var piece: [Int] = []
        var bytes = 0
        for (index, line) in lines.enumerated() {
            if !piece.isEmpty, bytes + line.count > limits.bytes || piece.count >= limits.operations {
                pieces.append(piece)
                piece = []
                bytes = 0
            }
            piece.append(index)
            bytes += line.count
        }
        if !piece.isEmpty { pieces.append(piece) }
        pieces.reverse()
    }

    /// The body of the next request; `nil`: all is done.
    var body: [UInt8]? { pieces.last.map { $0.flatMap { lines[$0] } } }

    /// How many changes the next request holds.
    var count: Int { pieces.last?.count ?? 0 }

    /// Whether the next request may be sent twice.
    var isRepeatable: Bool {
        (pieces.last ?? []).allSatisfy { if case .create = operations[$0] { false } else { true } }
    }

    /// What became of every change, in their order, once there is nothing more to send.
    var finished: [OpenSearchBulkResult] { results.compactMap { $0 } }

    /// Takes the answer to the request.
    /// - Returns: how long to wait before the next request, at most; `nil`: it can go out at once.
    mutating func answered(_ items: [OpenSearchBulkResult]) -> Duration? {
        guard let piece = pieces.popLast() else { return nil }
        attempts += 1
        var refused: [Int] = []
        for (index, item) in zip(piece, items) {
            results[index] = item
            if item.error?.isRetryable == true { refused.append(index) }
        }
        // The later change to the same document stands: this one is over as if it had been carried out before it.
        var settled: Set<[UInt8]> = []
        for (index, item) in zip(piece, items).reversed() {
            if item.error == nil {
                settled.insert(Array(item.id.utf8))
            } else if settled.contains(Array(item.id.utf8)), item.error?.isRetryable == true {
                results[index] = OpenSearchBulkResult(id: item.id, status: 200)
            }
        }
        refused.removeAll { results[$0]?.error == nil }
        guard !refused.isEmpty, attempts < limits.attempts else {
            attempts = 0
            return nil
        }
        pieces.append(refused)
        let doubled = limits.backoff * (1 << min(attempts - 1, 20))
        return min(doubled, Self.longestBackoff)
    }

    /// Takes a refusal of the whole request.
    /// - Returns: as ``answered(_:)``.
    mutating func refused(_ error: AWSServiceError) -> Duration? {
        let piece = pieces.last ?? []
        if error.status == 413, piece.count > 1 {
            pieces.removeLast()
            pieces.append(Array(piece[(piece.count / 2)...]))
            pieces.append(Array(piece[..<(piece.count / 2)]))
            return nil
        }
        return answered(piece.map { OpenSearchBulkResult(id: operations[$0].id, status: error.status, error: error) })
    }

    private static let longestBackoff: Duration = .seconds(10)
}
