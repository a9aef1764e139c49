import MillraceHTTP

/// What a parser made of a stream of bytes, in a form that two runs can be compared by.
struct Parsed: Equatable, CustomStringConvertible {
    struct Request: Equatable {
        var method: String
        var target: String
        var headers: [String]
        var body: [UInt8] = []
        var isComplete = false
    }

    var requests: [Request] = []
    var failure: HTTPParseFailure?
    /// Bytes that were received and not consumed at the end.
    var left = 0

    var description: String {
        "\(requests.map { "\($0.method) \($0.target) \($0.body.count) \($0.isComplete)" }) \(failure as Any) \(left)"
    }
}

/// Does what a connection does: keeps what is not consumed, and calls the parser until it needs more.
struct ParserDrive {
    var parser: HTTPRequestParser
    var buffer: [UInt8] = []
    var parsed = Parsed()
    var bodyLimit: Int?
    /// The parser consumed more than there was, or pointed outside the input.
    var brokeContract = false
    /// Steps that returned something, to notice a parser that goes in circles.
    var steps = 0

    init(limits: HTTPParserLimits = HTTPParserLimits(), bodyLimit: Int? = nil) {
        parser = HTTPRequestParser(limits: limits)
        self.bodyLimit = bodyLimit
    }

    mutating func receive(_ bytes: some Sequence<UInt8>) {
        buffer.append(contentsOf: bytes)
        while true {
            let step = buffer.withUnsafeBytes { parser.next($0) }
            steps += 1
            switch step {
            case .needMore:
                parsed.left = buffer.count
                return
            case .head(let head, let consumed):
                if let bodyLimit { parser.bodyLimit = bodyLimit }
                let headers = head.headers.map { "\($0.name): \($0.value)" }
                parsed.requests.append(Parsed.Request(method: head.method.rawValue, target: head.target, headers: headers))
                consume(consumed)
            case .body(let range, let consumed):
                guard range.lowerBound >= 0, range.upperBound <= buffer.count, !range.isEmpty, range.upperBound <= consumed else {
                    brokeContract = true
                    return
                }
                parsed.requests[parsed.requests.count - 1].body += buffer[range]
                consume(consumed)
            case .end(let consumed):
                parsed.requests[parsed.requests.count - 1].isComplete = true
                consume(consumed)
            case .failure(let failure):
                parsed.failure = failure
                parsed.left = 0
                return
            }
            if brokeContract { return }
        }
    }

    private mutating func consume(_ count: Int) {
        guard count >= 0, count <= buffer.count else {
            brokeContract = true
            return
        }
        buffer.removeFirst(count)
    }

    static func whole(_ bytes: [UInt8], limits: HTTPParserLimits = HTTPParserLimits(), bodyLimit: Int? = nil) -> ParserDrive {
        var drive = ParserDrive(limits: limits, bodyLimit: bodyLimit)
        drive.receive(bytes)
        return drive
    }

    static func byteByByte(_ bytes: [UInt8], limits: HTTPParserLimits = HTTPParserLimits(), bodyLimit: Int? = nil) -> ParserDrive {
        var drive = ParserDrive(limits: limits, bodyLimit: bodyLimit)
        for byte in bytes where drive.parsed.failure == nil { drive.receive([byte]) }
        return drive
    }

    static func split(
        _ bytes: [UInt8], at index: Int, limits: HTTPParserLimits = HTTPParserLimits(), bodyLimit: Int? = nil
    ) -> ParserDrive {
        var drive = ParserDrive(limits: limits, bodyLimit: bodyLimit)
        drive.receive(bytes[..<index])
        if drive.parsed.failure == nil { drive.receive(bytes[index...]) }
        return drive
    }

    /// Drives the bytes whole, byte by byte and at every two-way split; the result of the whole, and how the first other one differed.
    static func everyWay(
        _ bytes: [UInt8], limits: HTTPParserLimits = HTTPParserLimits(), bodyLimit: Int? = nil
    ) -> (parsed: Parsed, difference: String?) {
        let expected = whole(bytes, limits: limits, bodyLimit: bodyLimit)
        var difference: String? = expected.brokeContract ? "whole: consumed more than there was" : nil
        func compare(_ drive: ParserDrive, _ how: @autoclosure () -> String) {
            if difference == nil, drive.brokeContract || drive.parsed != expected.parsed {
                difference = "\(how()): \(drive.parsed) instead of \(expected.parsed)"
            }
        }
        compare(byteByByte(bytes, limits: limits, bodyLimit: bodyLimit), "byte by byte")
        for index in 0...bytes.count {
            compare(split(bytes, at: index, limits: limits, bodyLimit: bodyLimit), "split at \(index)")
        }
        return (expected.parsed, difference)
    }
}

extension [UInt8] {
    /// The bytes of `text`, each scalar below U+0100 as one byte, so that tables can write any byte.
    init(latin1 text: String) { self = text.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) } }
}
