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

    private static let peers = ["nginx", "fastapi", "node", "nginx-2", "fastapi-2", "node-2"]

    @Test(
        arguments: [
            (.plain, ["millrace", "millrace-2", "floor"] + peers),
            (.stream, ["millrace", "millrace-2", "floor", "fastapi", "node", "fastapi-2", "node-2"]),
            (.relay, ["millrace", "millrace-2", "floor"] + peers + ["millrace-committed", "floor-committed", "direct"]),
            (.chat, ["millrace"]),
        ] as [(Workload.Kind, [String])])
    func kind_choosesWhoTakesPart(kind: Workload.Kind, expected: [String]) {
        let workload = Workload(name: "w", summary: "", unit: .event, load: [], kind: kind, isForManyWorkers: true, metrics: [.memory])
        #expect(Contender.all.filter { $0.takesPart(in: workload) }.map(\.name) == expected)
    }

    @Test func whoStaysOut_hasAReason() {
        var workload = Workload(name: "w", summary: "", unit: .event, load: [], metrics: [.memory])
        func reason(_ name: String) -> String? { Contender.all.first { $0.name == name }?.reasonToStayOut(of: workload) }
        #expect(reason("nginx") == "makes no streams of its own")
        #expect(reason("node-2") == "more than one worker is not measured here")
        #expect(reason("node") == nil)
        workload.isCommitted = true
        #expect(reason("node") == "keeps no log on disk" && reason("floor") == nil && reason("millrace") == nil)
    }

    @Test(arguments: [(1, false), (2, true)])
    func nginx_hasItsWorkersAndDescriptors(workers: Int, sharesThePort: Bool) {
        var start = Self.start(upstream: 0)
        start.descriptors = 4321
        let text = Contender.nginxConfiguration(start, workers: workers)
        #expect(text.contains("worker_processes \(workers);") && text.contains("worker_rlimit_nofile 4321;"))
        #expect(text.contains("reuseport") == sharesThePort)
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
