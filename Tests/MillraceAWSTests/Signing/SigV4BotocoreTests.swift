import MillraceAWS
import MillraceCore
import MillraceCounterparts
import MillraceHTTPClient
import Testing

/// Our signatures beside botocore's, over generated requests: odd paths, queries and fields, four kinds of signers.
@Suite(.ownThreads) struct SigV4BotocoreTests {
    private struct Request {
        let json: JSONValue
        func text(_ name: String) -> String { json[name]?.string ?? "" }
        func flag(_ name: String) -> Bool { json[name]?.bool ?? false }
        func number(_ name: String) -> Int { json[name]?.integer ?? 0 }

        /// What botocore's line has under `signed`, by our signer.
        func signed() throws -> (signed: String, canonical: String) {
            let isS3 = flag("s3")
            let signer = SigV4Signer(
                service: text("service"), region: text("region"), pathStyle: isS3 ? .s3 : .standard,
                sendsContentHash: isS3 || flag("unsigned"))
            let credentials = AWSCredentials(
                accessKeyID: text("id"), secretAccessKey: text("secret"), sessionToken: json["token"]?.string, origin: "the test")
            let time = Timestamp(microseconds: Int64(number("time")) * 1_000_000)
            let fields = (json["headers"]?.array ?? []).map { HTTPClientHeaders.Field($0[0]?.string ?? "", $0[1]?.string ?? "") }
            var request = HTTPClientRequest(method: text("method"), url: text("url"), headers: HTTPClientHeaders(fields))
            if flag("query") {
                let url = try signer.presign(
                    request.method, request.url, headers: request.headers, expiresIn: number("expires"), credentials: credentials, at: time)
                let start = try #require(url.firstRange(of: "X-Amz-Algorithm=")).lowerBound
                return (String(url[start...]), url)
            }
            let payload: SigV4Signer.Payload = flag("unsigned") ? .unsigned : .bytes(Array(text("body").utf8))
            let signature = try signer.sign(&request, payload: payload, credentials: credentials, at: time)
            return (request.headers["Authorization"] ?? "", signature.canonicalRequest.text)
        }
    }

    @Test func tenThousandRequests_haveBotocoresSignatures() async throws {
        let seed = 20_261_121
        guard let lines = try await BotocoreReference.lines("requests", "\(seed)", "10000") else { return }
        #expect(lines.count == 10_000)
        let different = try await onThread {
            try lines.enumerated().compactMap { number, line -> String? in
                let request = Request(json: try JSONValue(parsing: line))
                let ours = try request.signed()
                guard ours.signed != request.text("signed") else { return nil }
                return "sigv4_reference.py request \(seed) \(number): \(line)\nours: \(ours.signed)\n\(ours.canonical)"
            }
        }
        #expect(different.isEmpty, "\(different.prefix(3).joined(separator: "\n\n"))")
    }
}
