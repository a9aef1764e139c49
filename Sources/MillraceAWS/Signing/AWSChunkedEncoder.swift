package import MillraceCore

/// Frames a body as `aws-chunked`: chunks with their size, signed or not, an empty one, and a trailer with a checksum.
///
///     10000;chunk-signature=ad80…8648␍␊ 65536 bytes ␍␊
///     0;chunk-signature=b6c6…9df9␍␊
///     x-amz-checksum-crc32c:sOO8/Q==␍␊
///     ␍␊
///
/// S3 asks for chunks of one size, at least 8 KiB, but for the last; pieces of any size are put together to that.
/// Source: as ``ChunkSignatureChain``.
package struct AWSChunkedEncoder {
    /// 64 KiB, S3's recommended least.
    package static let defaultChunkSize = 64 << 10

    private let chunkSize: Int
    private var chain: ChunkSignatureChain?
    private var checksum: BodyChecksum?
    /// What the body still has to have.
    private var missing: Int
    private var pending: [UInt8] = []

    /// - Parameters:
    ///   - decodedLength: how many bytes the body has.
    ///   - seed: the request's signature, which the chunks' are chained to; `nil`: chunks go unsigned.
    ///   - trailer: the checksum that is sent behind the body; `nil`: none.
    ///   - chunkSize: the size of all chunks but the last, in bytes, at least 8 KiB for S3 (default: 64 KiB).
    package init(
        decodedLength: Int, seed: SigV4Signature?, trailer: BodyChecksum.Algorithm?, chunkSize: Int = AWSChunkedEncoder.defaultChunkSize
    ) {
        precondition(chunkSize > 0 && decodedLength >= 0)
        self.chunkSize = chunkSize
        chain = seed.map(ChunkSignatureChain.init)
        checksum = trailer.map { BodyChecksum($0) }
        missing = decodedLength
    }

    /// How long the framed body is, in bytes.
    package static func encodedLength(
        decodedLength: Int, isSigned: Bool, trailer: BodyChecksum.Algorithm?, chunkSize: Int = AWSChunkedEncoder.defaultChunkSize
    ) -> Int {
        let signature = isSigned ? ";chunk-signature=".utf8.count + 64 : 0
        func framed(_ size: Int) -> Int { String(size, radix: 16).utf8.count + signature + 2 + size + 2 }
        let rest = decodedLength % chunkSize
        var length = decodedLength / chunkSize * framed(chunkSize) + (rest > 0 ? framed(rest) : 0)
        length += framed(0)
        if let trailer {
            length += trailer.headerName.utf8.count + 1 + trailer.valueLength + 2
            if isSigned { length += "x-amz-trailer-signature:".utf8.count + 64 + 2 }
        }
        return length
    }

    /// Takes the next piece of the body.
    /// - Returns: what can be sent now; may be empty.
    /// - Throws: ``MillraceError`` with ``ErrorCode/invalidInput`` for a body that is longer than was said.
    package mutating func encode(_ piece: [UInt8]) throws(MillraceError) -> [UInt8] {
        guard piece.count <= missing else { throw Self.wrongLength("more") }
        missing -= piece.count
        checksum?.update(piece)
        pending += piece
        guard pending.count >= chunkSize else { return [] }
        var out: [UInt8] = []
        out.reserveCapacity(pending.count + pending.count / chunkSize * 96)
        var position = 0
        while pending.count - position >= chunkSize {
            append(pending[position..<position + chunkSize], to: &out)
            position += chunkSize
        }
        pending.removeFirst(position)
        return out
    }

    /// Ends the body.
    /// - Returns: the last bytes.
    /// - Throws: ``MillraceError`` with ``ErrorCode/invalidInput`` for a body that is shorter than was said.
    package mutating func finish() throws(MillraceError) -> [UInt8] {
        guard missing == 0 else { throw Self.wrongLength("fewer") }
        var out: [UInt8] = []
        if !pending.isEmpty { append(pending[...], to: &out) }
        pending = []
        out += Self.head(size: 0, signature: chain?.sign(chunk: []))
        if let checksum {
            let field = "\(checksum.algorithm.headerName):\(checksum.finish())"
            out += Array("\(field)\r\n".utf8)
            if let signature = chain?.sign(trailer: field + "\n") { out += Array("x-amz-trailer-signature:\(signature)\r\n".utf8) }
        }
        out += [13, 10]
        return out
    }

    private mutating func append(_ chunk: ArraySlice<UInt8>, to out: inout [UInt8]) {
        out += Self.head(size: chunk.count, signature: chain?.sign(chunk: chunk))
        out += chunk
        out += [13, 10]
    }

    private static func head(size: Int, signature: String?) -> [UInt8] {
        Array((String(size, radix: 16) + (signature.map { ";chunk-signature=\($0)" } ?? "") + "\r\n").utf8)
    }

    private static func wrongLength(_ what: String) -> MillraceError {
        MillraceError(.invalidInput, "the body has \(what) bytes than its length says")
    }
}
