import Glibc
import Millrace
import MillraceAWS
import MillraceBackends
import MillraceCore
import MillraceCounterparts
import MillraceHTTPClient

/// Servers that the tests' engines talk to, one of each kind for all tests: an engine with an index prefix of its own is alone there.
enum OpenSearchServers {
    private static let sharedFake = Result { try FakeOpenSearch() }
    private static let sharedCollection = Result { try FakeOpenSearch(["--auth", "aoss"] + FakeOpenSearch.keys) }
    private static let sharedOsmem = Result { try OSMem() }

    /// Our fake, which has everything; `nil`: it was left out aloud.
    static func fake() throws -> FakeOpenSearch? { try isPython() ? sharedFake.get() : nil }

    /// Our fake as a collection of OpenSearch Serverless.
    static func collection() throws -> FakeOpenSearch? { try isPython() ? sharedCollection.get() : nil }

    /// osmem, somebody else's server, which has no vectors.
    static func osmem() throws -> OSMem? {
        guard try isPython() else { return nil }
        do { return try sharedOsmem.get() } catch let missing as CounterpartMissing where missing.description.contains("ModuleNotFound") {
            try Counterpart.leftOut("osmem-server")
            return nil
        }
    }

    static func isPython() throws -> Bool {
        if access(Counterpart.python, X_OK) == 0 { return true }
        try Counterpart.leftOut("the Python environment")
        return false
    }

    /// A client of a server without authentication.
    static func client(_ url: String, clock: HTTPPolicyClock = .system) -> OpenSearchClient {
        client(url, .openSearch, .none, clock: clock)
    }

    static func client(
        _ url: String, _ service: AWSService, _ authentication: AWSServiceClient.Authentication, clock: HTTPPolicyClock = .system
    ) -> OpenSearchClient {
        OpenSearchClient(
            AWSServiceClient(
                service, endpoint: AWSEndpointSettings(region: "eu-central-1", url: url), authentication: authentication,
                transport: HTTPClient()), clock: clock)
    }

    /// An engine that no other test uses the indexes of.
    static func engine(_ client: OpenSearchClient, clock: HTTPPolicyClock = .system) throws -> OpenSearchEngine {
        try OpenSearchEngine(client, settings: settings(), clock: clock)
    }

    static func settings() -> OpenSearchEngineSettings {
        var settings = OpenSearchEngineSettings()
        settings.indexPrefix = prefixes.withLock {
            $0 += 1
            return "t\($0)-"
        }
        return settings
    }

    /// A clock whose waits are over at once.
    static func clock(_ wait: @escaping @Sendable (Duration) async throws -> Void) -> HTTPPolicyClock {
        HTTPPolicyClock(now: { 0 }, wall: { .now() }, sleep: wait)
    }

    private static let prefixes = Locked(0)
}

/// Our fake of OpenSearch. It ends with the value.
final class FakeOpenSearch: Sendable {
    static let keys = ["--access-key", "AKID", "--secret-key", "secret", "--region", "eu-central-1"]
    /// Authentication as ``keys`` ask for it.
    static let signature = AWSServiceClient.Authentication.signature(
        StaticAWSCredentialProvider(AWSCredentials(accessKeyID: "AKID", secretAccessKey: "secret", origin: "a test")))

    let url: String
    private let process: CounterpartProcess

    init(_ options: [String] = []) throws {
        process = try CounterpartProcess([Counterpart.python, Counterpart.script("opensearch_server.py")] + options)
        let port = try process.waitForLine { Int($0) != nil }
        url = "http://127.0.0.1:\(port)"
    }

    /// Makes it fail, as its own description says.
    func faults(_ faults: JSONValue) async throws {
        try await HTTPClient().exchange(.json(url: url + "/_fake/faults", faults)) { _ = try await $0.collect() }
    }

    /// Does what a collection does by itself after a while.
    func refresh() async throws {
        try await HTTPClient().exchange(.json(url: url + "/_fake/refresh", [:])) { _ = try await $0.collect() }
    }

    /// The requests that came to a path, with their lengths.
    func requests(to path: String) async throws -> [(query: String, bytes: Int)] {
        try await HTTPClient().exchange(HTTPClientRequest(url: url + "/_fake/requests")) { response in
            let requests = try JSONValue(parsing: try await response.collect()).array ?? []
            return requests.filter { $0["path"]?.string == path }.map { ($0["query"]?.string ?? "", $0["bytes"]?.integer ?? 0) }
        }
    }
}

/// osmem-server. It ends with the value.
final class OSMem: Sendable {
    let url: String
    private let process: CounterpartProcess

    init() throws {
        let port = try Counterpart.freePort()
        let script =
            "import os, osmem_server, sys\nprogram = os.path.join(os.path.dirname(osmem_server.__file__), 'bin', 'osmem-server')\n"
            + "os.execv(program, [program, '-addr', sys.argv[1], '-no-stdin-watch'])"
        process = try CounterpartProcess([Counterpart.python, "-c", script, "127.0.0.1:\(port)"])
        try process.waitForPort(port)
        url = "http://127.0.0.1:\(port)"
    }
}
