import MillraceAWS
import MillraceCore
import MillraceHTTPClient
import Testing

@Suite struct OpenSearchHostileAnswerTests {
    /// What is counted is added up elsewhere.
    @Test(arguments: ["9223372036854775807", "-1", "1.5", "null"]) func numberOfDeleted_thatIsNone_isRefused(_ count: String) async throws {
        let client = OpenSearchClient(
            AWSServiceClient(
                .openSearch, endpoint: AWSEndpointSettings(region: "us-east-1", url: "http://127.0.0.1:9200"), authentication: .none,
                transport: ScriptedAWSTransport([.init(body: #"{"deleted":\#(count)}"#)])))
        await #expect(throws: MillraceError.self) { try await client.deleteByQuery("index", query: ["match_all": [:]]) }
    }
}
