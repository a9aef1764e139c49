import FoundationEssentials
import MillraceCore
import MillraceHTTPClient
import Testing

@testable import MillraceBackends

@Suite struct RecordingTests {
    private typealias Answer = ScriptedTransport.Answer
    private static let secret = "sk-secret-4711"

    private func post(_ body: JSONValue, url: String = "https://user:pw@api.example.com/v1/chat?api_key=abcdefgh1&v=2#f")
        -> HTTPClientRequest
    {
        .json(url: url, headers: ["Authorization": "Bearer \(Self.secret)", "X-Trace": "t"], body)
    }

    /// The files of a directory.
    private func files(_ directory: String) throws -> [String: String] {
        var files: [String: String] = [:]
        for name in try RecordingDirectory.files(in: directory) {
            files[name] = String(decoding: try BoundedFile.read("\(directory)/\(name)", limit: 1 << 20), as: UTF8.self)
        }
        return files
    }

    private func answer(_ change: (inout Answer) -> Void) -> Answer {
        var answer = Answer(
            ["data: gr\u{FC}", " \"x\"\n", ""], headers: ["Content-Type": "text/event-stream", "Date": "today", "Set-Cookie": "s=1"])
        change(&answer)
        return answer
    }

    @Test func file_isReadable_andHoldsNoSecret() async throws {
        let directory = try TemporaryDirectory()
        let answer = answer {
            $0.pieces.append([0xC3])
            $0.headers.add("X-Request-Id", "req_1")
            $0.headers.add("Retry-After", "Wed, 21 Oct 2026 07:28:00 GMT")
        }
        let recorder = try RecordingTransport(ScriptedTransport([answer]), directory: directory.path)
        _ = await recorder.observe(post(["stream": true, "a": "b"]))
        let files = try files(directory.path)
        #expect(files.count == 1)
        let file = try #require(files.first)
        #expect(file.key.hasPrefix("post-v1-chat-"))
        #expect(file.key.hasSuffix("-1.jsonl"))
        let hash = file.key.split(separator: "-")[3]
        #expect(
            file.value == """
                {"recording":1,"request":{"hash":"\(hash)","headers":["authorization","x-trace","content-type"],"json":{"a":"b","stream":true},\
                "method":"POST","url":"https://api.example.com/v1/chat?api_key&v"}}
                {"response":{"headers":[["Content-Type","text/event-stream"],["X-Request-Id","req_1"]],"status":200}}
                {"text":"data: gr\u{FC}"}
                {"text":" \\"x\\"\\n"}
                {"text":""}
                {"base64":"ww=="}
                {"end":"complete"}

                """)
    }

    /// However an exchange ends, its replay looks the same to the reader, and recording the replay gives the same bytes.
    @Test(arguments: ["complete", "status", "head", "middle", "cut", "cut before the first piece", "stream", "binary", "no body"])
    func replay_isWhatWasRecorded_andItsRecordingIsIdentical(kind: String) async throws {
        let first = try TemporaryDirectory()
        let second = try TemporaryDirectory()
        let lost = MillraceError(ErrorCode(rawValue: "connection_lost"), "it broke", details: ["n": 1], isRetryable: true)
        var request = post(["a": 1.5])
        var answer = answer { _ in }
        var most = Int.max
        switch kind {
        case "status": answer = Answer(["{\"error\":\"no\"}"], status: 429, headers: ["Retry-After": "7"])
        case "head": answer.headError = lost
        case "middle": answer.endError = lost
        case "cut": most = 1
        case "cut before the first piece": most = 0
        case "stream":
            request.body = Self.stream(["one ", "two"])
        case "binary":
            request.body = .bytes([0xFF, 0, 1])
            answer.pieces = (0...255).map { [$0] }
        case "no body":
            request = HTTPClientRequest(url: "http://h/x")
        default: break
        }
        let recorder = try RecordingTransport(ScriptedTransport([answer]), directory: first.path)
        let seen = await recorder.observe(request, leavingAfter: most)
        if kind == "stream" { request.body = Self.stream(["o", "ne t", "wo"]) }
        let again = try RecordingTransport(try ReplayTransport(directory: first.path), directory: second.path)
        var replayed = await again.observe(request, leavingAfter: most)
        #expect(replayed.headers == HTTPRecording.kept(seen.headers))
        replayed.headers = seen.headers
        #expect(replayed == seen)
        let files = try files(first.path)
        #expect(files.count == 1)
        #expect(try self.files(second.path) == files)
    }

    private static func stream(_ pieces: [String]) -> HTTPClientRequest.Body {
        let rest = Locked(pieces)
        return .stream(length: nil) { rest.withLock { $0.isEmpty ? nil : Array($0.removeFirst().utf8) } }
    }

    @Test func sameRequestAgain_getsTheNextRecording_whateverKeyHostAndSpacing() async throws {
        let directory = try TemporaryDirectory()
        let base = ScriptedTransport([Answer(["1"]), Answer(["other"]), Answer(["2"])])
        let recorder = try RecordingTransport(base, directory: directory.path)
        for body: JSONValue in [["q": "same"], ["q": "other"], ["q": "same"]] { _ = await recorder.observe(post(body)) }
        let replay = try ReplayTransport(directory: directory.path)
        var spaced = HTTPClientRequest(method: "POST", url: "http://127.0.0.1:1/v1/chat", body: .bytes(Array("{ \"q\" : \"same\" }".utf8)))
        spaced.headers.add("Authorization", "another")
        #expect(await replay.observe(spaced).pieces == [Array("1".utf8)])
        #expect(await replay.observe(spaced).pieces == [Array("2".utf8)])
        #expect(await replay.observe(post(["q": "other"])).pieces == [Array("other".utf8)])
        let third = await replay.observe(spaced).error
        #expect(third?.code == .notFound)
        #expect(third?.message.hasSuffix("-3.jsonl is expected; it comes for the 3rd time and was recorded 2 times") == true)
    }

    @Test func requestWithoutRecording_namesTheFile_andWhatDiffers() async throws {
        let directory = try TemporaryDirectory()
        let recorder = try RecordingTransport(ScriptedTransport([Answer(["1"])]), directory: directory.path)
        let near: JSONValue = ["model": "m", "messages": [["role": "user", "content": "Hello"]]]
        for body: JSONValue in [["far": 1, "off": [1, 2, 3]], near] { _ = await recorder.observe(post(body)) }
        let replay = try ReplayTransport(directory: directory.path)

        let asked: JSONValue = ["model": "m", "n": 1, "messages": [["role": "user", "content": "Hallo"]]]
        let error = await replay.observe(post(asked)).error
        let expected = try #require(error?.details["file"]?.string)
        let file = RecordedRequest(method: "POST", url: "http://h/v1/chat", headers: [:], body: Array(near.text.utf8)).fileName(number: 1)
        #expect(
            error?.message
                == "no recording answers POST /v1/chat: \(directory.path)/\(expected) is expected; the nearest is \(file), which differs at "
                + "$.messages[0].content: \"Hello\" was recorded, \"Hallo\" is asked; $.n: nothing was recorded, 1 is asked")

        let elsewhere = await replay.observe(post(near, url: "http://h/v2/chat")).error
        #expect(elsewhere?.message.hasSuffix("is expected; recorded are: POST /v1/chat") == true)
        let empty = try TemporaryDirectory()
        let nothing = await (try ReplayTransport(directory: empty.path)).observe(post(near)).error
        #expect(nothing?.message.hasSuffix("is expected; the directory holds no recordings") == true)
    }

    @Test func readerThatReadsOn_whereTheRecordedOneLeft_isTold() async throws {
        let directory = try TemporaryDirectory()
        let recorder = try RecordingTransport(ScriptedTransport([Answer(["1", "2"])]), directory: directory.path)
        _ = await recorder.observe(post([:]), leavingAfter: 1)
        let seen = await (try ReplayTransport(directory: directory.path)).observe(post([:]))
        #expect(seen.pieces.count == 1)
        #expect(seen.error?.code == .notFound)
        #expect(seen.error?.message.contains("its reader left") == true)
    }

    @Test func cancelledExchange_isRecordedAsCut() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.path
        let executor = try BlockingExecutor(name: "files", threads: 1)
        let recorder = try RecordingTransport(ScriptedTransport([Answer(["1", "2"])]), directory: path, blocking: executor)
        let request = post([:])
        let task = Task {
            try await recorder.exchange(request) { response in
                while try await response.read({ _ in }) { withUnsafeCurrentTask { $0?.cancel() } }
            }
        }
        await #expect(throws: CancellationError.self) { try await task.value }
        executor.stop()
        let text = try #require(try files(path).values.first)
        #expect(text.hasSuffix("{\"text\":\"1\"}\n{\"end\":\"cut\"}\n"))
    }

    // MARK: Secrets and bounds

    @Test(arguments: ["sent", "received", "across pieces", "query"])
    func exchangeThatShowsASecret_isRefused(place: String) async throws {
        let directory = try TemporaryDirectory()
        var body: JSONValue = ["a": 1]
        var answer = Answer(["fine"])
        switch place {
        case "sent": body = ["a": .string(Self.secret)]
        case "received": answer = Answer(["bad key \(Self.secret)!"])
        case "query": answer = Answer(["bad key abcdefgh1!"])
        default: answer = Answer(["bad key sk-sec", "ret-4711!"])
        }
        let recorder = try RecordingTransport(ScriptedTransport([answer]), directory: directory.path)
        let seen = await recorder.observe(post(body))
        #expect(seen.error?.code == .invalidInput)
        #expect(seen.error?.message.contains(place == "query" ? "'api_key'" : "'Authorization'") == true)
        #expect(seen.error?.message.contains("4711") == false)
        #expect(try files(directory.path).isEmpty)
    }

    @Test(arguments: [(10, true), (9, false)])
    func bodies_areBounded(limit: Int, isRecorded: Bool) async throws {
        for request in [
            HTTPClientRequest(method: "POST", url: "http://h/", body: .bytes(Array("0123456789".utf8))),
            HTTPClientRequest(method: "POST", url: "http://h/", body: Self.stream(["01234", "56789"])), HTTPClientRequest(url: "http://h/"),
        ] {
            let directory = try TemporaryDirectory()
            let recorder = try RecordingTransport(ScriptedTransport([Answer(["01234", "56789"])]), directory: directory.path, limit: limit)
            let seen = await recorder.observe(request)
            #expect(seen.error?.code == (isRecorded ? nil : .limitExceeded))
            #expect(try files(directory.path).isEmpty == !isRecorded)
        }
    }

    @Test func replay_keepsTheRequestsBound() async throws {
        let directory = try TemporaryDirectory()
        let recorder = try RecordingTransport(ScriptedTransport([Answer(["01234", "56789"])]), directory: directory.path)
        _ = await recorder.observe(HTTPClientRequest(url: "http://h/"))
        let replay = try ReplayTransport(directory: directory.path)
        #expect(await replay.observe(HTTPClientRequest(url: "http://h/", responseByteLimit: 9)).error?.code == .limitExceeded)
        #expect(throws: MillraceError.self) { try ReplayTransport(directory: directory.path, limit: 100) }
    }

    @Test func directoryWithRecordings_isNotRecordedInto() async throws {
        let directory = try TemporaryDirectory()
        let recorder = try RecordingTransport(ScriptedTransport([Answer()]), directory: directory.path)
        _ = await recorder.observe(HTTPClientRequest(url: "http://h"))
        let error = #expect(throws: MillraceError.self) { try RecordingTransport(ScriptedTransport([Answer()]), directory: directory.path) }
        #expect(error?.code == .conflict)
        let missing = #expect(throws: MillraceError.self) { try ReplayTransport(directory: directory.path + "/none") }
        #expect(missing?.code == .notFound)
    }

    // MARK: The format

    private static let malformed: [(String, Int)] = [
        ("", 1), ("{}", 1), ("no json", 1), ("{\"recording\":2,\"request\":{}}", 1), (head, 1), ("\(head){\"end\":\"done\"}", 2),
        ("\(head){\"end\":\"complete\"}", 2), ("\(head){\"response\":{}}\n{\"end\":\"cut\"}", 2),
        ("\(head){\"text\":\"x\"}\n{\"end\":\"cut\"}", 2), ("\(head)\(response){\"base64\":\"*\"}\n{\"end\":\"cut\"}", 3),
    ]

    @Test(arguments: malformed)
    func malformedFile_isRefusedWithItsLine(text: String, line: Int) {
        let error = #expect(throws: MillraceError.self) { try HTTPRecording(parsing: Array(text.utf8), file: "f.jsonl") }
        #expect(error?.message.hasPrefix("the recording f.jsonl cannot be read, line \(line): ") == true)
    }

    private static let head = "{\"recording\":1,\"request\":{\"method\":\"GET\",\"url\":\"http://h/\",\"headers\":[]}}\n"
    private static let response = "{\"response\":{\"status\":200,\"headers\":[]}}\n"

    @Test(arguments: [
        ("http://h", "http://h/", "/"), ("http://u:p@h:8/a/b?x=1&y#z", "http://h:8/a/b?x&y", "/a/b"), ("http://h?k=v", "http://h/?k", "/"),
        ("http://h/a?u=x@y/z", "http://h/a?u", "/a"),
    ])
    func url_keepsNoValues(url: String, kept: String, path: String) {
        let request = RecordedRequest(method: "GET", url: url, headers: [:], body: [])
        #expect(request.url == kept)
        #expect(request.path == path)
    }
}
