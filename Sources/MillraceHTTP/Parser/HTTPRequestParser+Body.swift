extension HTTPRequestParser {
    mutating func beginBody(_ framing: HTTPBodyFraming) throws(HTTPParseFailure) {
        bodyBytes = 0
        chunkExtensionBytes = 0
        switch framing {
        case .none: phase = .body(remaining: 0)
        case .length(let length):
            guard length <= bodyLimit else { throw Self.bodyTooLarge }
            phase = .body(remaining: length)
        case .chunked: phase = .chunkLine
        }
    }

    private static var bodyTooLarge: HTTPParseFailure { HTTPParseFailure(.contentTooLarge, "the body is too large") }

    mutating func bodyStep(_ input: UnsafeRawBufferPointer, _ remaining: Int) -> Step {
        if remaining == 0 { return finishMessage() }
        let count = min(remaining, input.count)
        if count == 0 { return .needMore }
        phase = .body(remaining: remaining - count)
        return .body(range: 0..<count, consumed: count)
    }

    /// `chunk-size [chunk-ext] CRLF` (RFC 9112, section 7.1): the size is one to sixteen hexadecimal digits and nothing else.
    mutating func chunkLine(_ input: UnsafeRawBufferPointer) throws(HTTPParseFailure) -> Bool {
        let tooLong = HTTPParseFailure.malformed("the line of a chunk size is too long")
        guard let end = try lineEnd(input, limit: limits.chunkLineBytes, tooLong: tooLong) else { return false }
        var i = position
        var size: UInt64 = 0
        while i < end, let digit = HTTPGrammar.hexadecimal(input[i]) {
            guard i - position < 16 else { throw .malformed("a chunk size has more than 16 digits") }
            size = size << 4 | UInt64(digit)
            i += 1
        }
        guard i > position else { throw .malformed("a chunk size is missing") }
        guard i == end || input[i] == UInt8(ascii: ";") else { throw .malformed("a chunk size is not a hexadecimal number") }
        guard let size = Int(exactly: size) else { throw .malformed("a chunk size is too large to represent") }
        chunkExtensionBytes += end - i
        guard chunkExtensionBytes <= limits.chunkExtensionBytes else { throw .malformed("there are too many chunk extensions") }
        advance(pastLineAt: end)
        if size == 0 {
            phase = .trailerLines
            return true
        }
        guard size <= bodyLimit - bodyBytes else { throw Self.bodyTooLarge }
        bodyBytes += size
        phase = .chunkData(remaining: size)
        return true
    }

    mutating func chunkDataStep(_ input: UnsafeRawBufferPointer, _ remaining: Int) -> Step? {
        let count = min(remaining, input.count - position)
        if count == 0 { return nil }
        let range = position..<(position + count)
        phase = count == remaining ? .chunkEnd : .chunkData(remaining: remaining - count)
        startOver()
        return .body(range: range, consumed: range.upperBound)
    }

    mutating func chunkEnd(_ input: UnsafeRawBufferPointer) throws(HTTPParseFailure) -> Bool {
        let broken = HTTPParseFailure.malformed("a chunk is not followed by CRLF")
        guard position < input.count else { return false }
        guard input[position] == HTTPGrammar.carriageReturn else { throw broken }
        guard position + 1 < input.count else { return false }
        guard input[position + 1] == HTTPGrammar.lineFeed else { throw broken }
        advance(pastLineAt: position)
        phase = .chunkLine
        return true
    }
}
