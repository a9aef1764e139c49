import MillraceCore
import MillraceHTTPClient

/// Puts a request's body into `aws-chunked` frames, and says so in its headers.
struct ChunkedFraming: Sendable {
    let isSigned: Bool
    let trailer: BodyChecksum.Algorithm?

    /// Sets the headers that are signed with the request.
    func announce(in request: inout HTTPClientRequest) throws(MillraceError) {
        let others = request.headers["Content-Encoding"]
        guard others?.utf8.starts(with: "aws-chunked".utf8) != true else {
            throw MillraceError(.invalidInput, "the request is signed and framed already: sign the one that it was made from")
        }
        request.headers.set("Content-Encoding", (["aws-chunked"] + (others.map { [$0] } ?? [])).joined(separator: ","))
        request.headers.set("X-Amz-Decoded-Content-Length", "\(try decodedLength(of: request))")
        if let trailer { request.headers.set("X-Amz-Trailer", trailer.headerName) }
        // The length of the framed body is the transport's to say.
        request.headers.remove("Content-Length")
    }

    /// Frames the body.
    func apply(to request: inout HTTPClientRequest, seed: SigV4Signature) throws(MillraceError) {
        let decodedLength = try decodedLength(of: request)
        var encoder = AWSChunkedEncoder(decodedLength: decodedLength, seed: isSigned ? seed : nil, trailer: trailer)
        switch request.body {
        case .none: request.body = .bytes(try encoder.finish())
        case .bytes(let bytes): request.body = .bytes(try encoder.encode(bytes) + encoder.finish())
        case .stream(_, let next):
            let length = AWSChunkedEncoder.encodedLength(decodedLength: decodedLength, isSigned: isSigned, trailer: trailer)
            // A body is pulled by one task at a time.
            let state = Locked<AWSChunkedEncoder?>(encoder)
            request.body = .stream(length: length) {
                if state.withLock({ $0 == nil }) { return nil }
                while let piece = try await next() {
                    let frames = try state.withLock { encoder throws(MillraceError) in try encoder?.encode(piece) ?? [] }
                    if !frames.isEmpty { return frames }
                }
                return try state.withLock { encoder throws(MillraceError) in
                    defer { encoder = nil }
                    return try encoder?.finish()
                }
            }
        }
    }

    private func decodedLength(of request: HTTPClientRequest) throws(MillraceError) -> Int {
        switch request.body {
        case .none: return 0
        case .bytes(let bytes): return bytes.count
        case .stream(let length?, _): return length
        case .stream(nil, _):
            throw MillraceError(
                .invalidInput,
                "a body that is sent in signed chunks must say its length: give it, or send the body in parts of known length")
        }
    }
}
