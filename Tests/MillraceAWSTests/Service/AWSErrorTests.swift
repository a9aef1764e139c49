import MillraceAWS
import MillraceCore
import MillraceCounterparts
import MillraceHTTPClient
import Testing

/// A refusal in each form that AWS's protocols have, and in the forms of what stands in between.
@Suite(.ownThreads) struct AWSErrorTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var headers: HTTPClientHeaders = [:]
        var body = ""
        var status = 400
        var code: String
        var message = ""
        var requestID: String?
        var isRetryable = false
        var testDescription: String { name }
    }

    static let cases: [Case] = [
        Case(
            name: "JSON with a namespace",
            body: ##"{"__type":"com.amazonaws.dynamodb.v20120810#ResourceNotFoundException","message":"m"}"##,
            code: "ResourceNotFoundException", message: "m"),
        Case(
            name: "JSON without a namespace", body: #"{"__type":"ValidationException","Message":"m"}"#, code: "ValidationException",
            message: "m"),
        Case(
            name: "JSON with a URL", body: ##"{"__type":"aws.x#AccessDeniedException:http://internal.amazon.com/coral#a/"}"##, status: 403,
            code: "AccessDeniedException"),
        Case(name: "JSON with code", body: #"{"code":"Oops","errorMessage":"m"}"#, code: "Oops", message: "m"),
        Case(
            name: "header with a URL",
            headers: ["x-amzn-ErrorType": "ThrottlingException:http://internal.amazon.com/coral/", "x-amzn-RequestId": "r-1"],
            body: #"{"message":"slow"}"#, status: 429, code: "ThrottlingException", message: "slow", requestID: "r-1", isRetryable: true),
        Case(name: "header before body", headers: ["X-Amzn-Errortype": "A"], body: #"{"__type":"B"}"#, code: "A"),
        Case(
            name: "REST-XML", headers: ["x-amz-request-id": "4442587FB7D0A2F9"],
            body: "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>NoSuchKey</Code><Message>It &amp; all.</Message></Error>",
            status: 404,
            code: "NoSuchKey", message: "It & all.", requestID: "4442587FB7D0A2F9"),
        Case(
            name: "REST-XML with its own id", body: "<Error><Code>SlowDown</Code><RequestId>x</RequestId></Error>", status: 503,
            code: "SlowDown",
            requestID: "x", isRetryable: true),
        Case(
            name: "Query",
            body: "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type><Code>AccessDenied</Code>"
                + "<Message>m</Message></Error><RequestId>q</RequestId></ErrorResponse>", status: 403, code: "AccessDenied", message: "m",
            requestID: "q"),
        Case(
            name: "EC2's Query", body: "<Response><Errors><Error><Code>AuthFailure</Code><Message>m</Message></Error></Errors></Response>",
            status: 401, code: "AuthFailure", message: "m"),
        Case(name: "HEAD of something missing", status: 404, code: "NotFound"),
        Case(name: "HEAD of something forbidden", status: 403, code: "Forbidden"),
        Case(name: "nothing at all", status: 500, code: "Unknown", isRetryable: true),
        Case(
            name: "a proxy's page", body: "<!DOCTYPE html>\n<html><body>502   Bad Gateway<br></body>\r\n", status: 502, code: "Unknown",
            message: "<!DOCTYPE html> <html><body>502 Bad Gateway<br></body>", isRetryable: true),
        Case(
            name: "a well-formed page", body: "<html><body>no</body></html>", status: 407, code: "Unknown",
            message: "<html><body>no</body></html>"),
        Case(
            name: "plain text", body: "no healthy upstream", status: 503, code: "Unknown", message: "no healthy upstream", isRetryable: true
        ),
        Case(
            name: "a long text", body: String(repeating: "long ", count: 100), status: 418, code: "Unknown",
            message: String(repeating: "long ", count: 40) + "…"),
        Case(name: "bytes", body: "\u{1}\u{2}", status: 418, code: "Unknown"),
        Case(name: "cut JSON", body: #"{"__type":"A","message"#, status: 418, code: "Unknown", message: #"{"__type":"A","message"#),
        Case(name: "JSON of another shape", body: #"["a"]"#, status: 418, code: "Unknown", message: #"["a"]"#),
        Case(
            name: "JSON with members of other kinds", body: #"{"__type":1,"message":null}"#, status: 418, code: "Unknown",
            message: #"{"__type":1,"message":null}"#),
    ]

    @Test(arguments: cases) func refusal_isRead(_ test: Case) async throws {
        let transport = ScriptedAWSTransport([.init(status: test.status, headers: test.headers, body: test.body)])
        let client = AWSServiceClient(
            .s3, endpoint: AWSEndpointSettings(region: "eu-central-1"), authentication: .none, transport: transport,
            clock: ManualWallClock(Timestamp(microseconds: 0)).policyClock, attempts: 1)
        let error = try await #require(throws: AWSServiceError.self) { try await client.exchange(AWSRequest("GET", "/")) { _ in } }
        #expect(error.code == test.code)
        #expect(error.message == test.message)
        #expect(error.status == test.status)
        #expect(error.requestID == test.requestID)
        #expect(error.isRetryable == test.isRetryable)
        #expect(error.service == "S3")
    }

    @Test func furtherMembers_areKept() async throws {
        let body = #"{"__type":"a#TransactionCanceledException","Message":"m","CancellationReasons":[{"Code":"None"}]}"#
        let transport = ScriptedAWSTransport([.init(status: 400, body: body)])
        let client = AWSServiceClient(
            .dynamoDB, endpoint: AWSEndpointSettings(region: "eu-central-1"), authentication: .none, transport: transport)
        let error = try await #require(throws: AWSServiceError.self) { _ = try await client.json(.json("POST", "/", [:])) }
        #expect(error.details == ["CancellationReasons": [["Code": "None"]]])
        #expect("\(error)" == "DynamoDB answered 400 TransactionCanceledException: m")
    }

    /// What a hostile or broken peer sends is read to 64 KiB and no further.
    @Test func endlessError_isCut() async throws {
        let body = "<Error><Code>A</Code>" + String(repeating: "<a>", count: 100_000)
        let transport = ScriptedAWSTransport([.init(status: 418, body: body)])
        let client = AWSServiceClient(
            .s3, endpoint: AWSEndpointSettings(region: "eu-central-1"), authentication: .none, transport: transport, attempts: 1)
        let error = try await #require(throws: AWSServiceError.self) { try await client.exchange(AWSRequest("GET", "/")) { _ in } }
        #expect(error.code == "Unknown")
        #expect(error.message.utf8.count < 300)
    }

    /// What services show of a signature that they do not accept; the token stands in the canonical request.
    static let quotedRequest = """
        The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method.

        The Canonical String for this request should have been
        'POST
        /

        host:dynamodb.eu-central-1.amazonaws.com
        x-amz-security-token:token of A
        '
        """

    @Test func refusedSignature_doesNotTellWhatWasSigned() async throws {
        let body = JSONValue.object(["__type": "x#InvalidSignatureException", "message": .string(Self.quotedRequest)]).text
        let error = try await refusal(.init(status: 400, body: body), of: .dynamoDB)
        #expect(error.code == "InvalidSignatureException")
        #expect(error.message.hasSuffix("signing method."))
        #expect(!"\(error) \(error.details)".contains("token of A"))
    }

    @Test func refusedSignatureOfS3_doesNotTellWhatWasSigned() async throws {
        let body =
            "<Error><Code>SignatureDoesNotMatch</Code><Message>m</Message><StringToSign>s</StringToSign><CanonicalRequest>"
            + "\(Self.quotedRequest)</CanonicalRequest><Bucket>b</Bucket></Error>"
        #expect(try await refusal(.init(status: 403, body: body), of: .s3).details == ["Bucket": "b"])
    }

    @Test(arguments: ["token of A", "secret of A", "bearer-token-1"]) func proof_isNotQuoted(_ secret: String) async throws {
        let body = "<Error><Code>ExpiredToken</Code><Message>expired: \(secret)</Message><Token-0>\(secret)</Token-0></Error>"
        let error = try await refusal(.init(status: 400, body: body), of: .s3, bearer: secret.hasPrefix("bearer") ? secret : nil)
        #expect(error.message == "expired: ********")
        #expect(error.details == ["Token-0": "********"])
    }

    private func refusal(_ answer: ScriptedAWSTransport.Answer, of service: AWSService, bearer: String? = nil) async throws
        -> AWSServiceError
    {
        let credentials = AWSCredentials(
            accessKeyID: "A", secretAccessKey: "secret of A", sessionToken: "token of A", origin: "the test")
        let client = AWSServiceClient(
            service, endpoint: AWSEndpointSettings(region: "eu-central-1"),
            authentication: bearer.map { token in .bearer { token } } ?? .signature(StaticAWSCredentialProvider(credentials)),
            transport: ScriptedAWSTransport([answer]), clock: ManualWallClock(Timestamp(microseconds: 0)).policyClock, attempts: 1)
        return try await #require(throws: AWSServiceError.self) { try await client.exchange(AWSRequest("GET", "/")) { _ in } }
    }
}
