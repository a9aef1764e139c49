import MillraceCore

@testable import MillraceHTTP

/// What a parser made of a connection's bytes, in a form that two runs can be compared by.
struct HTTPTrace: Equatable, CustomStringConvertible {
    struct Request: Equatable {
        var head: String
        var body: [UInt8] = []
        var isComplete = false
    }

    var requests: [Request] = []
    var failure: HTTPParseFailure?
    /// Bytes that were received and are not consumed.
    var left = 0

    var description: String { "\(requests) \(failure as Any) \(left)" }
}

/// Does what a connection does with a parser, and holds it to what it promises.
struct HTTPParserDrive {
    private var parser: HTTPRequestParser
    private var buffer: [UInt8] = []
    private(set) var trace = HTTPTrace()
    private(set) var heads: [HTTPRequestHead] = []

    init(_ limits: HTTPParserLimits) { parser = HTTPRequestParser(limits: limits) }

    mutating func receive(_ bytes: [UInt8]) throws(Disagreement) {
        guard trace.failure == nil else { return }
        buffer += bytes
        // Each step but the last takes a byte, ends a message or, once, begins one.
        var budget = 3 * buffer.count + 3
        while true {
            budget -= 1
            try expect(budget >= 0, "the parser goes in circles")
            switch buffer.withUnsafeBytes({ parser.next($0) }) {
            case .needMore:
                trace.left = buffer.count
                return
            case .head(let head, let consumed):
                let lines = head.headers.map { "\($0.name): \($0.value)" }
                trace.requests.append(
                    .init(
                        head:
                            "\(head.method) \(head.target) \(head.version) \(head.framing) \(head.keepAlive) \(head.expectsContinue) "
                            + "\(head.host ?? "-") \(lines)"))
                heads.append(head)
                try consume(consumed)
            case .body(let range, let consumed):
                try expect(
                    !trace.requests.isEmpty && !range.isEmpty && range.upperBound <= buffer.count && range.upperBound <= consumed,
                    "a piece of a body is empty or outside the input: \(range) of \(buffer.count)")
                trace.requests[trace.requests.count - 1].body += buffer[range]
                try consume(consumed)
            case .end(let consumed):
                try expect(!trace.requests.isEmpty, "a message ends that never began")
                trace.requests[trace.requests.count - 1].isComplete = true
                try consume(consumed)
            case .failure(let failure):
                trace.failure = failure
                trace.left = 0
                let again = buffer.withUnsafeBytes { parser.next($0) }
                guard case .failure(failure) = again else { throw Disagreement("a refused connection is read on") }
                return
            }
        }
    }

    private mutating func consume(_ count: Int) throws(Disagreement) {
        try expect(count >= 0 && count <= buffer.count, "the parser consumed more than there is")
        buffer.removeFirst(count)
    }

    static func whole(_ bytes: [UInt8], _ limits: HTTPParserLimits) throws(Disagreement) -> HTTPParserDrive {
        var drive = HTTPParserDrive(limits)
        try drive.receive(bytes)
        return drive
    }
}

extension FuzzTarget {
    /// A connection's bytes: pipelined requests, fed whole and at every kind of cut, under the usual limits and under tight ones.
    static let httpRequest = FuzzTarget("http-request") { (bytes) throws(Disagreement) in
        var tight = HTTPParserLimits()
        tight.requestLineBytes = 24
        tight.headerCount = 3
        tight.headerBytes = 80
        tight.bodyBytes = 12
        tight.chunkLineBytes = 8
        tight.chunkExtensionBytes = 10
        tight.leadingEmptyLines = 1
        for limits in [HTTPParserLimits(), tight] {
            let whole = try HTTPParserDrive.whole(bytes, limits)
            for pieces in Pieces.cuts(of: bytes) {
                var drive = HTTPParserDrive(limits)
                for piece in pieces { try drive.receive(piece) }
                try expectEqual(drive.trace, whole.trace, "a request in \(pieces.count) pieces")
            }
            for request in whole.trace.requests { try expect(request.body.count <= limits.bodyBytes, "a body is over its limit") }
            for head in whole.heads { try check(head) }
        }
    }

    /// What was let through must be usable, and its parts must agree with each other.
    static func check(_ head: HTTPRequestHead) throws(Disagreement) {
        try expectEqual(head.headers.count, head.headerCount, "the number of headers")
        try expect(head.host != nil || head.version == .http10, "HTTP/1.1 without a host")
        for (name, _) in head.headers {
            let values = head.headers.filter { HTTPGrammar.equalsIgnoringCase($0.name, name) }.map(\.value)
            try expectEqual(head.values(of: name), values, "the values of \(name)")
            try expectEqual(head[name], values.first, "the first value of \(name)")
            try expectEqual(head[name.uppercased()], values.first, "the first value of \(name), in upper case")
        }
        for value in head.headers.map(\.value) {
            try expect(value.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }, "a control character in a header's value")
        }
        let segments = head.pathSegments
        try expect(!segments.contains(".."), "a path holds '..'")
        try expect(!head.path.utf8.contains { $0 < 0x20 || $0 == 0x7F }, "a path holds a control character")
        try expect(segments.isEmpty || head.path == "/" + segments.joined(separator: "/"), "the segments are not the path's")
        _ = head.hostName
        _ = head.expectsContinue
        _ = ByteRange(head["range"], length: 100)
    }
}
