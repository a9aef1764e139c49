import FoundationEssentials
import Glibc
import Millrace
import MillraceAWS
import MillraceBackends
import MillraceCore
import MillraceCounterparts
import MillraceHTTPClient
import Testing

/// The client of S3 against servers of others: what goes beyond the seam.
@Suite(.ownThreads) struct S3ServerTests {
    private static let bucket = S3TestServer.bucket

    /// Runs `body` with SeaweedFS, which verifies signatures, their time and their expiry.
    private static func withServer(_ body: @escaping @Sendable (S3TestServer, _ prefix: String) async throws -> Void) async throws {
        guard let server = try S3TestServer.seaweed.get() else { return }
        try await onLoop {
            try await server.withBucket()
            try await body(server, Identifier.make(prefix: "s_"))
        }
    }

    /// What the servers themselves do, shown by AWS's own client, so that what our tests find is ours.
    @Test(arguments: [
        (
            ObjectStoreSubject.seaweed,
            [
                "key-backslash", "key-dots", "key-dot", "key-double-slash", "key-leading-slash", "key-trailing-slash", "key-longest",
                "list-order-and-pages",
            ]
        ),
        (.moto, ["wrong-secret", "skewed-clock", "presigned", "presigned-expired", "checksum-is-checked"]),
    ])
    func theServers_doWhatTheTestsCountOn(_ subject: ObjectStoreSubject, _ gaps: [String]) async throws {
        guard let server = try subject.server?.get() else { return }
        try await onLoop { try await server.withBucket() }
        let proof = try CounterpartProcess(
            [Counterpart.python, Counterpart.script("s3_proof.py"), server.url, S3TestServer.accessKey, S3TestServer.secretKey])
        _ = try proof.waitForLine { $0.hasPrefix("checksum-is-checked ") }
        let failed = proof.lines.filter { !$0.hasSuffix(" ok") }.map { String($0.prefix { $0 != " " }) }
        #expect(failed == gaps, "\(proof.lines)")
        #expect(proof.lines.count == 40)
    }

    private static func send(_ method: String, _ url: String, _ body: String? = nil) throws -> (status: Int, text: String) {
        let process = try CounterpartProcess(
            [Counterpart.python, Counterpart.script("s3_url.py"), method, url] + (body.map { [$0] } ?? []))
        let line = try process.waitForLine(seconds: 30) { $0.first?.isNumber == true }
        return (Int(line.prefix(3)) ?? 0, String(line.dropFirst(4)))
    }

    @Test func presignedURLs_workForAnotherClient_andOnlyAsTheyAre() async throws {
        try await Self.withServer { server, prefix in
            let client = try server.client()
            let key = prefix + "/sígned +%&/🐟.txt"
            let put = try await client.presignPut(Self.bucket, key, expiresIn: 60, contentType: "text/plain")
            #expect(try Self.send("PUT", put, "by URL").status == 200)
            #expect(try await client.headObject(Self.bucket, key).contentType == "text/plain")
            let get = try await client.presignGet(Self.bucket, key, expiresIn: 60, fileName: "ä.txt")
            let answer = try Self.send("GET", get)
            #expect(answer.status == 200 && answer.text == "by URL")
            let tampered = get.replacing("s%C3%ADgned", with: "signed")
            #expect(tampered != get)
            #expect(try Self.send("GET", tampered).status == 403)
            #expect(try Self.send("PUT", get, "x").status == 403)
            // Signed an hour ago, for a minute.
            let hourAgo = HTTPPolicyClock(
                now: HTTPPolicyClock.system.now, wall: { Timestamp(microseconds: Timestamp.now().microseconds - 3_600_000_000) },
                sleep: HTTPPolicyClock.system.sleep)
            let expired = try await server.client(clock: hourAgo).presignGet(Self.bucket, key, expiresIn: 60)
            #expect(try Self.send("GET", expired).status == 403)
            let store = try S3ObjectStore(client, bucket: Self.bucket)
            for seconds in [0, 604_801] {
                #expect(await code { _ = try await store.presign(.get, key, expiresIn: seconds) } == .invalidInput)
            }
        }
    }

    @Test func aClockThatIsWrong_isCorrected() async throws {
        try await Self.withServer { server, prefix in
            for minutes in [Int64(-30), 30] {
                let clock = HTTPPolicyClock(
                    now: HTTPPolicyClock.system.now,
                    wall: { Timestamp(microseconds: Timestamp.now().microseconds + minutes * 60_000_000) },
                    sleep: HTTPPolicyClock.system.sleep)
                let client = try server.client(clock: clock)
                _ = try await client.putObject(Self.bucket, prefix + "/clock", [1])
                #expect(try await client.getObject(Self.bucket, prefix + "/clock", limit: 9) == [1])
            }
        }
    }

    @Test func aWrongSecret_saysWhatToCheck() async throws {
        try await Self.withServer { server, prefix in
            let store = try S3ObjectStore(try server.client(secret: "wrong"), bucket: Self.bucket)
            for attempt in [
                { try await store.put(prefix, .bytes([1])) }, { _ = try await store.bytes(prefix, limit: 1) },
                { _ = try await store.list(prefix: "", after: nil, limit: 1) },
            ] as [@Sendable () async throws -> Any] {
                do {
                    _ = try await attempt()
                    Issue.record("a wrong secret was taken")
                } catch let error as MillraceError {
                    #expect(error.code == .storageUnavailable && !error.isRetryable)
                    #expect(error.message.contains("check access key, secret and region"))
                    #expect(!"\(error)".contains("wrong\""))
                }
            }
            let absent = try S3ObjectStore(try server.client(), bucket: "no-such-bucket")
            do {
                _ = try await absent.bytes("x", limit: 1)
                Issue.record("a bucket that is not there was read")
            } catch let error as MillraceError { #expect(error.message.contains("no-such-bucket")) }
        }
    }

    @Test func aServerThatIsNotThere_isStorageUnavailable() async throws {
        let port = try Counterpart.freePort()
        var settings = HTTPPolicySettings()
        settings.retry.attempts = 1
        let client = S3Client.self
        let service = AWSServiceClient(
            .s3, endpoint: AWSEndpointSettings(region: "us-east-1", url: "http://127.0.0.1:\(port)"), authentication: .none,
            transport: try ResilientTransport(HTTPClient(), settings: settings))
        let store = try S3ObjectStore(try client.init(service), bucket: Self.bucket)
        try await onLoop {
            do {
                _ = try await store.head("x")
                Issue.record("nothing answered")
            } catch let error as MillraceError {
                #expect(error.code == .storageUnavailable && error.isRetryable && error.message.contains("\(port)"))
            }
        }
    }

    @Test func severalObjects_areDeletedAtOnce() async throws {
        try await Self.withServer { server, prefix in
            let client = try server.client()
            let keys = [prefix + "/a b", prefix + "/<&>", prefix + "/é🐟"]
            for key in keys { _ = try await client.putObject(Self.bucket, key, [1]) }
            #expect(try await client.deleteObjects(Self.bucket, keys + [prefix + "/none"]) == [])
            #expect(try await client.listObjects(Self.bucket, S3ListOptions(prefix: prefix)).objects == [])
        }
    }

    @Test func delimiters_giveCommonPrefixes() async throws {
        try await Self.withServer { server, prefix in
            let client = try server.client()
            for key in ["ä b/1", "ä b/2", "c"] { _ = try await client.putObject(Self.bucket, prefix + "/" + key, [1]) }
            var options = S3ListOptions(prefix: prefix + "/")
            options.delimiter = "/"
            let page = try await client.listObjects(Self.bucket, options)
            #expect(page.commonPrefixes == [prefix + "/ä b/"] && page.objects.map(\.key) == [prefix + "/c"])
        }
    }

    @Test func aLargeCopy_isMadeOfParts() async throws {
        try await Self.withServer { server, prefix in
            var settings = S3Client.Settings()
            settings.singleCopyBytes = 6 << 20
            settings.copyPartBytes = 5 << 20
            let client = try server.client(settings: settings)
            let bytes = pattern((11 << 20) + 5)
            let options = S3PutOptions(contentType: "text/x-test", metadata: ["name": "wért"])
            _ = try await client.upload(Self.bucket, prefix + "/source ä", .bytes(bytes), options: options)
            let (result, _) = try await client.copyObject(Self.bucket, prefix + "/source ä", toBucket: Self.bucket, prefix + "/target")
            let head = try await client.headObject(Self.bucket, prefix + "/target")
            #expect(head.entityTag == result.entityTag && head.contentType == "text/x-test" && head.metadata == ["name": "wért"])
            let isSame = try await client.getObject(Self.bucket, prefix + "/target", limit: bytes.count) == bytes
            #expect(isSame)
        }
    }

    @Test func conditionsOfReads_areAnswered() async throws {
        try await Self.withServer { server, prefix in
            let client = try server.client()
            let tag = try await client.putObject(Self.bucket, prefix, [1]).entityTag
            func status(_ options: S3GetOptions) async throws -> Int {
                do {
                    _ = try await client.getObject(Self.bucket, prefix, options: options, limit: 9)
                    return 200
                } catch let error as AWSServiceError { return error.status }
            }
            #expect(try await status(S3GetOptions(ifMatch: tag)) == 200)
            #expect(try await status(S3GetOptions(ifMatch: "other")) == 412)
            #expect(try await status(S3GetOptions(ifNoneMatch: tag)) == 304)
            #expect(try await status(S3GetOptions(ifNoneMatch: "other")) == 200)
            var since = S3GetOptions()
            since.ifModifiedSince = Timestamp(microseconds: Timestamp.now().microseconds + 60_000_000)
            #expect([200, 304].contains(try await status(since)))
            since.ifModifiedSince = Timestamp(microseconds: 0)
            #expect(try await status(since) == 200)
        }
    }

    @Test func partsOfAnUpload_areListed_untilItIsAborted() async throws {
        try await Self.withServer { server, prefix in
            let client = try server.client()
            let id = try await client.createMultipartUpload(Self.bucket, prefix + "/ä")
            let first = try await client.uploadPart(Self.bucket, prefix + "/ä", uploadID: id, number: 1, pattern(5 << 20))
            let parts = try await client.listParts(Self.bucket, prefix + "/ä", uploadID: id)
            #expect(parts.map(\.length) == [5 << 20] && parts.first?.entityTag == first.entityTag)
            #expect(try await client.listMultipartUploads(Self.bucket).contains { $0.key == prefix + "/ä" && $0.uploadID == id })
            try await client.abortMultipartUpload(Self.bucket, prefix + "/ä", uploadID: id)
            try await client.abortMultipartUpload(Self.bucket, prefix + "/ä", uploadID: id)
            #expect(try await !client.listMultipartUploads(Self.bucket).contains { $0.uploadID == id })
        }
    }
}
