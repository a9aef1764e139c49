import Glibc
import MillraceCore
import MillraceCounterparts

/// The counterparts of AWS's services that `examples/aws/local/counterparts.py` starts, one set for all tests of the process. They end as
/// their standard input does: with the process.
final class AWSCounterparts: Sendable {
    static let accessKey = "AKIATEST"
    static let secretKey = "sekrit"
    static let bucket = "millrace-files"

    let bedrockPort: Int
    let s3Port: Int
    /// Secrets Manager's and STS's.
    let secretsPort: Int
    let searchPort: Int
    private let inputEnd: Int32

    private static let one = Result { try AWSCounterparts() }

    /// Starts them at the first call; `nil`: a program is missing, which is said aloud.
    static func shared() throws -> AWSCounterparts? {
        guard Counterpart.hasPython(modules: "boto3, moto, opensearchpy") else { return nil }
        guard MillraceCounterparts.Counterpart.program("weed") != nil else {
            Counterpart.leftOut("SeaweedFS")
            return nil
        }
        return try one.get()
    }

    private init() throws {
        let ports = try (0..<4).map { _ in try MillraceCounterparts.Counterpart.freePort() }
        (bedrockPort, s3Port, secretsPort, searchPort) = (ports[0], ports[1], ports[2], ports[3])
        let input = try Pipe()
        defer { close(input.readEnd) }
        inputEnd = input.writeEnd
        let log = TestFiles.temporaryPath("counterparts") + ".log"
        defer { unlink(log) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, input.readEnd, 0)
        posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        let command = [
            Counterpart.python, TestFiles.packageRoot + "/examples/aws/local/counterparts.py", "--ports",
            ports.map(String.init).joined(separator: ","),
        ]
        var arguments: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var process = pid_t()
        let error = posix_spawn(&process, command[0], &actions, nil, &arguments, environ)
        guard error == 0 else { throw ClientFailure("cannot start \(command[0]): \(String(cString: strerror(error)))") }
        for _ in 0..<2400 {
            if TestFiles.read(log).contains("ready\n") { return }
            var status: Int32 = 0
            if waitpid(process, &status, WNOHANG) == process { break }
            TestFiles.pause(milliseconds: 25)
        }
        throw ClientFailure("the counterparts do not start: \(TestFiles.read(log))")
    }

    // MARK: Their use

    /// What `examples/aws/config.yaml` leaves to variables, with these counterparts in place of those at its own ports.
    var environment: [String: String] {
        func url(_ port: Int) -> String { "http://127.0.0.1:\(port)" }
        return [
            "AWS_ACCESS_KEY_ID": Self.accessKey, "AWS_SECRET_ACCESS_KEY": Self.secretKey, "AWS_EC2_METADATA_DISABLED": "true",
            "MILLRACE_AWS_BEDROCK_ENDPOINT": url(bedrockPort), "MILLRACE_AWS_S3_ENDPOINT": url(s3Port),
            "MILLRACE_AWS_SECRETS_MANAGER_ENDPOINT": url(secretsPort), "MILLRACE_AWS_STS_ENDPOINT": url(secretsPort),
            "MILLRACE_AWS_DYNAMODB_ENDPOINT": url(secretsPort), "MILLRACE_SEARCH_URL": url(searchPort),
        ]
    }

    /// The words of a command that runs a program with these variables and no others of AWS's or Millrace's, in a directory that is its
    /// home.
    static func launcher(_ environment: [String: String], in directory: String) -> [String] {
        var variables = environment.merging(["HOME": directory]) { own, _ in own }
        // What a sanitizer was told holds for the server, too.
        for name in ["LD_PRELOAD", "ASAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS", "SWIFT_BACKTRACE"] {
            if let value = getenv(name) { variables[name] = String(cString: value) }
        }
        return ["/usr/bin/env", "-i", "-C", directory, "PATH=/usr/bin:/bin"]
            + variables.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
    }

    /// The requests that Bedrock has got with the directive `[[tag:…]]`, in their order; it waits until so many have ended.
    func bedrockRequests(tag: String, count: Int = 1) throws -> [JSONValue] {
        let client = try TCPClient(port: bedrockPort)
        return try client.ask("GET", "/_observations?tag=\(tag)&outcome=any&count=\(count)&timeout=10").json.array ?? []
    }

    /// How many texts Bedrock has embedded so far, for whomever.
    func embeddingCount() throws -> Int {
        let all = try TCPClient(port: bedrockPort).ask("GET", "/_observations").json.array ?? []
        return all.count { $0["operation"] == "InvokeModel" }
    }

    /// Asks OpenSearch, as its administrator would.
    func search(_ method: String, _ path: String, _ body: JSONValue? = nil) throws -> JSONValue {
        let client = try TCPClient(port: searchPort)
        // millrace:mill-stream
        return try client.ask(method, path, headers: ["Authorization: Basic bWlsbHJhY2U6bWlsbC1zdHJlYW0="], body: body?.text).json
    }

    /// How many passages of a file are in the index.
    func passageCount(of contentID: String) throws -> Int {
        let query: JSONValue = ["query": ["term": ["fields.content": .string(contentID)]]]
        return try search("POST", "/millrace-content-titan-256/_count", query)["count"]?.integer ?? -1
    }

    /// Runs lines of Python with `s3` and `secrets`, clients of boto3, and gives what they print.
    func boto3(_ lines: String) throws -> String {
        let script = """
            import boto3, sys
            from botocore.config import Config
            def client(service, port):
                return boto3.client(service, endpoint_url=f"http://127.0.0.1:{port}", region_name="us-east-1",
                    aws_access_key_id="\(Self.accessKey)", aws_secret_access_key="\(Self.secretKey)",
                    config=Config(s3={"addressing_style": "path"}, connect_timeout=5, read_timeout=20))
            s3, secrets = client("s3", \(s3Port)), client("secretsmanager", \(secretsPort))
            bucket = "\(Self.bucket)"

            """
        let command = try Command([Counterpart.python, "-c", script + lines])
        guard command.status == 0 else { throw ClientFailure(command.output) }
        return command.output
    }

    /// The keys in the bucket that begin with this.
    func keys(_ prefix: String) throws -> [String] {
        let lines = "for o in s3.list_objects_v2(Bucket=bucket, Prefix='\(prefix)').get('Contents', []): print(o['Key'])"
        return try boto3(lines).split(separator: "\n").map(String.init)
    }
}
