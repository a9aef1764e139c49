import MillraceCore

@testable import MillraceHTTP

/// A chunked body read the plain way, from all of its bytes (RFC 9112, section 7.1), with the parser's rules: no other limits than its own.
private struct PlainChunkedBody {
    enum Outcome: Equatable {
        case complete(body: [UInt8], rest: Int)
        case incomplete
        case refused
    }

    static func read(_ bytes: [UInt8], _ limits: HTTPParserLimits) -> Outcome {
        var rest = bytes[...]
        var body: [UInt8] = []
        var extensions = 0
        while true {
            guard let line = takeLine(&rest, limit: limits.chunkLineBytes) else { return .incomplete }
            guard case .line(let line) = line else { return .refused }
            let digits = line.prefix { Character(Unicode.Scalar($0)).isHexDigit && $0 < 0x80 }
            guard (1...16).contains(digits.count), digits.endIndex == line.endIndex || line[digits.endIndex] == UInt8(ascii: ";"),
                let size = Int(String(decoding: digits, as: UTF8.self), radix: 16)
            else { return .refused }
            extensions += line.count - digits.count
            guard extensions <= limits.chunkExtensionBytes else { return .refused }
            if size == 0 { break }
            guard size <= limits.bodyBytes - body.count else { return .refused }
            body += rest.prefix(size)
            guard rest.count >= size else { return .incomplete }
            rest = rest.dropFirst(size)
            for expected: UInt8 in [0x0D, 0x0A] {
                guard let byte = rest.popFirst() else { return .incomplete }
                guard byte == expected else { return .refused }
            }
        }
        // The request's own two header lines count as well.
        var fields = 2
        var bytesLeft = limits.headerBytes - "Host: a\r\nTransfer-Encoding: chunked\r\n".utf8.count
        while true {
            guard let line = takeLine(&rest, limit: max(bytesLeft - 2, 0)) else { return .incomplete }
            guard case .line(let line) = line else { return .refused }
            if line.isEmpty { return .complete(body: body, rest: rest.count) }
            fields += 1
            bytesLeft -= line.count + 2
            guard fields <= limits.headerCount, let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > line.startIndex else {
                return .refused
            }
            let name = line[..<colon]
            let marks = Array("!#$%&'*+-.^_`|~".utf8)
            guard
                name.allSatisfy({ byte in
                    marks.contains(byte) || (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
                }), !["content-length", "transfer-encoding", "host"].contains(String(decoding: name, as: UTF8.self).lowercased())
            else { return .refused }
        }
    }

    private enum Line {
        case line(ArraySlice<UInt8>)
        case refused
    }

    /// The line up to its CRLF; `nil` where it has not all come.
    private static func takeLine(_ rest: inout ArraySlice<UInt8>, limit: Int) -> Line? {
        var end = rest.startIndex
        while end < rest.endIndex {
            let byte = rest[end]
            if byte == 0x0D {
                guard end + 1 < rest.endIndex else { return nil }
                guard rest[end + 1] == 0x0A else { return .refused }
                defer { rest = rest[(end + 2)...] }
                return .line(rest[..<end])
            }
            if byte < 0x20 && byte != 0x09 || byte == 0x7F || end - rest.startIndex >= limit { return .refused }
            end += 1
        }
        return nil
    }
}

extension FuzzTarget {
    /// The bytes behind a head that says `chunked`: against a plain reading of the whole, and what we write reads back.
    static let httpChunked = FuzzTarget("http-chunked") { (bytes) throws(Disagreement) in
        let head = Array("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n".utf8)
        var tight = HTTPParserLimits()
        tight.headerCount = 4
        tight.headerBytes = 80
        tight.bodyBytes = 40
        tight.chunkLineBytes = 12
        tight.chunkExtensionBytes = 20
        for limits in [HTTPParserLimits(), tight] {
            var drive = try HTTPParserDrive.whole(head, limits)
            for piece in Pieces.cuts(of: bytes).last ?? [] where drive.trace.requests.count == 1 && !drive.trace.requests[0].isComplete {
                try drive.receive(piece)
            }
            let request = drive.trace.requests[0]
            switch PlainChunkedBody.read(bytes, limits) {
            case .complete(let body, _):
                try expectEqual(request.body, body, "a chunked body")
                try expect(request.isComplete, "a chunked body should be complete: \(drive.trace)")
            case .incomplete:
                try expect(!request.isComplete && drive.trace.failure == nil, "a chunked body should be incomplete: \(drive.trace)")
            case .refused: try expect(!request.isComplete && drive.trace.failure != nil, "a chunked body should be refused: \(drive.trace)")
            }
        }
        var buffer = ByteBuffer()
        buffer.append(head)
        for piece in Pieces.cuts(of: bytes)[0] {
            let chunk = buffer.beginChunk()
            buffer.append(piece)
            buffer.endChunk(chunk)
        }
        buffer.appendLastChunk()
        let written = try HTTPParserDrive.whole(buffer.bytes, HTTPParserLimits())
        try expectEqual(
            written.trace, HTTPTrace(requests: [.init(head: written.trace.requests[0].head, body: bytes, isComplete: true)]),
            "chunks of ours")
    }
}
