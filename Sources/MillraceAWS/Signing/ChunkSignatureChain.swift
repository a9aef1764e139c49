/// The signatures of a body's chunks, each of which signs the one before it; the first signs the request's.
///
/// Source: "Signature Calculations for the Authorization Header: Transferring Payload in Multiple Chunks" and "… Including Trailing Headers",
/// Amazon S3 API Reference.
struct ChunkSignatureChain: Sendable {
    private static let emptyHash = SHA256.hexadecimal([UInt8]())
    private let key: SigningKey
    private let scope: SigningScope
    private var previous: String

    init(seed: SigV4Signature) {
        key = seed.key
        scope = seed.scope
        previous = seed.signature
    }

    /// The signature of the next chunk.
    mutating func sign(chunk: ArraySlice<UInt8>) -> String {
        sign("AWS4-HMAC-SHA256-PAYLOAD", [Self.emptyHash, SHA256.hexadecimal(chunk)])
    }

    /// The signature of the trailer, which follows the empty chunk.
    /// - Parameter trailer: its fields as `name:value` and a line feed each.
    mutating func sign(trailer: String) -> String { sign("AWS4-HMAC-SHA256-TRAILER", [SHA256.hexadecimal(trailer.utf8)]) }

    private mutating func sign(_ algorithm: String, _ hashes: [String]) -> String {
        previous = key.signature(of: ([algorithm, scope.time, scope.text, previous] + hashes).joined(separator: "\n"))
        return previous
    }
}
