import MillraceHTTP
import Testing

/// Changes good and malformed requests at random and feeds them in random pieces. Nothing may trap, consume more than there is or go in
/// circles, and the pieces may not matter.
@Suite struct ParserFuzzTests {
    /// SplitMix64 (Steele, Lea, Flood 2014): small, and the same everywhere for a seed.
    struct Generator: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }
    }

    static let seeds: [UInt64] = [1, 20_261_121, 0xDEAD_BEEF]
    static let corpus = (HTTPRequestParserTests.good.map(\.text) + MalformedRequestTests.all.map(\.text)).map { [UInt8](latin1: $0) }
    static let pieces = [
        "\r\n", "\r", "\n", "\0", " ", ":", "Content-Length: 3\r\n", "Transfer-Encoding: chunked\r\n", "0\r\n\r\n", "ffffffffffffffff",
        "%2e%2e/", "\t",
    ]
    .map { Array($0.utf8) }

    static func mutated(_ generator: inout Generator) -> [UInt8] {
        var bytes = corpus.randomElement(using: &generator) ?? []
        if Bool.random(using: &generator) { bytes += corpus.randomElement(using: &generator) ?? [] }
        for _ in 0..<Int.random(in: 1...6, using: &generator) where !bytes.isEmpty {
            let index = Int.random(in: 0..<bytes.count, using: &generator)
            switch Int.random(in: 0..<5, using: &generator) {
            case 0: bytes[index] = UInt8.random(in: 0...255, using: &generator)
            case 1: bytes.remove(at: index)
            case 2: bytes.insert(UInt8.random(in: 0...255, using: &generator), at: index)
            case 3: bytes.insert(contentsOf: pieces.randomElement(using: &generator) ?? [], at: index)
            default: bytes.removeSubrange(index..<min(bytes.count, index + Int.random(in: 1...8, using: &generator)))
            }
        }
        return bytes
    }

    @Test(arguments: seeds) func mutatedRequests_keepTheContract(seed: UInt64) {
        print("parser fuzz seed \(seed)")
        var generator = Generator(state: seed)
        var complete = 0
        var failed = 0
        for round in 0..<3000 {
            let bytes = Self.mutated(&generator)
            let whole = ParserDrive.whole(bytes)
            var pieces = ParserDrive()
            var index = 0
            while index < bytes.count, pieces.parsed.failure == nil {
                let count = min(bytes.count - index, Int.random(in: 1...24, using: &generator))
                pieces.receive(bytes[index..<(index + count)])
                index += count
            }
            let sound = !whole.brokeContract && !pieces.brokeContract && whole.steps <= 3 * bytes.count + 3 && whole.parsed == pieces.parsed
            if !sound {
                Issue.record("seed \(seed), round \(round): \(String(decoding: bytes, as: UTF8.self).debugDescription)")
                return
            }
            // What was let through must be usable without a trap.
            complete += whole.parsed.requests.filter { $0.isComplete }.count
            failed += whole.parsed.failure == nil ? 0 : 1
        }
        #expect(complete > 100, "the mutations leave nothing to parse")
        #expect(failed > 100, "the mutations break nothing")
    }

    @Test(arguments: seeds) func mutatedHeads_areUsable(seed: UInt64) {
        var generator = Generator(state: seed)
        for _ in 0..<3000 {
            var parser = HTTPRequestParser(limits: HTTPParserLimits())
            let step = Self.mutated(&generator).withUnsafeBytes { parser.next($0) }
            guard case .head(let head, _) = step else { continue }
            let segments = head.pathSegments
            #expect(!segments.contains("..") && !head.path.utf8.contains(0))
            #expect(segments.isEmpty || head.path == "/" + segments.joined(separator: "/"))
            #expect(head.host != nil || head.version == .http10)
            #expect(head.queryItems.count <= head.target.utf8.count)
            #expect(head.headers.count == head.headerCount)
        }
    }
}
