import Glibc
import MillraceCore
import MillraceCounterparts
import MillraceHTTPClient
import Testing

@testable import MillraceAWS

/// The programs of others that the credential chain is tested with. The servers live as long as the test process.
enum CredentialCounterparts {
    /// The base URL of the fake of metadata services, proved by botocore; `nil`: left out.
    static func metadata() throws -> String? { try metadataServer.get()?.url }
    /// The URL of a moto server; `nil`: left out.
    static func moto() throws -> String? { try motoServer.get()?.url }

    private struct Server: Sendable {
        let process: CounterpartProcess
        let url: String
    }

    private static let metadataServer: Result<Server?, any Error> = Result {
        guard access(Counterpart.python, X_OK) == 0 else {
            try Counterpart.leftOut("the Python environment of the tests")
            return nil
        }
        let process = try CounterpartProcess([Counterpart.python, Counterpart.script("aws_metadata.py")])
        let port = try process.waitForLine { Int($0) != nil }
        let url = "http://127.0.0.1:\(port)"
        let proof = try CounterpartProcess([Counterpart.python, reference("prove_aws_metadata.py"), url])
        _ = try proof.waitForLine { $0 == "proved" }
        proof.stop()
        return Server(process: process, url: url)
    }

    private static let motoServer: Result<Server?, any Error> = Result {
        guard let program = Counterpart.program("moto_server") else {
            try Counterpart.leftOut("moto_server")
            return nil
        }
        let port = try Counterpart.freePort()
        let process = try CounterpartProcess([program, "-H", "127.0.0.1", "-p", "\(port)"])
        try process.waitForPort(port)
        return Server(process: process, url: "http://127.0.0.1:\(port)")
    }

    /// The path of a program that makes reference data.
    static func reference(_ name: String) -> String { Counterpart.packageRoot + "/Tests/MillraceAWSTests/Reference/" + name }

    /// What botocore says of some cases; `nil`: left out.
    static func botocore(_ cases: JSONValue) throws -> JSONValue? {
        guard access(Counterpart.python, X_OK) == 0 else {
            try Counterpart.leftOut("the Python environment of the tests")
            return nil
        }
        let directory = try TemporaryDirectory()
        try write(cases.text, to: directory.path + "/cases.json")
        let process = try CounterpartProcess([Counterpart.python, reference("aws_configuration.py"), directory.path + "/cases.json"])
        defer { process.stop() }
        return try JSONValue(parsing: try process.waitForLine { $0.hasPrefix("{\"files\"") })
    }

    static func write(_ text: String, to path: String, mode: mode_t = 0o600) throws {
        var parent = path.split(separator: "/", omittingEmptySubsequences: false)
        parent.removeLast()
        for length in parent.indices.dropFirst() { mkdir(parent[...length].joined(separator: "/"), 0o700) }
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)
        guard descriptor >= 0 else { throw CounterpartMissing("cannot write \(path)") }
        defer { close(descriptor) }
        let bytes = Array(text.utf8)
        guard Glibc.write(descriptor, bytes, bytes.count) == bytes.count else { throw CounterpartMissing("cannot write \(path)") }
    }
}

/// A home directory with the files of AWS's tools, and chains that look there.
final class CredentialHome: Sendable {
    let directory: TemporaryDirectory
    let blocking: BlockingExecutor
    var path: String { directory.path }

    init(config: String? = nil, credentials: String? = nil) throws {
        directory = try TemporaryDirectory()
        blocking = try BlockingExecutor(name: "files", threads: 1)
        if let config { try write(config, to: ".aws/config") }
        if let credentials { try write(credentials, to: ".aws/credentials") }
    }

    func write(_ text: String, to path: String, mode: mode_t = 0o600) throws {
        try CredentialCounterparts.write(text, to: self.path + "/" + path, mode: mode)
    }

    /// - Parameter environment: over one that asks no instance.
    func chain(
        _ environment: [String: String] = [:], profile: String? = nil, clock: HTTPPolicyClock = CredentialClock(automatic: true).policy,
        processTimeout: Duration = .seconds(20)
    ) -> AWSCredentialChain {
        let defaults = ["AWS_EC2_METADATA_DISABLED": "true", "PATH": "/usr/bin:/bin"]
        let client = HTTPClient()
        return AWSCredentialChain(
            profile: profile, environment: defaults.merging(environment) { $1 }, home: path, transport: client, metadataTransport: client,
            blocking: blocking, clock: clock, processTimeout: processTimeout)
    }
}

/// A wall clock that stands at the system's time, or at a given one, until a test moves it.
final class CredentialClock: Sendable {
    private let time: Locked<Timestamp>
    private let isAutomatic: Bool

    /// - Parameter automatic: whether whoever sleeps moves the clock itself.
    init(_ time: Timestamp = .now(), automatic: Bool = false) {
        self.time = Locked(time)
        isAutomatic = automatic
    }

    var now: Timestamp { time.withLock { $0 } }

    func advance(seconds: Int64) { time.withLock { $0 = $0.adding(seconds: seconds) } }

    var policy: HTTPPolicyClock {
        HTTPPolicyClock(
            now: { self.now.microseconds * 1000 }, wall: { self.now },
            sleep: { duration in
                try Task.checkCancellation()
                if self.isAutomatic { self.advance(seconds: duration.components.seconds) }
            })
    }
}

/// The error that a credential chain ends with.
func credentialError(_ body: () async throws -> some Any) async -> MillraceError? {
    do {
        _ = try await body()
        return nil
    } catch let error as MillraceError {
        return error
    } catch {
        Issue.record("another error: \(error)")
        return nil
    }
}
