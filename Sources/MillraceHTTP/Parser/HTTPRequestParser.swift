import MillraceCore

/// Reads HTTP/1.x requests (RFC 9112) from bytes that arrive in any pieces: a value without sockets, clocks or memory of its own.
///
/// Call ``next(_:)`` with all bytes that were received and not consumed, drop what the step consumed, and call again until
/// ``Step/needMore``. What it returns depends on the bytes alone, never on how they were cut. Whatever two readers of a request could
/// understand differently is refused, because that is what request smuggling lives on.
package struct HTTPRequestParser: Sendable {
    package enum Step: Sendable {
        /// Nothing to report until more bytes come.
        case needMore
        /// A request starts. ``HTTPRequestParser/bodyLimit`` may be changed before the next call.
        case head(HTTPRequestHead, consumed: Int)
        /// A piece of the body: `input[range]`.
        case body(range: Range<Int>, consumed: Int)
        /// The request is complete. Trailers were checked and dropped.
        case end(consumed: Int)
        /// The request is refused, and with it everything after it on this connection.
        case failure(HTTPParseFailure)
    }

    /// Without anything that is counted by references, since it is looked at for every line.
    enum Phase: Sendable {
        case emptyLines
        case requestLine
        case headerLines
        case beforeBody(HTTPBodyFraming)
        case body(remaining: Int)
        case chunkLine
        case chunkData(remaining: Int)
        case chunkEnd
        case trailerLines
        case failed
    }

    /// The bytes that this request's body may have. It goes back to the limits' default with every head.
    package var bodyLimit: Int

    /// Out of line, since a server's connections share one.
    private let sharedLimits: OutOfLine<HTTPParserLimits>
    var limits: HTTPParserLimits { _read { yield sharedLimits.value } }
    var phase = Phase.emptyLines
    /// Where the current line or element starts: the bytes before it are understood and not yet consumed.
    var position = 0
    /// Up to where the current line was searched for its end, so that a trickle is not searched again and again.
    var scanned = 0
    var headStart = 0
    var emptyLines = 0
    var headerCount = 0
    var headerBytes = 0
    var bodyBytes = 0
    var chunkExtensionBytes = 0
    /// The head that is being read; an idle connection has none.
    var head: HTTPHeadStorage?
    let pool: HTTPHeadPool?
    private var failure: OutOfLine<HTTPParseFailure>?

    package init(limits: HTTPParserLimits) { self.init(limits: OutOfLine(limits.bounded), pool: nil) }

    /// - Parameters:
    ///   - limits: bounded ones (``HTTPParserLimits/bounded``).
    ///   - pool: where storage of heads comes from and goes back to.
    init(limits: OutOfLine<HTTPParserLimits>, pool: HTTPHeadPool?) {
        sharedLimits = limits
        self.pool = pool
        bodyLimit = limits.value.bodyBytes
    }

    /// Whether a request has begun and not ended: tells a slow client from an idle connection.
    package var hasPartialMessage: Bool {
        switch phase {
        case .emptyLines, .failed: false
        default: true
        }
    }

    /// The next step. After a failure it stays that failure.
    /// - Parameter input: all bytes received and not consumed; it must start where the last step's `consumed` ended.
    package mutating func next(_ input: UnsafeRawBufferPointer) -> Step {
        if let failure { return .failure(failure.value) }
        precondition(input.count >= position, "bytes that were not consumed are missing")
        do throws(HTTPParseFailure) {
            return try step(input)
        } catch {
            phase = .failed
            failure = OutOfLine(error)
            head = nil
            return .failure(error)
        }
    }

    private mutating func step(_ input: UnsafeRawBufferPointer) throws(HTTPParseFailure) -> Step {
        while true {
            switch phase {
            case .emptyLines:
                guard try skipEmptyLines(input) else { return .needMore }
            case .requestLine:
                guard let line = try requestLine(input) else { return .needMore }
                try ownedHead().requestLine(line, 0..<line.count)
                phase = .headerLines
            case .headerLines:
                guard try headerLines(input) else { return .needMore }
                return try finishHead(input)
            case .beforeBody(let framing):
                try beginBody(framing)
            case .body(let remaining):
                return bodyStep(input, remaining)
            case .chunkLine:
                guard try chunkLine(input) else { return .needMore }
            case .chunkData(let remaining):
                guard let step = chunkDataStep(input, remaining) else { return .needMore }
                return step
            case .chunkEnd:
                guard try chunkEnd(input) else { return .needMore }
            case .trailerLines:
                guard let end = try trailerLine(input) else { return .needMore }
                if end { return finishMessage() }
            case .failed:
                return .needMore  // Never: whoever fails answers with the failure.
            }
        }
    }

    /// Finds the CRLF of the line that starts at ``position``; returns the index of its CR.
    /// - Parameter limit: the longest line in bytes, without CRLF.
    mutating func lineEnd(_ input: UnsafeRawBufferPointer, limit: Int, tooLong: HTTPParseFailure) throws(HTTPParseFailure) -> Int? {
        let latest = position + limit
        let searchEnd = min(input.count, latest)
        var i = max(scanned, position)
        while true {
            i = HTTPGrammar.firstControl(input, from: i, to: searchEnd)
            if i >= searchEnd {
                guard i == latest, i < input.count else {
                    scanned = i
                    return nil
                }
                if input[i] != HTTPGrammar.carriageReturn { throw tooLong }
            }
            switch input[i] {
            case HTTPGrammar.tab:
                // Allowed in values only; who reads the line knows where that is.
                i += 1
            case HTTPGrammar.carriageReturn:
                guard i + 1 < input.count else {
                    scanned = i
                    return nil
                }
                guard input[i + 1] == HTTPGrammar.lineFeed else { throw .malformed("a CR is not followed by LF") }
                return i
            case HTTPGrammar.lineFeed: throw .malformed("a line ends in LF without CR")
            default: throw .malformed("a control character is not allowed here")
            }
        }
    }

    /// Goes on after a line whose CR is at `end`.
    mutating func advance(pastLineAt end: Int) {
        position = end + 2
        scanned = position
    }

    /// Ready for the next request; what was understood is consumed.
    mutating func finishMessage() -> Step {
        let consumed = position
        phase = .emptyLines
        startOver()
        return .end(consumed: consumed)
    }

    mutating func startOver() {
        position = 0
        scanned = 0
    }
}
