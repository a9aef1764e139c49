import MillraceCore
import Testing

@testable import MillraceBench

@Suite struct ContenderTests {
    private static func start(upstream: Int, isCommitted: Bool = false) -> Contender.Start {
        Contender.Start(
            port: 8001, isCommitted: isCommitted, loops: 1, directory: "/d", tools: "/t", ownPath: "/own", python: "/p", upstream: upstream)
    }

    @Test func names_areUnique() {
        let names = Contender.all.map(\.name)
        #expect(Set(names).count == names.count)
    }

    @Test(
        arguments: [
            (.plain, ["millrace", "floor", "nginx"]),
            (.stream, ["millrace", "floor"]),
            (.relay, ["millrace", "floor", "nginx", "millrace-committed", "floor-committed", "node", "fastapi", "direct"]),
        ] as [(Workload.Kind, [String])])
    func kind_choosesWhoTakesPart(kind: Workload.Kind, expected: [String]) {
        let workload = Workload(name: "w", summary: "", unit: .event, load: [], kind: kind, metrics: [.memory])
        #expect(Contender.all.filter { $0.takesPart(in: workload) }.map(\.name) == expected)
    }

    @Test func relay_hasItsUpstreamInTheArguments() throws {
        let start = Self.start(upstream: 9001, isCommitted: true)
        #expect(
            try Contender.millraceArguments(start) == [
                "server", "--port", "8001", "--store", "sqlite", "--loops", "1", "--data-dir", "/d", "--upstream",
                "http://127.0.0.1:9001/v1",
            ])
        #expect(
            try Contender.floorArguments(start) == [
                "--port", "8001", "--access-log", "/d/access.log", "--log", "/d/events.log", "--upstream", "9001",
            ])
        let configuration = Contender.nginxConfiguration(start)
        #expect(configuration.contains("server 127.0.0.1:9001;") && configuration.contains("proxy_buffering off;"))
    }

    @Test func otherWorkloads_haveNoUpstream() throws {
        let start = Self.start(upstream: 0)
        #expect(try !Contender.millraceArguments(start).contains("--upstream"))
        #expect(try !Contender.floorArguments(start).contains("--upstream"))
        #expect(!Contender.nginxConfiguration(start).contains("proxy_pass"))
    }

    @Test func relayWorkloads_countTokensAndNameTheirTask() {
        let relays = Workload.all(streams: 10).filter { $0.kind == .relay }
        #expect(relays.map(\.name) == ["relay-64", "relay-256", "relay-burst"])
        for workload in relays {
            #expect(workload.unit == .token && workload.load.contains("--relay"))
            #expect(workload.load.contains { $0.hasPrefix(#"{"task":"relay""#) })
        }
    }
}
