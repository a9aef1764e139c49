import MillraceCore
import MillraceCounterparts
import MillraceHTTPClient
import Testing

@testable import MillraceAWS

@Suite(.ownThreads) struct S3ClientTests {
    private static func client(
        url: String? = nil, settings: S3Client.Settings = S3Client.Settings(),
        _ script: @escaping @Sendable (HTTPClientRequest) async throws -> ScriptedTransport.Answer
    ) throws -> (S3Client, ScriptedTransport) {
        let transport = ScriptedTransport(script: script)
        let credentials = AWSCredentials(accessKeyID: "AKID", secretAccessKey: "secret", origin: "the test")
        let client = AWSServiceClient(
            .s3, endpoint: AWSEndpointSettings(region: "eu-central-1", url: url),
            authentication: .signature(StaticAWSCredentialProvider(credentials)), transport: transport)
        return (try S3Client(client, settings: settings), transport)
    }

    private static let content = (0..<40).map { UInt8($0) }
    private static func head(_ more: HTTPClientHeaders = [:]) -> HTTPClientHeaders {
        HTTPClientHeaders(
            [.init("ETag", "\"tag\""), .init("Last-Modified", "Sat, 21 Nov 2026 09:59:36 GMT")] + more.fields)
    }

    /// Answers as S3 does, but each answer breaks off after so many bytes.
    private static func breaking(after count: Int, tag: @escaping @Sendable (Int) -> String = { _ in "tag" })
        -> @Sendable (HTTPClientRequest) async throws -> ScriptedTransport.Answer
    {
        let answers = Locked(0)
        return { request in
            let number = answers.withLock { answers in
                answers += 1
                return answers
            }
            var start = 0
            var answer = ScriptedTransport.Answer(200, head(["Content-Length": "40"]))
            if let range = request.headers["Range"] {
                start = Int(range.dropFirst(6).prefix { $0 != "-" }) ?? 0
                guard request.headers["If-Match"] == "\"\(tag(number))\"" else { return ScriptedTransport.Answer(412) }
                answer = ScriptedTransport.Answer(206, head(["Content-Range": "bytes \(start)-39/40", "Content-Length": "\(40 - start)"]))
            }
            let end = min(start + count, 40)
            if start < end { answer.pieces = [Array(content[start..<end])] }
            if end < 40 { answer.failure = MillraceError(.connectionLost, "it broke", isRetryable: true) }
            return answer
        }
    }

    @Test(arguments: 10..<41)
    func aContentThatBreaksOff_isFetchedOn(after count: Int) async throws {
        let (client, transport) = try Self.client(Self.breaking(after: count))
        #expect(try await client.getObject("bucket", "key", limit: 100) == Self.content)
        #expect(transport.requests.count == (40 + count - 1) / count)
        for (index, request) in transport.requests.enumerated().dropFirst() {
            #expect(request.headers["Range"] == "bytes=\(index * count)-39")
        }
    }

    @Test func aContentThatHardlyMoves_isGivenUp() async throws {
        let (client, transport) = try Self.client(Self.breaking(after: 1))
        await #expect(throws: MillraceError(.connectionLost, "it broke", isRetryable: true)) {
            try await client.getObject("bucket", "key", limit: 100)
        }
        #expect(transport.requests.count == S3Download.mostFruitless)
    }

    @Test func aContentThatIsReplaced_beforeItIsFetchedOn_isAConflict() async throws {
        let (client, _) = try Self.client(Self.breaking(after: 30, tag: { $0 == 2 ? "other" : "tag" }))
        do {
            _ = try await client.getObject("bucket", "key", limit: 100)
            Issue.record("two objects were put together")
        } catch let error as MillraceError { #expect(error.code == .conflict) }
    }

    @Test(arguments: [
        ("x-amz-checksum-crc32", "y/Q5Jg==", true), ("x-amz-checksum-crc32", "y/Q5Jw==", false),
        ("x-amz-checksum-crc32", "y/Q5Jw==-2", true),
        ("x-amz-checksum-sha256", "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=", true),
        ("x-amz-checksum-sha256", "AAAA08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=", false),
    ])
    func aContent_isComparedWithItsChecksum(_ name: String, _ value: String, _ fits: Bool) async throws {
        let (client, transport) = try Self.client { _ in
            ScriptedTransport.Answer(200, Self.head(["Content-Length": "9", name: value]), "123456789")
        }
        do {
            #expect(try await client.getObject("bucket", "key", limit: 100) == Array("123456789".utf8))
            #expect(fits)
        } catch let error as MillraceError { #expect(!fits && error.code == .checksumMismatch) }
        #expect(transport.requests[0].headers["x-amz-checksum-mode"] == "ENABLED")
    }

    /// Answers with a piece, and then with nothing until the transfer is cut off.
    private static func stalling(
        _ ended: Locked<Bool>, _ begun: @escaping @Sendable () -> Void = {}
    ) -> @Sendable (HTTPClientRequest) async throws -> ScriptedTransport.Answer {
        { _ in
            var answer = ScriptedTransport.Answer(200, head(["Content-Length": "1000"]), "piece")
            answer.pause = {
                begun()
                do {
                    try await Task.sleep(for: .seconds(60))
                    Issue.record("nobody ended the transfer")
                } catch {
                    ended.withLock { $0 = true }
                    throw error
                }
            }
            return answer
        }
    }

    @Test func aReaderThatLeaves_endsTheTransfer() async throws {
        let (client, transport) = try Self.client(Self.stalling(Locked(false)))
        let first = try await client.getObject("bucket", "key") { try await $0.next() }
        #expect(first == Array("piece".utf8) && transport.open.withLock { $0 } == 0)
    }

    @Test func aReaderThatIsCancelled_endsTheTransfer() async throws {
        let ended = Locked(false)
        let (stream, waiting) = AsyncStream<Void>.makeStream()
        let (client, transport) = try Self.client(Self.stalling(ended) { waiting.yield() })
        let task = Task {
            try await client.getObject("bucket", "key") { content in
                _ = try await content.next()
                return try await content.next()
            }
        }
        for await _ in stream { break }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(ended.withLock { $0 } && transport.requests.count == 1)
    }

    @Test func aBucketElsewhere_isFoundOnce_andRemembered() async throws {
        let (client, transport) = try Self.client { request in
            guard request.url.contains("us-west-2") else {
                return ScriptedTransport.Answer(301, ["x-amz-bucket-region": "us-west-2"])
            }
            return ScriptedTransport.Answer(200, Self.head(["Content-Length": "1"]))
        }
        _ = try await client.headObject("bucket", "a")
        _ = try await client.headObject("bucket", "b")
        #expect(
            transport.lines == [
                "HEAD https://bucket.s3.eu-central-1.amazonaws.com/a", "HEAD https://bucket.s3.us-west-2.amazonaws.com/a",
                "HEAD https://bucket.s3.us-west-2.amazonaws.com/b",
            ])
        #expect(transport.requests[1].headers["Authorization"]?.contains("/us-west-2/s3/aws4_request") == true)
    }

    @Test func aWrongRegion_ofACustomEndpoint_isSignedAnew() async throws {
        let (client, transport) = try Self.client(url: "http://127.0.0.1:9000/") { request in
            guard request.headers["Authorization"]?.contains("/us-east-2/") == true else {
                return ScriptedTransport.Answer(
                    400, [:], "<Error><Code>AuthorizationHeaderMalformed</Code><Message>m</Message><Region>us-east-2</Region></Error>")
            }
            return ScriptedTransport.Answer(204)
        }
        try await client.deleteObject("bucket", "a b/../+")
        #expect(transport.lines == Array(repeating: "DELETE http://127.0.0.1:9000/bucket/a%20b/../%2B", count: 2))
    }

    @Test func aRedirectThatNamesNoOtherRegion_isTheError() async throws {
        let (client, transport) = try Self.client { _ in ScriptedTransport.Answer(301, ["x-amz-bucket-region": "eu-central-1"]) }
        await #expect(throws: AWSServiceError.self) { try await client.headBucket("bucket") }
        #expect(transport.requests.count == 1)
    }

    private static func part(_ request: HTTPClientRequest) -> Int? {
        request.url.firstRange(of: "partNumber=").flatMap { Int(request.url[$0.upperBound...].prefix { $0 != "&" }) }
    }

    /// A server of uploads in parts, whose `complete` answers as the test says.
    private static func uploads(complete: @escaping @Sendable (Int) -> String, failingPart: Int? = nil)
        -> @Sendable (HTTPClientRequest) async throws -> ScriptedTransport.Answer
    {
        let completions = Locked(0)
        return { request in
            if request.method == "DELETE" { return ScriptedTransport.Answer(204) }
            if request.url.contains("uploads") {
                return ScriptedTransport.Answer(
                    200, [:], "<InitiateMultipartUploadResult><UploadId>id/+</UploadId></InitiateMultipartUploadResult>")
            }
            if let part = part(request) {
                if part == failingPart { return ScriptedTransport.Answer(403, [:], "<Error><Code>AccessDenied</Code></Error>") }
                return ScriptedTransport.Answer(200, ["ETag": "\"p\(part)\""])
            }
            let number = completions.withLock { number in
                number += 1
                return number
            }
            return ScriptedTransport.Answer(200, [:], "\n  " + complete(number))
        }
    }

    private static let completed = "<CompleteMultipartUploadResult><ETag>&quot;whole-2&quot;</ETag></CompleteMultipartUploadResult>"
    private static var smallParts: S3Client.Settings {
        var settings = S3Client.Settings()
        settings.partBytes = 5 << 20
        settings.concurrentParts = 2
        return settings
    }

    @Test func anUpload_ofTwoParts_hasTheirChecksums() async throws {
        let (client, transport) = try Self.client(settings: Self.smallParts, Self.uploads(complete: { _ in Self.completed }))
        let bytes = [UInt8](repeating: 7, count: (5 << 20) + 3)
        let result = try await client.upload("bucket", "key", .bytes(bytes), options: S3PutOptions(contentType: "text/plain"))
        #expect(result.entityTag == "whole-2" && result.length == bytes.count)
        #expect(transport.lines.first == "POST https://bucket.s3.eu-central-1.amazonaws.com/key?uploads")
        #expect(transport.lines.last == "POST https://bucket.s3.eu-central-1.amazonaws.com/key?uploadId=id%2F%2B")
        let last = try #require(transport.requests.last)
        #expect(last.headers["x-amz-checksum-crc32"] == S3Checksum.text(S3Checksum.crc32(of: bytes)))
        #expect(transport.requests.first?.headers["Content-Type"] == "text/plain")
    }

    @Test(arguments: [("InternalError", 3, true), ("InternalError", 9, false), ("MalformedXML", 2, false)])
    func anErrorBehindStatus200_isThrown_orTriedAgain(_ code: String, _ goodFrom: Int, _ succeeds: Bool) async throws {
        let (client, transport) = try Self.client(
            settings: Self.smallParts,
            Self.uploads(complete: { $0 >= goodFrom ? Self.completed : "<Error><Code>\(code)</Code><Message>m</Message></Error>" }))
        do {
            _ = try await client.upload("bucket", "key", .bytes([UInt8](repeating: 7, count: (5 << 20) + 3)))
            #expect(succeeds)
        } catch let error as AWSServiceError {
            #expect(!succeeds && error.code == code && error.status == 200)
            #expect(transport.requests.last?.method == "DELETE")
        }
    }

    @Test func aPartThatIsRefused_abortsTheUpload() async throws {
        let (client, transport) = try Self.client(
            settings: Self.smallParts, Self.uploads(complete: { _ in Self.completed }, failingPart: 2))
        await #expect(throws: AWSServiceError.self) {
            try await client.upload("bucket", "key", .bytes([UInt8](repeating: 7, count: 12 << 20)))
        }
        #expect(transport.lines.last == "DELETE https://bucket.s3.eu-central-1.amazonaws.com/key?uploadId=id%2F%2B")
    }

    @Test func parts_areHeldAsManyAsAllowed() async throws {
        let state = Locked((now: 0, most: 0))
        let base = Self.uploads(complete: { _ in Self.completed })
        let (client, _) = try Self.client(settings: Self.smallParts) { request in
            guard Self.part(request) != nil else { return try await base(request) }
            state.withLock { state in
                state.now += 1
                state.most = max(state.most, state.now)
            }
            // Until the second is there as well, and then for a third to come if it may.
            for _ in 0..<1_000_000 where state.withLock({ $0.most }) < 2 { await Task.yield() }
            for _ in 0..<50 { await Task.yield() }
            state.withLock { $0.now -= 1 }
            return try await base(request)
        }
        let left = Locked(8)
        let body = S3Body.stream(length: nil) {
            left.withLock { left -> [UInt8]? in
                left -= 1
                return left < 0 ? nil : [UInt8](repeating: 1, count: 5 << 20)
            }
        }
        #expect(try await client.upload("bucket", "key", body).length == 40 << 20)
        #expect(state.withLock { $0.most } == 2)
    }

    @Test func aCopyOfALargeObject_isMadeInParts() async throws {
        var settings = S3Client.Settings()
        settings.singleCopyBytes = 20
        settings.copyPartBytes = 16
        let (client, transport) = try Self.client(settings: settings) { request in
            if request.method == "HEAD" { return ScriptedTransport.Answer(200, Self.head(["Content-Length": "40", "x-amz-meta-a": "b"])) }
            if request.url.contains("uploads") {
                return ScriptedTransport.Answer(200, [:], "<R><UploadId>id</UploadId></R>")
            }
            if let part = Self.part(request) {
                return ScriptedTransport.Answer(200, [:], "<CopyPartResult><ETag>\"\(part)\"</ETag></CopyPartResult>")
            }
            return ScriptedTransport.Answer(200, [:], Self.completed)
        }
        let (result, source) = try await client.copyObject("bucket", "a b/ä", toBucket: "other", "target")
        #expect(result.entityTag == "whole-2" && source.length == 40)
        let ranges = transport.requests.compactMap { $0.headers["x-amz-copy-source-range"] }.sorted()
        #expect(ranges == ["bytes=0-15", "bytes=16-31", "bytes=32-39"])
        #expect(transport.requests.compactMap { $0.headers["x-amz-copy-source"] }.allSatisfy { $0 == "bucket/a%20b/%C3%A4" })
        #expect(transport.requests.first { $0.url.contains("uploads") }?.headers["x-amz-meta-a"] == "b")
    }

    @Test func aConditionalPut_isNotSentTwice() async throws {
        let (client, transport) = try Self.client { _ in ScriptedTransport.Answer(200, ["ETag": "\"t\""]) }
        _ = try await client.putObject("bucket", "key", [1], options: S3PutOptions(condition: .absent))
        _ = try await client.putObject("bucket", "key", [1])
        #expect(transport.requests.map(\.isRepeatable) == [false, true])
        #expect(transport.requests[0].headers["If-None-Match"] == "*")
    }
}
