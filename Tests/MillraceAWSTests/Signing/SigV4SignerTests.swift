import MillraceAWS
import MillraceCore
import MillraceCounterparts
import MillraceHTTPClient
import Testing

@Suite(.ownThreads) struct SigV4SignerTests {
    /// The credentials and the time of the examples in the Amazon S3 API Reference.
    private static let credentials = AWSCredentials(
        accessKeyID: "AKIAIOSFODNN7EXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", origin: "the example")
    private static let time = Timestamp(microseconds: 1_369_353_600_000_000)
    private static let s3 = SigV4Signer(service: "s3", region: "us-east-1", pathStyle: .s3, sendsContentHash: true)
    private static let dynamoDB = SigV4Signer(service: "dynamodb", region: "us-east-1")

    private func sign(
        _ signer: SigV4Signer, _ method: String, _ url: String, _ headers: HTTPClientHeaders = HTTPClientHeaders(),
        payload: SigV4Signer.Payload = .bytes([]), credentials: AWSCredentials = credentials
    ) throws -> HTTPClientRequest {
        var request = HTTPClientRequest(method: method, url: url, headers: headers)
        try signer.sign(&request, payload: payload, credentials: credentials, at: Self.time)
        return request
    }

    /// "Examples: Signature Calculations", Authenticating Requests: Using the Authorization Header.
    @Test(arguments: [
        ("GET", "/test.txt", ["Range": "bytes=0-9"], "", "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"),
        (
            "PUT", "/test%24file.text", ["Date": "Fri, 24 May 2013 00:00:00 GMT", "x-amz-storage-class": "REDUCED_REDUNDANCY"],
            "Welcome to Amazon S3.", "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"
        ),
        ("GET", "/?lifecycle", [:], "", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
        ("GET", "/?max-keys=2&prefix=J", [:], "", "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"),
    ])
    func documentedExample_hasItsSignature(
        _ method: String, _ target: String, _ headers: [String: String], _ body: String, _ signature: String
    ) throws {
        let fields = HTTPClientHeaders(headers.map { HTTPClientHeaders.Field($0.key, $0.value) })
        let request = try sign(
            Self.s3, method, "https://examplebucket.s3.amazonaws.com" + target, fields, payload: .bytes(Array(body.utf8)))
        #expect(request.headers["Authorization"]?.hasSuffix("Signature=\(signature)") == true)
    }

    /// "Authenticating Requests: Using Query Parameters", Amazon S3 API Reference.
    @Test func documentedPresignedURL_hasItsSignature() throws {
        let url = try Self.s3.presign(
            "GET", "https://examplebucket.s3.amazonaws.com/test.txt", expiresIn: 86400, credentials: Self.credentials, at: Self.time)
        #expect(
            url == "https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256"
                + "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z"
                + "&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
                + "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404")
    }

    @Test func requestSignedTwice_isSignedLikeOnce() throws {
        let temporary = AWSCredentials(accessKeyID: "A", secretAccessKey: "b", sessionToken: "old", origin: "the test")
        let once = try sign(Self.s3, "PUT", "https://a.example/b", ["X-Amz-Meta-A": "b"], payload: .unsigned)
        var twice = try sign(
            Self.s3, "PUT", "https://a.example/b", ["x-amz-meta-a": "b", "x-amz-date": "20200101T000000Z", "HOST": "evil.example"],
            credentials: temporary)
        try Self.s3.sign(&twice, payload: .unsigned, credentials: Self.credentials, at: Self.time)
        #expect(twice.headers["Authorization"] == once.headers["Authorization"])
        #expect(twice.headers["X-Amz-Security-Token"] == nil)
        for name in ["Host", "X-Amz-Date", "Authorization", "X-Amz-Content-Sha256"] {
            #expect(twice.headers.fields.filter { $0.name.lowercased() == name.lowercased() }.count == 1)
        }
    }

    @Test(arguments: [
        ("https://a.example/", "a.example"), ("https://A.Example:443/x", "a.example"), ("http://a.example:80?b", "a.example"),
        ("http://a.example:443", "a.example:443"), ("https://a.example:8443/", "a.example:8443"), ("http://[::1]:8000/", "[::1]:8000"),
        ("https://[2001:db8::1]", "[2001:db8::1]"), ("http://127.0.0.1:9000/a", "127.0.0.1:9000"),
    ])
    func host_isSentAndSignedWithItsPortWhereItIsNotTheSchemes(_ url: String, _ host: String) throws {
        #expect(try sign(Self.dynamoDB, "GET", url).headers["host"] == host)
    }

    @Test func nameThatBeginsAnother_isOrderedByNameAlone() throws {
        // As one text "a-=1" would stand before "a=2", since "-" is less than "=".
        let canonical = CanonicalRequest(
            method: "GET", path: "/", query: "a-=1&a=2&a.b=3&a=1", headers: ["Host": "h"], pathStyle: .standard, payloadHash: "x")
        #expect(canonical.text.split(separator: "\n", omittingEmptySubsequences: false)[2] == "a=1&a=2&a-=1&a.b=3")
    }

    @Test(arguments: [
        ("", ""), ("a", "a="), ("&&a&", "a="), ("=b", "=b"), ("a=b=c", "a=b%3Dc"), ("%61=%62", "a=b"), ("a=%2f", "a=%2F"),
        ("a=/:,", "a=%2F%3A%2C"),
        ("a=%zz%", "a=%25zz%25"), ("a=\u{301}&\u{301}", "%CC%81=&a=%CC%81"), ("A=1&a=1&B=2", "A=1&B=2&a=1"),
    ])
    func query_isWrittenInOneForm(_ query: String, _ expected: String) {
        let canonical = CanonicalRequest(
            method: "GET", path: "/", query: query, headers: ["Host": "h"], pathStyle: .s3, payloadHash: "x")
        #expect(canonical.text.split(separator: "\n", omittingEmptySubsequences: false)[2] == expected)
    }

    @Test(arguments: [
        ("", "/", "/"), ("/", "/", "/"), ("//a//", "//a//", "/a/"), ("/./a/../b/.", "/./a/../b/.", "/b"), ("/../..", "/../..", "/"),
        ("/a%20b/%2F", "/a%20b/%2F", "/a%2520b/%252F"), ("/a:b", "/a:b", "/a%3Ab"), ("/%2E%2E/a", "/%2E%2E/a", "/%252E%252E/a"),
        ("/.../..a", "/.../..a", "/.../..a"),
    ])
    func path_isTakenAsSentForS3AndNormalisedForOthers(_ path: String, _ s3: String, _ standard: String) {
        for (style, expected) in [(SigV4Signer.PathStyle.s3, s3), (.standard, standard)] {
            let canonical = CanonicalRequest(
                method: "GET", path: path, query: "", headers: ["Host": "h"], pathStyle: style, payloadHash: "x")
            #expect(canonical.text.split(separator: "\n", omittingEmptySubsequences: false)[1] == expected)
        }
    }

    @Test(arguments: [
        "", "a.example/b", "ftp://a.example", "https://user:secret@a.example/", "https://a.example/?a=b+c", "https://a.example/\u{e9}",
        "https://a.example/?a=\u{301}", "https://a.example/a b", "https://\u{e9}.example/",
    ])
    func urlThatCannotBeSigned_isRefused(_ url: String) {
        let error = #expect(throws: MillraceError.self) { try sign(Self.dynamoDB, "GET", url) }
        #expect(error?.code == .invalidInput)
        #expect(error?.message.contains("secret") == false)
        #expect(throws: MillraceError.self) {
            try Self.s3.presign("GET", url, expiresIn: 60, credentials: Self.credentials, at: Self.time)
        }
    }

    @Test(arguments: [-1, 0, 604_801, Int.max]) func presignedURL_isGoodForNoMoreThanAWeek(_ seconds: Int) {
        #expect(throws: MillraceError.self) {
            try Self.s3.presign("GET", "https://a.example/", expiresIn: seconds, credentials: Self.credentials, at: Self.time)
        }
    }

    @Test func presignedURL_isNotSignedAgain() throws {
        let url = try Self.s3.presign("GET", "https://a.example/?x=y", expiresIn: 1, credentials: Self.credentials, at: Self.time)
        #expect(url.hasPrefix("https://a.example/?x=y&X-Amz-Algorithm="))
        #expect(throws: MillraceError.self) {
            try Self.s3.presign("GET", url, expiresIn: 1, credentials: Self.credentials, at: Self.time)
        }
        // However the name is written.
        #expect(throws: MillraceError.self) {
            try Self.s3.presign("GET", "https://a.example/?X%2dAmz-Date", expiresIn: 1, credentials: Self.credentials, at: Self.time)
        }
    }

    @Test func tokenBesidePresignedSignature_isOutsideOfIt() throws {
        let temporary = AWSCredentials(
            accessKeyID: "AKIAIOSFODNN7EXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", sessionToken: "t/+=",
            origin: "the test")
        var signer = Self.s3
        let inside = try signer.presign("GET", "https://a.example/", expiresIn: 1, credentials: temporary, at: Self.time)
        #expect(inside.contains("&X-Amz-Security-Token=t%2F%2B%3D&X-Amz-Signature="))
        signer.signsSessionToken = false
        let outside = try signer.presign("GET", "https://a.example/", expiresIn: 1, credentials: temporary, at: Self.time)
        let without = try signer.presign("GET", "https://a.example/", expiresIn: 1, credentials: Self.credentials, at: Self.time)
        #expect(outside == without + "&X-Amz-Security-Token=t%2F%2B%3D")
    }

    @Test func signature_printsNoSecret() throws {
        var request = HTTPClientRequest(url: "https://a.example/")
        let signature = try Self.s3.sign(&request, payload: .unsigned, credentials: Self.credentials, at: Self.time)
        let text = "\(signature) " + String(reflecting: signature) + "\(Self.credentials)"
        #expect(!text.contains("wJalr"))
        #expect(text.contains("a signing key"))
    }
}
