import FoundationEssentials
import Glibc
import MillraceCore
import MillraceCounterparts
import Testing

@testable import MillraceHTTP

/// Our parser and llhttp, the parser of Node, on the same mutated connections (Tests/Fuzz/Differential/llhttp_reference.py).
///
/// Requests that both take must be the same to the last byte: a difference is what request smuggling is made of. Where only one of them
/// refuses, ``ExplainedDifference`` has to say why.
@Suite struct LlhttpDifferentialTests {
    /// A connection's requests in a form that both readings have.
    struct Reading: Equatable {
        struct Request: Equatable {
            var method: String
            var target: String
            var version: String
            var headers: [[String]]
            var body: String
            var keepsAlive: Bool
        }

        /// The requests that are complete.
        var requests: [Request] = []
        /// The head and the body so far of one that is not.
        var open: Request?
        /// Why the reader stopped; `nil`: it did not.
        var refusal: String?
    }

    /// How many connections: `MILLRACE_DIFFERENTIAL_ROUNDS`, else enough for every run of the tests.
    static let rounds = getenv("MILLRACE_DIFFERENTIAL_ROUNDS").flatMap { Int(String(cString: $0)) } ?? 20_000

    @Test func mutatedConnections_areReadAlike_orTheDifferenceIsExplained() throws {
        guard let connections = try Self.mutated(), let theirs = try Self.llhttp(connections) else { return }
        var unexplained: [String] = []
        var counts: [String: Int] = [:]
        for (bytes, theirs) in zip(connections, theirs) {
            let ours = try Self.ours(bytes)
            let explanation = try ExplainedDifference.of(ours, theirs, ended: Self.ours(bytes + Array("\r\n\r\n".utf8)))
            counts[explanation ?? "unexplained", default: 0] += 1
            if explanation == nil {
                unexplained.append("\(String(decoding: bytes, as: UTF8.self).debugDescription)\n  ours: \(ours)\n  llhttp: \(theirs)")
            }
        }
        #expect(unexplained.isEmpty, "\(unexplained.count): \(unexplained.prefix(20).joined(separator: "\n"))")
        print(
            "llhttp: \(connections.count) connections, "
                + counts.sorted { $0.value > $1.value }.map { "\($0.value) \($0.key)" }.joined(separator: "; "))
        // A mutation that breaks everything, or nothing, would prove nothing.
        #expect(counts["the same", default: 0] > Self.rounds / 10)
    }

    // MARK: Readings

    static func ours(_ bytes: [UInt8]) throws -> Reading {
        let drive = try HTTPParserDrive.whole(bytes, HTTPParserLimits())
        var reading = Reading(refusal: drive.trace.failure.map { "\($0.status.code) \($0.reason)" })
        for (head, request) in zip(drive.heads, drive.trace.requests) {
            func text(_ range: Range<Int>) -> String { latin1(head.storage.withBytes { Array($0[range]) }[...]) }
            let read = Reading.Request(
                method: head.method.rawValue, target: text(head.storage.target.target), version: head.version == .http11 ? "1.1" : "1.0",
                headers: (0..<head.headerCount).map { [text(head.storage.field($0).name), text(head.storage.field($0).value)] },
                body: latin1(request.body[...]), keepsAlive: head.keepAlive)
            if request.isComplete { reading.requests.append(read) } else { reading.open = read }
        }
        return reading
    }

    private static func latin1(_ bytes: ArraySlice<UInt8>) -> String {
        String(String.UnicodeScalarView(bytes.map { Unicode.Scalar($0) }))
    }

    /// `nil` where httptools is not installed, which is said aloud and fails where everything must be there.
    private static func llhttp(_ connections: [[UInt8]]) throws -> [Reading]? {
        let folder = #filePath.dropLast("LlhttpDifferentialTests.swift".count)
        let directory = try TemporaryDirectory()
        let input = directory.path + "/inputs"
        let output = directory.path + "/output"
        let python = getenv("MILLRACE_FUZZ_PYTHON").map { String(cString: $0) } ?? Counterpart.python
        let inputs = connections.flatMap { bytes in (0..<4).map { UInt8(truncatingIfNeeded: bytes.count >> ($0 * 8)) } + bytes }
        try Data(inputs).write(to: URL(filePath: input))
        guard run([python, "-c", "import httptools"]) == 0 else {
            let advice = "httptools, the reference of the HTTP parser: run .ci/setup --test"
            let line = "LEFT OUT: \(advice)\n"
            _ = line.withCString { Glibc.write(2, $0, strlen($0)) }
            if getenv("CI").map({ String(cString: $0) }) == "true" { Issue.record("a counterpart is missing: \(advice)") }
            return nil
        }
        try #require(run([python, folder + "llhttp_reference.py", input, output]) == 0)
        let lines = try Data(contentsOf: URL(filePath: output)).split(separator: 0x0A)
        try #require(lines.count == connections.count)
        return try lines.map { line in
            let json = try JSONValue(parsing: Array(line))
            var reading = Reading(refusal: json["error"]?.string ?? (json["upgrade"]?.bool == true ? "upgrade" : nil))
            for request in json["requests"]?.array ?? [] {
                let read = Reading.Request(
                    method: request["method"]?.string ?? "", target: request["target"]?.string ?? "",
                    version: request["version"]?.string ?? "",
                    headers: (request["headers"]?.array ?? []).map { ($0.array ?? []).compactMap(\.string) },
                    body: request["body"]?.string ?? "", keepsAlive: request["keep_alive"]?.bool ?? false)
                if request["complete"]?.bool == true { reading.requests.append(read) } else { reading.open = read }
            }
            return reading
        }
    }

    private static func run(_ arguments: [String]) -> Int32 {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        defer { posix_spawn_file_actions_destroy(&actions) }
        var pointers: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
        defer { for pointer in pointers { free(pointer) } }
        var process = pid_t()
        guard posix_spawn(&process, arguments[0], &actions, nil, &pointers, environ) == 0 else { return -1 }
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
        return status & 0x7F == 0 ? (status >> 8) & 0xFF : -1
    }

    // MARK: Mutations

    private static let fragments = [
        "\r\n", "\r", "\n", "\0", " ", "\t", ":", ";", ",", "Content-Length: 3\r\n", "Content-Length: 0\r\n", "Content-Length: +3\r\n",
        "Transfer-Encoding: chunked\r\n", "Transfer-Encoding: identity\r\n", "Transfer-Encoding: gzip, chunked\r\n", "Host: b\r\n",
        "Connection: close\r\n", "Connection: keep-alive\r\n", "Expect: 100-continue\r\n", "0\r\n\r\n", "3\r\nabc\r\n",
        "ffffffffffffffff\r\n",
        "1;a=b\r\nx\r\n", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "X: y\r\n z\r\n", "X : y\r\n", "HTTP/1.0",
    ].map { Array($0.utf8) }

    private static func mutated() throws -> [[UInt8]]? {
        let seed = getenv("MILLRACE_DIFFERENTIAL_SEED").flatMap { UInt64(String(cString: $0)) } ?? 20_261_121
        print("llhttp: seed \(seed)")
        var generator = SeededGenerator(state: seed)
        let corpus = try CorpusTests.inputs(of: "http-request").map(\.bytes)
        let chunked = Array("POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n".utf8)
        let bodies = try CorpusTests.inputs(of: "http-chunked").map { chunked + $0.bytes }
        let targets = try CorpusTests.inputs(of: "http-target").map {
            Array("GET ".utf8) + $0.bytes + Array(" HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
        }
        let all = corpus + bodies + targets
        return (0..<rounds).map { _ in
            var bytes = all.randomElement(using: &generator) ?? []
            if Bool.random(using: &generator) { bytes += all.randomElement(using: &generator) ?? [] }
            for _ in 0..<Int.random(in: 0...4, using: &generator) where !bytes.isEmpty {
                let index = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<7, using: &generator) {
                case 0: bytes[index] = UInt8.random(in: 0...255, using: &generator)
                case 1: bytes.remove(at: index)
                case 2: bytes.insert(UInt8.random(in: 0x20...0x7E, using: &generator), at: index)
                case 3: bytes.removeSubrange(index..<min(bytes.count, index + Int.random(in: 1...8, using: &generator)))
                case 4: bytes.insert(contentsOf: fragments.randomElement(using: &generator) ?? [], at: index)
                default:
                    // Where lines end, so that a line is added rather than one broken.
                    let ends = bytes.indices.filter { $0 > 0 && bytes[$0 - 1] == 0x0A }
                    bytes.insert(
                        contentsOf: fragments.randomElement(using: &generator) ?? [], at: ends.randomElement(using: &generator) ?? index)
                }
            }
            return bytes
        }
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014).
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
