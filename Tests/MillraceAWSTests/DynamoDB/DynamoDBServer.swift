import MillraceAWS
import MillraceCore
import MillraceCounterparts
import MillraceHTTPClient

/// moto's DynamoDB, one for all tests of this process, which it ends with. boto3 has proved it before anything of ours is tried.
final class DynamoDBServer: Sendable {
    private static let shared = Result { try start() }

    private let process: CounterpartProcess
    private let url: String

    private init(_ process: CounterpartProcess, url: String) {
        self.process = process
        self.url = url
    }

    /// A client of the server; `nil` where moto or boto3 are missing, which was said aloud.
    static func client() async throws -> DynamoDBClient? { try await onThread { try shared.get() }?.client }

    private static func start() throws -> DynamoDBServer? {
        guard let program = Counterpart.program("moto_server") else {
            try Counterpart.leftOut("moto_server")
            return nil
        }
        let port = try Counterpart.freePort()
        let process = try CounterpartProcess([program, "-H", "127.0.0.1", "-p", "\(port)"])
        try process.waitForPort(port)
        let server = DynamoDBServer(process, url: "http://127.0.0.1:\(port)")
        let script = Counterpart.packageRoot + "/Tests/MillraceAWSTests/Reference/dynamodb_counterpart.py"
        let proof = try CounterpartProcess([Counterpart.python, script, server.url])
        defer { proof.stop() }
        guard try proof.waitForLine(seconds: 60, where: { $0 == "ok" || $0 == "missing" }) == "ok" else {
            try Counterpart.leftOut("boto3")
            return nil
        }
        return server
    }

    private var client: DynamoDBClient {
        var endpoint = AWSEndpointSettings(region: "eu-central-1", url: url)
        endpoint.timeouts.total = .seconds(60)
        let credentials = AWSCredentials(accessKeyID: "AKIDEXAMPLE", secretAccessKey: "secret", origin: "the test")
        return DynamoDBClient(
            AWSServiceClient(
                .dynamoDB, endpoint: endpoint, authentication: .signature(StaticAWSCredentialProvider(credentials)), transport: HTTPClient()
            ))
    }
}
