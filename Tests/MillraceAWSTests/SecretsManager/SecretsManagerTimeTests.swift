import MillraceAWS
import MillraceCore
import MillraceHTTPClient
import Testing

/// Times as the service sends them, and as no service should.
@Suite struct SecretsManagerTimeTests {
    @Test(
        arguments: [
            ("1790000000", 1_790_000_000_000_000), ("1.5", 1_500_000), ("-1", -1_000_000), ("-9223372036854775808", nil),
            ("9223372036854775807", nil), ("1e300", nil), ("-1e300", nil), ("null", nil), ("\"1790000000\"", nil),
        ] as [(String, Int64?)])
    func time_isReadWhereItIsOne(_ row: (text: String, microseconds: Int64?)) async throws {
        let client = SecretsManagerClient(
            AWSServiceClient(
                .secretsManager, endpoint: AWSEndpointSettings(region: "eu-central-1"), authentication: .none,
                transport: ScriptedAWSTransport([.init(body: #"{"Name":"n","CreatedDate":\#(row.text)}"#)])))
        #expect(try await client.describeSecret("n").createdAt?.microseconds == row.microseconds)
    }
}
