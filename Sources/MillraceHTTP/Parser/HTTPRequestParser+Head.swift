extension HTTPRequestParser {
    /// Skips the empty lines that some clients send after a body; returns whether a request line begins.
    mutating func skipEmptyLines(_ input: UnsafeRawBufferPointer) throws(HTTPParseFailure) -> Bool {
        while position < input.count {
            switch input[position] {
            case HTTPGrammar.carriageReturn:
                guard position + 1 < input.count else { return false }
                guard input[position + 1] == HTTPGrammar.lineFeed else { throw .malformed("a CR is not followed by LF") }
                guard emptyLines < limits.leadingEmptyLines else { throw .malformed("there are too many empty lines before the request") }
                emptyLines += 1
                position += 2
            case HTTPGrammar.lineFeed:
                throw .malformed("a line ends in LF without CR")
            default:
                emptyLines = 0
                headStart = position
                scanned = position
                headerCount = 0
                headerBytes = 0
                head = pool?.take() ?? HTTPHeadStorage()
                phase = .requestLine
                return true
            }
        }
        return false
    }

    mutating func requestLine(_ input: UnsafeRawBufferPointer) throws(HTTPParseFailure) -> UnsafeRawBufferPointer? {
        let tooLong = HTTPParseFailure(.uriTooLong, "the request line is too long")
        guard let end = try lineEnd(input, limit: limits.requestLineBytes, tooLong: tooLong) else { return nil }
        let line = UnsafeRawBufferPointer(rebasing: input[headStart..<end])
        advance(pastLineAt: end)
        return line
    }

    /// Takes the header lines that are there; returns whether the empty one that ends the head was among them.
    private mutating func readHeaderLines(_ input: UnsafeRawBufferPointer, into head: HTTPHeadStorage) throws(HTTPParseFailure) -> Bool {
        let start = headStart
        while let end = try fieldLineEnd(input) {
            let line = position..<end
            advance(pastLineAt: end)
            if line.isEmpty { return true }
            try head.headerLine(
                UnsafeRawBufferPointer(rebasing: input[start..<end]), (line.lowerBound - start)..<(line.upperBound - start))
        }
        return false
    }

    mutating func headerLines(_ input: UnsafeRawBufferPointer) throws(HTTPParseFailure) -> Bool {
        try readHeaderLines(input, into: ownedHead())
    }

    mutating func trailerLine(_ input: UnsafeRawBufferPointer) throws(HTTPParseFailure) -> Bool? {
        guard let end = try fieldLineEnd(input) else { return nil }
        let line = position..<end
        advance(pastLineAt: end)
        if line.isEmpty { return true }
        try HTTPHeadStorage.trailerLine(input, line)
        return false
    }

    /// The end of a header or trailer line within what the limits leave.
    private mutating func fieldLineEnd(_ input: UnsafeRawBufferPointer) throws(HTTPParseFailure) -> Int? {
        let tooLarge = HTTPParseFailure(.requestHeaderFieldsTooLarge, "the headers are too large")
        let left = max(limits.headerBytes - headerBytes - 2, 0)
        guard let end = try lineEnd(input, limit: left, tooLong: tooLarge) else { return nil }
        guard end > position else { return end }
        guard headerCount < limits.headerCount else {
            throw HTTPParseFailure(.requestHeaderFieldsTooLarge, "there are too many headers")
        }
        headerCount += 1
        headerBytes += end - position + 2
        return end
    }

    /// The head that is being read, this parser's own: a copy of the parser gets one, too.
    mutating func ownedHead() -> HTTPHeadStorage {
        if isKnownUniquelyReferenced(&head), let head { return head }
        let copy = head.map { HTTPHeadStorage(copying: $0) } ?? HTTPHeadStorage()
        head = copy
        return copy
    }

    mutating func finishHead(_ input: UnsafeRawBufferPointer) throws(HTTPParseFailure) -> Step {
        let storage = ownedHead()
        head = nil
        try storage.finish(UnsafeRawBufferPointer(rebasing: input[headStart..<position]))
        let consumed = position
        startOver()
        bodyLimit = limits.bodyBytes
        phase = .beforeBody(storage.framing)
        return .head(HTTPRequestHead(storage: storage), consumed: consumed)
    }
}
