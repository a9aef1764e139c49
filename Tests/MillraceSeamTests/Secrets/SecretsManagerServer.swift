import MillraceAWS
import MillraceCounterparts
import MillraceHTTPClient

/// moto's Secrets Manager, one for all tests of the process, once boto3 has found that it behaves as AWS's.
final class SecretsManagerServer: Sendable {
    private static let shared = Result { try SecretsManagerServer() }

    /// - Returns: `nil` where moto is not installed, which is said aloud.
    static func running() throws -> SecretsManagerServer? {
        guard Counterpart.program("moto_server") != nil else {
            try Counterpart.leftOut("moto_server, which stands for Secrets Manager")
            return nil
        }
        return try shared.get()
    }

    let url: String
    private let process: CounterpartProcess

    private init() throws {
        let port = try Counterpart.freePort()
        transport = try ResilientTransport(HTTPClient())
        url = "http://127.0.0.1:\(port)"
        process = try CounterpartProcess([Counterpart.program("moto_server") ?? "moto_server", "-H", "127.0.0.1", "-p", "\(port)"])
        try process.waitForPort(port)
        try boto("prove")
    }

    /// Runs boto3 to its end.
    func boto(_ arguments: String...) throws {
        let client = try CounterpartProcess([Counterpart.python, Counterpart.script("secrets_manager_client.py"), url] + arguments)
        defer { client.stop() }
        _ = try client.waitForLine { $0 == "ok" }
    }

    /// Through a transport that repeats: under load moto answers 500 now and then.
    var client: SecretsManagerClient { Self.client(url, transport) }
    private let transport: ResilientTransport

    static func client(_ url: String, _ transport: any HTTPTransport) -> SecretsManagerClient {
        var timeouts = HTTPClientTimeouts()
        timeouts.total = .seconds(60)
        var endpoint = AWSEndpointSettings(region: "eu-central-1", url: url)
        endpoint.timeouts = timeouts
        let credentials = AWSCredentials(accessKeyID: "AKIDEXAMPLE", secretAccessKey: "secret", origin: "the test")
        return SecretsManagerClient(
            AWSServiceClient(
                .secretsManager, endpoint: endpoint, authentication: .signature(StaticAWSCredentialProvider(credentials)),
                transport: transport))
    }
}
