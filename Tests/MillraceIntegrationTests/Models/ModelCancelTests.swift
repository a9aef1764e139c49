import Glibc
import Millrace
import MillraceCore
import MillraceServer
import Testing

extension IntegrationTests {
    /// A run that is stopped ends its transfer at the model's server, wherever the answer stands.
    @Suite struct ModelCancelTests {
        /// Tests must not fail for a busy machine; what to expect of an idle one is in `Docs/performance.md`.
        static let bound = 2000.0

        @Test(arguments: ModelProvider.allCases, CancelMeasurement.Place.allCases)
        func runIsStopped_upstreamSeesItAtOnce(provider: ModelProvider, place: CancelMeasurement.Place) async throws {
            guard let upstream = try ModelServer.start() else { return }
            let base = try ServerSettings(yaml: provider.configuration(at: upstream.url))
            try await withServer(base: base, tasks: [CancelMeasurement.task]) { server in
                let measurement = CancelMeasurement(port: server.port, upstream: upstream, modelID: "main")
                for way in CancelMeasurement.Way.allCases {
                    let latencies = try await measurement.run(place, way)
                    latencies.say("\(provider.rawValue), \(place), \(way)")
                    #expect(latencies.milliseconds(0.99) < Self.bound)
                }
                #expect(try server.run("chat", "still there").last?.json["status"] == "completed")
                let runs = try server.ask("GET", "/api/v1/runs?limit=1000").json["items"]?.array ?? []
                #expect(runs.count { $0["status"] == "cancelled" } == 2 * measurement.count)
            }
        }

        /// Before the head, while a failed attempt waits for the next one, and while a request waits for its turn.
        @Test(arguments: ModelProvider.allCases)
        func runIsStoppedBeforeTheAnswerBegins_itEndsAtOnceAndSendsNothingMore(provider: ModelProvider) async throws {
            guard let upstream = try ModelServer.start() else { return }
            let yaml = provider.configuration(at: upstream.url).replacing("attempts: 2", with: "attempts: 2, maxConcurrentRequests: 1")
            try await withServer(base: try ServerSettings(yaml: yaml)) { server in
                func cancel(_ reader: EventStreamClient) throws {
                    let id = try #require(try reader.next()).responseID
                    #expect(try server.ask("POST", "/api/v1/runs/\(id)/cancel").status == 202)
                    #expect(try reader.rest().last?.json["status"] == "cancelled")
                }
                let hanging = try server.start("chat", text: "a #hang=head #tag=head")
                _ = try upstream.waitFor("hanging", tag: "head")
                let queued = try server.start("chat", text: "a #tag=queued")
                _ = try queued.next()
                _ = try #require(try queued.next())
                let queuedID = try #require(
                    try server.ask("GET", "/api/v1/runs?limit=1").json["items"]?.array?.first?["response_id"]?.string)
                #expect(try server.ask("POST", "/api/v1/runs/\(queuedID)/cancel").status == 202)
                #expect(try queued.rest().last?.json["status"] == "cancelled")
                try cancel(hanging)
                _ = try upstream.waitFor("client_closed", tag: "head")
                let waiting = try server.start("chat", text: "a #error=429 #retry_after=25 #tag=retry")
                _ = try upstream.waitFor("response_ended", tag: "retry")
                try cancel(waiting)
                #expect(try upstream.requestCount(tag: "queued") == 0)
                #expect(try upstream.requestCount(tag: "retry") == 1)
                // The one place is free again.
                #expect(try server.run("chat", "after").last?.json["status"] == "completed")
            }
        }

        // MARK: HTTP/2

        private static func settings(_ provider: ModelProvider, _ upstream: ModelServer) throws -> ServerSettings {
            var settings = try ServerSettings(yaml: provider.configuration(at: upstream.url))
            settings.http.caFile = upstream.authorityFile
            return settings
        }

        @Test(arguments: ModelProvider.allCases)
        func overHTTP2_cancelResetsTheStreamAndTheConnectionIsUsedOn(provider: ModelProvider) async throws {
            guard Counterpart.hasPython(modules: "h2"), let upstream = try ModelServer.start(script: "h2_server.py") else { return }
            let base = try Self.settings(provider, upstream)
            try await withServer(base: base, tasks: [CancelMeasurement.task], configure: { $0.loops = 1 }) { server in
                // A run that goes on all the time: what happens to others on its connection is nothing to it.
                let other = try server.start("chat", text: "a b #hang=mid #tag=other")
                _ = try upstream.waitFor("hanging", tag: "other")
                let measurement = CancelMeasurement(port: server.port, upstream: upstream, modelID: "main")
                for place in CancelMeasurement.Place.allCases {
                    for way in CancelMeasurement.Way.allCases {
                        let latencies = try await measurement.run(place, way)
                        latencies.say("\(provider.rawValue) over HTTP/2, \(place), \(way)")
                        #expect(latencies.milliseconds(0.99) < Self.bound)
                    }
                }
                #expect(try server.run("chat", "a b #tag=after").last?.json["status"] == "completed")
                let seen = upstream.observations()
                let left = seen.filter { $0.event == "client_closed" }
                #expect(left.count == 4 * measurement.count)
                #expect(left.allSatisfy { $0.fields["how"] == "stream_reset" })
                // All runs, at once and one after another, shared the first one's connection.
                #expect(seen.count { $0.event == "connection_opened" } == 1)
                #expect(seen.allSatisfy { $0.fields["http"]?.string ?? "HTTP/2" == "HTTP/2" })
                let id = try #require(try other.next()).responseID
                #expect(try server.ask("POST", "/api/v1/runs/\(id)/cancel").status == 202)
                #expect(try other.rest().last?.json["status"] == "cancelled")
            }
        }

        @Test(arguments: CancelMeasurement.Place.allCases)
        func overHTTP2_onlyRunOfAConnectionIsStopped_upstreamSeesItAtOnceAllTheSame(place: CancelMeasurement.Place) async throws {
            guard Counterpart.hasPython(modules: "h2"), let upstream = try ModelServer.start(script: "h2_server.py") else { return }
            let base = try Self.settings(.openAI, upstream)
            try await withServer(base: base, tasks: [CancelMeasurement.task], configure: { $0.loops = 1 }) { server in
                var measurement = CancelMeasurement(port: server.port, upstream: upstream, modelID: "main")
                (measurement.count, measurement.concurrency) = (10, 1)
                for way in CancelMeasurement.Way.allCases {
                    let latencies = try await measurement.run(place, way)
                    #expect(latencies.milliseconds(0.99) < Self.bound)
                }
                #expect(try server.run("chat", "a b").last?.json["status"] == "completed")
            }
        }

        @Test(arguments: ModelProvider.allCases, ["model_server.py", "h2_server.py"])
        func runsOneAfterAnother_shareAConnection(provider: ModelProvider, script: String) async throws {
            guard Counterpart.hasPython(modules: "h2"), let upstream = try ModelServer.start(script: script) else { return }
            try await withServer(base: try Self.settings(provider, upstream), configure: { $0.loops = 1 }) { server in
                for _ in 0..<5 {
                    let events = try server.run("chat", "a b c")
                    #expect(events.last?.json["status"] == "completed")
                }
                let opened = upstream.observations().count { $0.event == "connection_opened" }
                // Over HTTP/1.1 an answer is whole before the response's last bytes come; one that is not waited for takes its connection along.
                if script == "h2_server.py" { #expect(opened == 1) } else { #expect(opened < 5) }
            }
        }

        @Test func overHTTP2_manyRunsAtOnceShareOneConnection() async throws {
            guard Counterpart.hasPython(modules: "h2"), let upstream = try ModelServer.start(script: "h2_server.py") else { return }
            try await withServer(base: try Self.settings(.openAI, upstream), configure: { $0.loops = 1 }) { server in
                let count = 40
                let readers = try await concurrently(count) { index in
                    let reader = try server.start("chat", text: "a b #hang=mid #tag=m\(index)")
                    _ = try upstream.waitFor("hanging", tag: "m\(index)")
                    return reader
                }
                #expect(upstream.observations().count { $0.event == "connection_opened" } == 1)
                for reader in readers {
                    let id = try #require(try reader.next()).responseID
                    #expect(try server.ask("POST", "/api/v1/runs/\(id)/cancel").status == 202)
                    #expect(try reader.rest().last?.json["status"] == "cancelled")
                }
            }
        }
    }
}
