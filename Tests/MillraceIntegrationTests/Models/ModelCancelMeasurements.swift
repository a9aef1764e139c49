import Glibc
import MillraceCore
import Testing

extension IntegrationTests {
    /// Prints how long a cancel takes to reach a model's server, for a server in a process of its own. It asserts nothing about time:
    ///
    ///     swift build -c release --product MillraceTestServer
    ///     MILLRACE_MEASURE=1 MILLRACE_PROGRAMS=.build/release swift test --filter ModelCancelMeasurements
    @Suite(.enabled(if: getenv("MILLRACE_MEASURE") != nil, "set MILLRACE_MEASURE=1 to measure"))
    struct ModelCancelMeasurements {
        /// Of each kind, ten at a time.
        private static let count = 300

        @Test(arguments: ["model_server.py", "h2_server.py"], [false, true])
        func cancelAndDisconnect(script: String, namesHang: Bool) async throws {
            guard try !namesHang || Counterpart.canHangDNS(), Counterpart.hasPython(modules: "h2"),
                let upstream = try ModelServer.start(script: script)
            else { return }
            let directory = try TemporaryDirectory()
            try directory.write("key", ModelServer.key)
            // An address: where names hang, "localhost" is one that is looked up as well.
            let url = upstream.url.replacing("localhost", with: "127.0.0.1")
            var yaml = upstream.authorityFile.map { "http: {caFile: \($0)}\n" } ?? ""
            yaml += "models:\n" + ModelProvider.allCases.map { $0.entry($0.rawValue, at: url) }.joined()
            for number in 0..<20 { yaml += ModelProvider.openAI.entry("named-\(number)", at: "http://model-\(number).example") }
            try directory.write("config.yaml", yaml.replacing("env:MODEL_KEY", with: "file:\(directory.path)/key"))
            try await onThreads {
                let server = try ServerProcess(
                    launcher: namesHang ? Counterpart.hangingDNS : [],
                    ["port=0", "data-dir=:memory:", "config=\(directory.path)/config.yaml"])
                // Their readers stay, or the runs would end.
                var hanging: [EventStreamClient] = []
                for number in 0..<(namesHang ? 100 : 0) {
                    let body: JSONValue = [
                        "task": "ask", "model_id": .string("named-\(number % 20)"), "parts": [["content": "hello"]],
                    ]
                    let request = TCPClient.request("POST", "/api/v1/generate/stream", body: body.text)
                    let reader = try EventStreamClient(port: server.port, request)
                    _ = try reader.next()
                    hanging.append(reader)
                }
                let what = (script == "h2_server.py" ? "HTTP/2" : "HTTP/1.1") + (namesHang ? ", 100 look-ups hang" : "")
                for provider in ModelProvider.allCases {
                    for place in CancelMeasurement.Place.allCases {
                        for way in CancelMeasurement.Way.allCases {
                            var measurement = CancelMeasurement(port: server.port, upstream: upstream, modelID: provider.rawValue)
                            measurement.count = Self.count
                            try await measurement.run(place, way).say("\(what), \(provider.rawValue), \(place), \(way)")
                        }
                    }
                }
                for reader in hanging { reader.close() }
                _ = server.end(SIGTERM)
            }
        }
    }
}
