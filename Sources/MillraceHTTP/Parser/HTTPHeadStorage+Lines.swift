/// Takes a head's lines one by one, checks each, and notes what it says. Ranges count from the head's first byte.
extension HTTPHeadStorage {
    // MARK: Request line

    /// `method SP request-target SP HTTP-version` (RFC 9112, section 3), with exactly one space at each place.
    func requestLine(_ bytes: UnsafeRawBufferPointer, _ line: Range<Int>) throws(HTTPParseFailure) {
        var i = line.lowerBound
        while i < line.upperBound, HTTPGrammar.isToken(bytes[i]) { i &+= 1 }
        guard i > line.lowerBound else { throw .malformed("the request line does not start with a method") }
        guard i < line.upperBound, bytes[i] == HTTPGrammar.space else { throw .malformed("the method is not followed by one space") }
        method = Self.method(bytes, line.lowerBound..<i)
        let start = i + 1
        i = start
        while i < line.upperBound, bytes[i] != HTTPGrammar.space { i &+= 1 }
        guard i < line.upperBound else { throw .malformed("the request line has no HTTP version") }
        version = try Self.version(bytes, (i + 1)..<line.upperBound)
        target = try HTTPTarget(parsing: bytes, start..<i, method: method)
    }

    private static func method(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) -> HTTPMethod {
        switch range.count {
        case 3 where matches(bytes, range, "GET"): .get
        case 4 where matches(bytes, range, "POST"): .post
        default: HTTPMethod(rawValue: String(decoding: UnsafeRawBufferPointer(rebasing: bytes[range]), as: UTF8.self))
        }
    }

    private static func matches(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>, _ literal: StaticString) -> Bool {
        for i in 0..<range.count where bytes[range.lowerBound &+ i] != literal.utf8Start[i] { return false }
        return true
    }

    private static func version(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) throws(HTTPParseFailure) -> HTTPVersion {
        guard range.count == 8, matches(bytes, range.lowerBound..<(range.lowerBound + 5), "HTTP/"),
            HTTPGrammar.isDigit(bytes[range.lowerBound + 5]), bytes[range.lowerBound + 6] == UInt8(ascii: "."),
            HTTPGrammar.isDigit(bytes[range.lowerBound + 7])
        else { throw .malformed("the HTTP version is malformed") }
        switch (bytes[range.lowerBound + 5], bytes[range.lowerBound + 7]) {
        case (UInt8(ascii: "1"), UInt8(ascii: "1")): return .http11
        case (UInt8(ascii: "1"), UInt8(ascii: "0")): return .http10
        default: throw HTTPParseFailure(.httpVersionNotSupported, "this server speaks HTTP/1.0 and HTTP/1.1")
        }
    }

    // MARK: Header lines

    /// `field-name ":" OWS field-value OWS` (RFC 9112, section 5).
    func headerLine(_ bytes: UnsafeRawBufferPointer, _ line: Range<Int>) throws(HTTPParseFailure) {
        let (name, value) = try Self.split(bytes, line)
        append(
            Field(
                nameStart: UInt32(name.lowerBound), nameEnd: UInt32(name.upperBound),
                valueStart: UInt32(value.lowerBound), valueEnd: UInt32(value.upperBound)))
        switch name.count {
        case 4 where HTTPGrammar.matches(bytes, name, "host"): try takeHost(bytes, value)
        case 6 where HTTPGrammar.matches(bytes, name, "origin"): hasOrigin = true
        case 6 where HTTPGrammar.matches(bytes, name, "expect"):
            guard HTTPGrammar.matches(bytes, value, "100-continue") else {
                throw HTTPParseFailure(.expectationFailed, "the only expectation that this server meets is 100-continue")
            }
            expects = true
        case 10 where HTTPGrammar.matches(bytes, name, "connection"): takeConnection(bytes, value)
        case 12 where HTTPGrammar.matches(bytes, name, "x-request-id"): hasRequestID = true
        case 14 where HTTPGrammar.matches(bytes, name, "content-length"): try takeContentLength(bytes, value)
        case 17 where HTTPGrammar.matches(bytes, name, "transfer-encoding"): try takeTransferEncoding(bytes, value)
        default: break
        }
    }

    /// Checks a trailer line, which is then dropped: nothing here reads trailers, and they must never change how a message is framed.
    static func trailerLine(_ bytes: UnsafeRawBufferPointer, _ line: Range<Int>) throws(HTTPParseFailure) {
        let (name, _) = try split(bytes, line)
        for forbidden in ["content-length", "transfer-encoding", "host"] as [StaticString]
        where HTTPGrammar.matches(bytes, name, forbidden) {
            throw .malformed("a trailer must not name the message's framing or host")
        }
    }

    private static func split(
        _ bytes: UnsafeRawBufferPointer, _ line: Range<Int>
    ) throws(HTTPParseFailure) -> (name: Range<Int>, value: Range<Int>) {
        if HTTPGrammar.isWhitespace(bytes[line.lowerBound]) { throw .malformed("a header line starts with white space (obs-fold)") }
        var colon = line.lowerBound
        while colon < line.upperBound, HTTPGrammar.isToken(bytes[colon]) { colon &+= 1 }
        guard colon < line.upperBound else { throw .malformed("a header line has no colon") }
        guard bytes[colon] == UInt8(ascii: ":") else {
            throw .malformed(
                HTTPGrammar.isWhitespace(bytes[colon])
                    ? "white space stands in or after a header's name" : "a header's name holds a character that is not allowed")
        }
        guard colon > line.lowerBound else { throw .malformed("a header's name is empty") }
        return (line.lowerBound..<colon, HTTPGrammar.trimmed(bytes, (colon + 1)..<line.upperBound))
    }

    private func takeHost(_ bytes: UnsafeRawBufferPointer, _ value: Range<Int>) throws(HTTPParseFailure) {
        guard host == nil else { throw .malformed("the Host header is repeated") }
        guard HTTPTarget.isAuthority(bytes, value) else { throw .malformed("the Host header is not a valid host") }
        host = value
    }

    private func takeConnection(_ bytes: UnsafeRawBufferPointer, _ value: Range<Int>) {
        HTTPGrammar.forEachElement(bytes, value) { element in
            if HTTPGrammar.matches(bytes, element, "close") { closes = true }
            if HTTPGrammar.matches(bytes, element, "keep-alive") { keepsAlive = true }
        }
    }

    /// Digits only, once: whatever two readers could take differently is refused (RFC 9112, section 6.3).
    private func takeContentLength(_ bytes: UnsafeRawBufferPointer, _ value: Range<Int>) throws(HTTPParseFailure) {
        guard contentLength == nil else { throw .malformed("the Content-Length header is repeated") }
        guard !value.isEmpty, value.allSatisfy({ HTTPGrammar.isDigit(bytes[$0]) }) else {
            throw .malformed("Content-Length is not a number of decimal digits")
        }
        var length = 0
        for i in value {
            let (tenfold, overflow) = length.multipliedReportingOverflow(by: 10)
            let (sum, overflowAgain) = tenfold.addingReportingOverflow(Int(bytes[i] &- UInt8(ascii: "0")))
            if overflow || overflowAgain { throw .malformed("Content-Length is too large to represent") }
            length = sum
        }
        contentLength = length
    }

    private func takeTransferEncoding(_ bytes: UnsafeRawBufferPointer, _ value: Range<Int>) throws(HTTPParseFailure) {
        guard !hasTransferEncoding else { throw .malformed("the Transfer-Encoding header is repeated") }
        hasTransferEncoding = true
        if HTTPGrammar.matches(bytes, value, "chunked") { return }
        var chunked = 0
        var endsChunked = false
        try HTTPGrammar.forEachElement(bytes, value) { (element) throws(HTTPParseFailure) in
            guard !element.isEmpty, element.allSatisfy({ HTTPGrammar.isToken(bytes[$0]) }) else {
                throw .malformed("Transfer-Encoding is malformed")
            }
            endsChunked = HTTPGrammar.matches(bytes, element, "chunked")
            if endsChunked { chunked += 1 }
        }
        if chunked > 1 || (chunked == 1 && !endsChunked) { throw .malformed("chunked must be the last transfer coding, once") }
        throw HTTPParseFailure(.notImplemented, "the only transfer coding that this server knows is chunked")
    }

    // MARK: The end

    /// What can be said only when all lines are known. `bytes` is the whole head.
    func finish(_ bytes: UnsafeRawBufferPointer) throws(HTTPParseFailure) {
        if version == .http11, host == nil { throw .malformed("HTTP/1.1 needs a Host header") }
        if hasTransferEncoding, version == .http10 { throw .malformed("HTTP/1.0 has no Transfer-Encoding") }
        if hasTransferEncoding, contentLength != nil { throw .malformed("Content-Length and Transfer-Encoding are both there") }
        framing = hasTransferEncoding ? .chunked : contentLength.map { .length($0) } ?? .none
        keep(bytes)
    }
}
