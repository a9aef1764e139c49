import MillraceAWS
import MillraceCore
import MillraceHTTPClient
import Testing

@Suite struct SigV4SignerTests {
    @Test func getVanilla_ofTheDocumentedExample_hasItsSignature() throws {
        let signer = SigV4Signer(service: "service", region: "us-east-1")
        var request = HTTPClientRequest(url: "http://example.amazonaws.com/")
        let credentials = AWSCredentials(
            accessKeyID: "AKIDEXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", origin: "the test")
        try signer.sign(&request, payload: .bytes([]), credentials: credentials, at: Timestamp(microseconds: 1_440_938_160_000_000))
        #expect(
            request.headers["Authorization"]
                == "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, "
                + "Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31")
    }
}
