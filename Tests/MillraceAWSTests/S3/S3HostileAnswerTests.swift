import MillraceAWS
import MillraceCore
import MillraceHTTPClient
import Testing

/// Numbers and lists as no S3 gives them: a broken or hostile server costs an error, never the process or an endless loop.
@Suite struct S3HostileAnswerTests {
    private func client(_ transport: ScriptedAWSTransport) throws -> S3Client {
        try S3Client(
            AWSServiceClient(
                .s3, endpoint: AWSEndpointSettings(region: "us-east-1", url: "http://127.0.0.1:9000"), authentication: .none,
                transport: transport, clock: ManualWallClock(Timestamp(microseconds: 0)).policyClock, attempts: 1))
    }

    private static let head: HTTPClientHeaders = ["ETag": "\"a\"", "Last-Modified": "Sun, 06 Nov 1994 08:49:37 GMT"]

    private func answer(_ more: (String, String)..., body: String = "") -> ScriptedAWSTransport.Answer {
        var headers = Self.head
        for (name, value) in more { headers.set(name, value) }
        return .init(headers: headers, body: body)
    }

    @Test(arguments: ["-5", "9223372036854775807", "9223372036854775808", "x", ""])
    func length_thatIsNone_isRefused(_ length: String) async throws {
        let s3 = try client(ScriptedAWSTransport([answer(("Content-Length", length))]))
        await #expect(throws: MillraceError.self) { try await s3.headObject("bucket", "key") }
        await #expect(throws: MillraceError.self) { try await s3.getObject("bucket", "key", limit: 10) }
        await #expect(throws: MillraceError.self) { try await s3.copyObject("bucket", "key", toBucket: "bucket", "other") }
    }

    @Test(arguments: [
        "bytes 0-9223372036854775806/9223372036854775807", "bytes -1-2/3", "bytes 5-2/9", "bytes 0-9/*", "bytes 1-3/4", "bytes 0-1/3",
    ])
    func rangeOfTheContent_thatIsNone_isRefused(_ range: String) async throws {
        var partial = answer(("Content-Range", range), ("Content-Length", "3"), body: "abc")
        partial.status = 206
        let s3 = try client(ScriptedAWSTransport([partial]))
        await #expect(throws: MillraceError.self) {
            try await s3.getObject("bucket", "key", options: S3GetOptions(range: .from(0)), limit: 10)
        }
    }

    /// gofakes3 answers a range with 200; its three bytes are not the object.
    @Test(arguments: [S3Range.last(3), .from(7), .from(0), .bytes(offset: 0, count: 3)])
    func part_isNotTakenForTheWhole(_ range: S3Range) async throws {
        let s3 = try client(ScriptedAWSTransport([answer(("Content-Range", "bytes 7-9/10"), ("Content-Length", "3"), body: "789")]))
        func read() async throws -> (Int, Range<Int>) {
            try await s3.getObject("bucket", "key", options: S3GetOptions(range: range)) { ($0.head.length, $0.bytes) }
        }
        if range == .last(3) || range == .from(7) {
            #expect(try await read() == (10, 7..<10))
        } else {
            await #expect(throws: MillraceError.self) { _ = try await read() }
        }
    }

    @Test func partsThatTogetherHaveNoLength_areRefused() async throws {
        let part = "<Part><PartNumber>1</PartNumber><ETag>a</ETag><Size>9223372036854775807</Size></Part>"
        let s3 = try client(ScriptedAWSTransport([.init(body: "<ListPartsResult>\(part)\(part)</ListPartsResult>")]))
        await #expect(throws: MillraceError.self) { try await s3.listParts("bucket", "key", uploadID: "u") }
    }

    @Test(arguments: [["5", "5"], ["5", "4"], ["5", "x"], ["5", "6", "5"]])
    func listOfParts_thatDoesNotMoveOn_ends(_ markers: [String]) async throws {
        let transport = ScriptedAWSTransport { number, _, _ in
            let marker = markers[number % markers.count]
            return .init(
                body:
                    "<ListPartsResult><IsTruncated>true</IsTruncated><NextPartNumberMarker>\(marker)</NextPartNumberMarker></ListPartsResult>"
            )
        }
        await #expect(throws: MillraceError.self) { try await client(transport).listParts("bucket", "key", uploadID: "u") }
        #expect(transport.requests.count <= markers.count)
    }

    /// The length of a stream is what its maker says.
    @Test(arguments: [Int.max, -1]) func plan_ofAnyLength_isMade(_ length: Int) {
        #expect(S3PartPlan(length: length, partBytes: 8 << 20).bytes(ofPart: 1) >= 8 << 20)
    }
}
