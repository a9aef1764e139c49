import FoundationEssentials
import MillraceAWS
import MillraceCore
import MillraceCounterparts
import MillraceHTTPClient
import Testing

/// AWS's own test suite for Signature Version 4; `Reference/README.md` says where it comes from.
@Suite(.ownThreads) struct SigV4SuiteTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var name, method, path, query, body, canonicalRequest, stringToSign, authorization: String
        var headers: HTTPClientHeaders
        var token: String?
        var signsToken: Bool
        var testDescription: String { name }
    }

    static let cases: [Case] = {
        let path = Counterpart.packageRoot + "/Tests/MillraceAWSTests/Reference/sigv4_suite.json"
        guard let data = FileManager.default.contents(atPath: path), let json = try? JSONValue(parsing: Array(data)) else { return [] }
        return (json.array ?? []).map { value in
            func text(_ name: String) -> String { value[name]?.string ?? "" }
            let fields = (value["headers"]?.array ?? []).map { HTTPClientHeaders.Field($0[0]?.string ?? "", $0[1]?.string ?? "") }
            return Case(
                name: text("name"), method: text("method"), path: text("path"), query: text("query"), body: text("body"),
                canonicalRequest: text("canonicalRequest"), stringToSign: text("stringToSign"), authorization: text("authorization"),
                headers: HTTPClientHeaders(fields), token: value["token"]?.string, signsToken: value["signsToken"]?.bool ?? false)
        }
    }()

    @Test func suite_isWhole() { #expect(Self.cases.count == 34) }

    @Test(arguments: cases) func suiteCase_hasItsCanonicalRequestStringToSignAndAuthorization(_ test: Case) {
        var signer = SigV4Signer(service: "service", region: "us-east-1")
        signer.signsSessionToken = test.signsToken
        let credentials = AWSCredentials(
            accessKeyID: "AKIDEXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", sessionToken: test.token,
            origin: "the suite")
        var headers = test.headers
        let signature = signer.sign(
            method: test.method, path: test.path, query: test.query, &headers, payloadHash: SHA256.hexadecimal(test.body.utf8),
            credentials: credentials, at: Timestamp(microseconds: 1_440_938_160_000_000))
        #expect(signature.canonicalRequest.text == test.canonicalRequest)
        #expect(signature.stringToSign == test.stringToSign)
        #expect(signature.authorization == test.authorization)
        #expect(headers["Authorization"] == test.authorization)
        // Whether signed or not, it is sent.
        #expect(headers["X-Amz-Security-Token"] == test.token)
    }
}
