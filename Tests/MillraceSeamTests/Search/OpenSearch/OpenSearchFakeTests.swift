import MillraceCounterparts
import Testing

/// The fake, driven by OpenSearch's own client (opensearch-py) through everything that Millrace sends.
@Suite(.ownThreads) struct OpenSearchFakeTests {
    @Test(
        .timeLimit(.minutes(2)),
        arguments: [
            ("none", [], []), ("basic", ["--user", "u", "--password", "p"], ["u", "p"]),
            ("es", FakeOpenSearch.keys, ["AKID", "secret", "eu-central-1"]),
            ("aoss", FakeOpenSearch.keys, ["AKID", "secret", "eu-central-1"]),
        ] as [(String, [String], [String])])
    func fake_isWhatOpenSearchsOwnClientExpects(_ authentication: String, _ options: [String], _ secrets: [String]) throws {
        guard try OpenSearchServers.isPython() else { return }
        let server = try FakeOpenSearch(["--auth", authentication] + options)
        var command = [Counterpart.python, Counterpart.script("opensearch_client.py"), server.url, authentication] + secrets
        // Its stemmer is compared with somebody else's.
        if authentication == "none", let osmem = try OpenSearchServers.osmem() { command += ["--words", osmem.url] }
        let client = try CounterpartProcess(command)
        do { _ = try client.waitForLine { $0.hasPrefix("proved ") } } catch let failure as CounterpartMissing {
            guard failure.description.contains("ModuleNotFoundError") else { throw failure }
            try Counterpart.leftOut("opensearch-py")
        }
    }
}
