import Glibc
import MillraceCore
import Testing

extension IntegrationTests {
    /// A name server that does not answer holds up nobody but the runs that need it.
    @Suite struct ModelDNSTests {
        private static let names = 20
        private static let hanging = 100

        private static func configuration(_ upstream: ModelServer, _ directory: TemporaryDirectory) -> String {
            let key = "file:\(directory.path)/key"
            var yaml = "runs: {drainSeconds: 0.1, cancelGraceSeconds: 0.5}\nmodels:\n"
            for provider in ModelProvider.allCases { yaml += provider.entry(provider.rawValue, at: upstream.url) }
            for number in 0..<names {
                let provider = ModelProvider.allCases[number % 2]
                yaml += provider.entry("named-\(number)", at: "http://model-\(number).example", "connectTimeoutSeconds: 300")
            }
            return yaml.replacing("env:MODEL_KEY", with: key)
        }

        private static func threads(_ server: ServerProcess) -> Int {
            let line = TestFiles.read("/proc/\(server.processID)/status").split(separator: "\n").first { $0.hasPrefix("Threads:") }
            return line?.split(whereSeparator: \.isWhitespace).last.flatMap { Int($0) } ?? 0
        }

        private static func start(_ port: Int, model: String) throws -> (reader: EventStreamClient, id: String) {
            let body: JSONValue = ["model_id": .string(model), "parts": [["content": "hello"]]]
            let request = TCPClient.request("POST", "/api/v1/generate/stream", body: body.text)
            let reader = try EventStreamClient(port: port, request)
            let id = try #require(try reader.next()).responseID
            _ = try reader.read(until: "status")
            return (reader, id)
        }

        @Test func namesHang_runsAreCancelledAtOnceAndNobodyElseIsHeldUp() async throws {
            guard try Counterpart.canHangDNS(), let upstream = try ModelServer.start() else { return }
            let directory = try TemporaryDirectory()
            try directory.write("key", ModelServer.key)
            try directory.write("config.yaml", Self.configuration(upstream, directory))
            let data = TestFiles.temporaryPath("dns-data")
            defer { TestFiles.remove(data) }
            try await onThreads {
                let server = try ServerProcess(
                    program: "millrace", launcher: Counterpart.hangingDNS,
                    ["serve", "--config", directory.path + "/config.yaml", "--data-dir", data, "--port", "0"])
                let (before, port) = (Self.threads(server), server.port)
                let runs = try await concurrently(10) { worker in
                    try (0..<Self.hanging / 10).map { try Self.start(port, model: "named-\((worker * 10 + $0) % Self.names)") }
                }.flatMap(\.self)
                #expect(Self.threads(server) - before <= 17, "threads for names: \(Self.threads(server) - before)")

                // Others do not notice.
                #expect(try server.client.request("GET", "/healthz").status == 200)
                for provider in ModelProvider.allCases {
                    let measurement = CancelMeasurement(
                        port: server.port, upstream: upstream, task: "chat", modelID: provider.rawValue)
                    for place in CancelMeasurement.Place.allCases {
                        let latencies = try await measurement.run(place, .cancel)
                        latencies.say("\(provider.rawValue) while names hang, \(place), cancel")
                        #expect(latencies.milliseconds(0.99) < ModelCancelTests.bound)
                    }
                }

                // The runs that wait for a name end as soon as they are told to.
                let ends = try await concurrently(10) { worker in
                    try runs[(worker * Self.hanging / 10)..<((worker + 1) * Self.hanging / 10)].map { run in
                        let canceller = try TCPClient(port: port)
                        let start = ModelServer.now
                        #expect(try canceller.ask("POST", "/api/v1/runs/\(run.id)/cancel").status == 202)
                        let rest = try run.reader.rest()
                        #expect(rest.map(\.event) == ["response_end"])
                        #expect(rest.last?.json["status"] == "cancelled")
                        return ModelServer.now - start
                    }
                }.flatMap(\.self)
                Latencies(ends).say("from the cancel to response_end while the run's name hangs")
                #expect(Latencies(ends).milliseconds(0.99) < ModelCancelTests.bound)
                #expect(Self.threads(server) - before <= 17)

                // A stop does not wait for names either.
                let last = try Self.start(port, model: "named-0")
                let start = ModelServer.now
                #expect(server.end(SIGTERM) == 0)
                #expect(ModelServer.now - start < 5_000_000_000)
                let rest = try last.reader.rest()
                #expect(rest.map(\.event) == ["error", "response_end"])
                #expect(rest.first?.json["error_type"] == "server_shutdown")
                #expect(server.log.contains("DNS QUESTION: model-"))
            }
        }
    }
}
