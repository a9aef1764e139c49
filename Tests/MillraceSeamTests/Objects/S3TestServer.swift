import FoundationEssentials
import Glibc
import MillraceAWS
import MillraceCore
import MillraceCounterparts
import MillraceHTTPClient

/// A server of others that speaks S3, one of each for the whole test process.
final class S3TestServer: Sendable {
    let url: String
    let process: CounterpartProcess
    private let directory: TemporaryDirectory
    static let accessKey = "AKIDMILLRACETEST"
    static let secretKey = "secret-of-the-tests"
    static let bucket = "millrace-tests"

    private init(_ url: String, _ process: CounterpartProcess, _ directory: TemporaryDirectory) {
        self.url = url
        self.process = process
        self.directory = directory
    }

    // `nil`, said aloud, where the program is not installed.
    static let seaweed = Result { try startSeaweed() }
    static let rclone = Result { try startRclone() }
    static let moto = Result { try startMoto() }

    private static func startSeaweed() throws -> S3TestServer? {
        guard let weed = Counterpart.program("weed") else {
            try Counterpart.leftOut("SeaweedFS (weed)")
            return nil
        }
        let directory = try TemporaryDirectory()
        let identities =
            #"{"identities":[{"name":"t","credentials":[{"accessKey":"\#(accessKey)","secretKey":"\#(secretKey)"}],"#
            + #""actions":["Admin","Read","List","Tagging","Write"]}]}"#
        try Data(identities.utf8).write(to: URL(filePath: directory.path + "/s3.json"))
        var ports: [Int] = []
        while ports.count < 8 {
            let port = try Counterpart.freePort()
            if !ports.contains(port) { ports.append(port) }
        }
        let process = try CounterpartProcess([
            weed, "-logtostderr=true", "server", "-dir=\(directory.path)", "-ip=127.0.0.1", "-ip.bind=127.0.0.1",
            "-master.port=\(ports[0])", "-master.port.grpc=\(ports[1])", "-volume.port=\(ports[2])", "-volume.port.grpc=\(ports[3])",
            "-filer", "-filer.port=\(ports[4])", "-filer.port.grpc=\(ports[5])", "-s3", "-s3.port=\(ports[6])", "-s3.port.grpc=\(ports[7])",
            "-s3.port.iceberg=0", "-s3.port.lance=0", "-s3.iam=false", "-s3.config=\(directory.path)/s3.json",
            "-master.volumeSizeLimitMB=256", "-volume.max=30", "-master.volumePreallocate=false", "-master.telemetry=false",
            "-volume.preStopSeconds=0",
        ])
        return try started(S3TestServer("http://127.0.0.1:\(ports[6])", process, directory), port: ports[6])
    }

    private static func startRclone() throws -> S3TestServer? {
        guard let rclone = Counterpart.program("rclone") else {
            try Counterpart.leftOut("rclone")
            return nil
        }
        let directory = try TemporaryDirectory()
        let port = try Counterpart.freePort()
        let process = try CounterpartProcess([
            rclone, "serve", "s3", "--auth-key", "\(accessKey),\(secretKey)", "--addr", "127.0.0.1:\(port)", "--dir-cache-time", "0",
            directory.path,
        ])
        return try started(S3TestServer("http://127.0.0.1:\(port)", process, directory), port: port)
    }

    private static func startMoto() throws -> S3TestServer? {
        guard let moto = Counterpart.program("moto_server") else {
            try Counterpart.leftOut("moto")
            return nil
        }
        let port = try Counterpart.freePort()
        let process = try CounterpartProcess([moto, "-H", "127.0.0.1", "-p", "\(port)"])
        return try started(S3TestServer("http://127.0.0.1:\(port)", process, try TemporaryDirectory()), port: port)
    }

    private static func started(_ server: S3TestServer, port: Int) throws -> S3TestServer {
        try server.process.waitForPort(port)
        endings.withLock { endings in
            if endings.isEmpty { atexit { S3TestServer.endAll() } }
            endings.append(server)
        }
        return server
    }

    /// Servers whose directories go when the test process does.
    private static let endings = Locked<[S3TestServer]>([])

    private static func endAll() {
        for server in endings.withLock({ $0 }) {
            server.process.stop()
            try? FileManager.default.removeItem(atPath: server.directory.path)
        }
    }

    // MARK: Clients

    /// As a server would make it, but without a circuit breaker that one test could open for others.
    static let transport = Result { () throws -> ResilientTransport in
        var settings = HTTPPolicySettings()
        settings.breaker.failureRate = 1
        settings.retry.base = .milliseconds(20)
        return try ResilientTransport(HTTPClient(), settings: settings)
    }

    func client(
        settings: S3Client.Settings = S3Client.Settings(), secret: String = S3TestServer.secretKey, clock: HTTPPolicyClock = .system
    ) throws -> S3Client {
        try Self.client(url: url, settings: settings, secret: secret, clock: clock)
    }

    static func client(
        url: String, settings: S3Client.Settings = S3Client.Settings(), secret: String = S3TestServer.secretKey,
        clock: HTTPPolicyClock = .system
    ) throws -> S3Client {
        var endpoint = AWSEndpointSettings(region: "us-east-1", url: url)
        endpoint.timeouts.total = .seconds(60)
        let credentials = AWSCredentials(accessKeyID: accessKey, secretAccessKey: secret, origin: "the tests")
        return try S3Client(
            AWSServiceClient(
                .s3, endpoint: endpoint, authentication: .signature(StaticAWSCredentialProvider(credentials)),
                transport: try transport.get(), clock: clock),
            settings: settings)
    }

    /// The bucket of the tests, made by the first who asks.
    func withBucket() async throws {
        for attempt in 0... {
            do { return try await client().createBucket(Self.bucket) } catch let error as AWSServiceError {
                if error.code == "BucketAlreadyExists" { return }
                // SeaweedFS listens some moments before its parts know of each other.
                guard attempt < 100, error.status >= 500 else { throw error }
                try await Task.sleep(for: .milliseconds(50))
            }
        }
    }
}
