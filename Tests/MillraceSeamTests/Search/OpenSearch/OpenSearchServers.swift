import Glibc
import Millrace
import MillraceAWS
import MillraceBackends
import MillraceCore
import MillraceCounterparts
import MillraceHTTPClient

/// Servers that the tests' engines talk to, one of each kind for all tests: an engine with an index prefix of its own is alone there.
enum OpenSearchServers {
    /// Our fake, which has everything.
    static let fake = Result { try FakeOpenSearch() }
    /// osmem, somebody else's, which has no vectors.
    static let osmem = Result { try OSMem() }

    /// An engine on a server that no other test uses the indexes of.
    static func engine(
        _ url: String, settings: OpenSearchEngineSettings = OpenSearchEngineSettings(),
        _ change: (inout OpenSearchClient) -> Void = { _ in }
    ) throws -> OpenSearchEngine {
        var settings = settings
        if settings.indexPrefix.isEmpty { settings.indexPrefix = "t\(Identifier.prefix())-" }
        var client = OpenSearchClient(
            AWSServiceClient(
                .openSearch, endpoint: AWSEndpointSettings(region: "eu-central-1", url: url), authentication: .none,
                transport: HTTPClient()))
        change(&client)
        return try OpenSearchEngine(client, settings: settings)
    }

    private enum Identifier {
        private static let next = Locked(0)
        static func prefix() -> Int {
            next.withLock {
                $0 += 1
                return $0
            }
        }
    }
}

/// Our fake of OpenSearch. It ends with the value.
final class FakeOpenSearch: Sendable {
    let url: String
    private let process: CounterpartProcess

    init(_ options: [String] = []) throws {
        process = try CounterpartProcess([Counterpart.python, Counterpart.script("opensearch_server.py")] + options)
        let port = try process.waitForLine { Int($0) != nil }
        url = "http://127.0.0.1:\(port)"
    }

    /// Makes it fail, as its own description says.
    func faults(_ faults: JSONValue) async throws {
        _ = try await HTTPClient().exchange(.json(url: url + "/_fake/faults", faults)) { try await $0.collect() }
    }

    /// Does what a collection does by itself after a while.
    func refresh() async throws {
        _ = try await HTTPClient().exchange(.json(url: url + "/_fake/refresh", [:])) { try await $0.collect() }
    }

    /// The requests that came, as `METHOD path?query`.
    func requests() async throws -> [String] {
        try await HTTPClient().exchange(HTTPClientRequest(url: url + "/_fake/requests")) { response in
            let requests = try JSONValue(parsing: try await response.collect()).array ?? []
            return requests.map { request in
                let query = request["query"]?.string ?? ""
                return "\(request["method"]?.string ?? "") \(request["path"]?.string ?? "")" + (query.isEmpty ? "" : "?\(query)")
            }
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
