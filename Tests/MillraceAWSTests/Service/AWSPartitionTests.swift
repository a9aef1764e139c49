import MillraceAWS
import MillraceCore
import MillraceCounterparts
import Testing

@Suite(.ownThreads) struct AWSPartitionTests {
    private static let services: [AWSService] = [.s3, .dynamoDB, .bedrockRuntime, .secretsManager, .sts]

    @Test func everyRegionAndVariant_hasTheEndpointOfBotocoresRules() async throws {
        guard let lines = try await BotocoreReference.lines("endpoints") else { return }
        // 5 services, 4 variants, and more than 40 regions.
        #expect(lines.count > 5 * 4 * 40)
        for line in lines {
            let json = try JSONValue(parsing: line)
            let service = try #require(Self.services.first { $0.endpointPrefix == json[0]?.string })
            var settings = AWSEndpointSettings(region: json[1]?.string ?? "")
            settings.usesFIPS = json[2]?.bool ?? false
            settings.usesDualStack = json[3]?.bool ?? false
            let ours = try? settings.url(of: service)
            #expect(ours == json[4]?.string, "\(line)")
        }
    }

    @Test(arguments: [
        ("eu-central-1", "aws"), ("mx-central-1", "aws"), ("eu-future-9", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov"),
        ("us-iso-east-1", "aws-iso"), ("us-isob-east-1", "aws-iso-b"), ("eu-isoe-west-1", "aws-iso-e"), ("us-isof-south-1", "aws-iso-f"),
        ("eusc-de-east-1", "aws-eusc"),
    ])
    func region_isOfItsPartition(_ region: String, _ partition: String) { #expect(AWSPartition(region: region).id == partition) }

    @Test(arguments: [
        "", "EU-central-1", "eu central", "evil.example/#", "a.b", "-eu", "eu-", "eu_central_1", "é", String(repeating: "a", count: 64),
        "eu\n",
    ])
    func textThatIsNoRegion_isRefusedBeforeItIsAHost(_ text: String) throws {
        let error = #expect(throws: MillraceError.self) { try AWSEndpointSettings(region: text).url(of: .s3) }
        #expect(error?.code == .configuration)
    }

    @Test(arguments: [
        ("http://127.0.0.1:9000/", "http://127.0.0.1:9000"), ("https://proxy.example/s3//", "https://proxy.example/s3"),
        ("https://[::1]:8443", "https://[::1]:8443"),
    ])
    func givenURL_comesBeforeTheRegions(_ given: String, _ expected: String) throws {
        var settings = AWSEndpointSettings(region: "eu-central-1", url: given)
        settings.usesFIPS = true
        #expect(try settings.url(of: .s3) == expected)
    }

    @Test(arguments: ["", "/", "127.0.0.1:9000", "ftp://a", "https://user:secret@a", "https://a?b=c", "https://a#b", "https://a b"])
    func textThatIsNoURL_isRefusedWithoutItsSecrets(_ given: String) throws {
        let error = #expect(throws: MillraceError.self) { try AWSEndpointSettings(region: "eu-central-1", url: given).url(of: .s3) }
        #expect(error?.code == .configuration)
        #expect(error?.message.contains("secret@") == false)
    }
}
