import Glibc
import Millrace
import MillraceCore
import Testing

/// Measures at the upstream how long it takes until the transfer of a stopped run ends: from just before the request to stop is sent until the
/// model's server sees that its client has gone. Both read one clock, CLOCK_MONOTONIC.
struct CancelMeasurement: Sendable {
    /// Where in its answer the model is.
    enum Place: String, CaseIterable, Sendable {
        /// The head has come, and no token.
        case first
        /// Half of the tokens have come.
        case mid
    }

    /// How a client stops a run.
    enum Way: String, CaseIterable, Sendable {
        /// `POST …/cancel`
        case cancel
        /// It closes its connection, and the handler's runs end with their last reader.
        case disconnect
    }

    /// The server's port.
    let port: Int
    let upstream: ModelServer
    /// The handler, which asks the model of the request; for ``Way/disconnect`` with the policy `cancel` without grace.
    var task = "ask"
    let modelID: String
    var count = 100
    var concurrency = 10

    /// The handler that is measured.
    static let task = ModelTask(asking: "ask", options: TaskHandlerOptions(detach: .cancel(graceSeconds: 0)))

    /// Stops `count` runs, `concurrency` at a time, and returns what each took, in nanoseconds.
    func run(_ place: Place, _ way: Way) async throws -> Latencies {
        let perWorker = count / concurrency
        let all = try await concurrently(concurrency) { worker in
            try (0..<perWorker).map { try once(place, way, tag: "\(modelID)-\(place)-\(way)-\(worker)-\($0)") }
        }
        return Latencies(all.flatMap(\.self))
    }

    private func once(_ place: Place, _ way: Way, tag: String) throws -> Int64 {
        let body: JSONValue = [
            "task": .string(task), "model_id": .string(modelID),
            "parts": [["content": .string("a b c d #hang=\(place.rawValue) #tag=\(tag)")]],
        ]
        let reader = try EventStreamClient(port: port, TCPClient.request("POST", "/api/v1/generate/stream", body: body.text))
        defer { reader.close() }
        let id = try #require(try reader.next()).responseID
        if place == .mid { _ = try reader.read(until: "content") }
        _ = try upstream.waitFor("hanging", tag: tag)
        // Connected before: only the cancel is measured.
        let canceller = try TCPClient(port: port)
        let request = Array(TCPClient.request("POST", "/api/v1/runs/\(id)/cancel").utf8)
        let start = ModelServer.now
        switch way {
        case .cancel: try canceller.send(request)
        case .disconnect: reader.close()
        }
        let seen = try upstream.waitFor("client_closed", tag: tag)
        if way == .cancel {
            #expect(try canceller.readAnswer().status == 202)
            #expect(try reader.rest().last?.json["status"] == "cancelled")
        }
        #expect(seen.tokens == (place == .first ? 0 : 2))
        return seen.nanoseconds - start
    }
}

/// How long something took, many times.
struct Latencies: Sendable, CustomStringConvertible {
    private let sorted: [Int64]

    /// - Parameter nanoseconds: not empty.
    init(_ nanoseconds: [Int64]) { sorted = nanoseconds.sorted() }

    /// The time within which that share of all were done (nearest rank), in milliseconds.
    func milliseconds(_ share: Double) -> Double {
        Double(sorted[max(0, Int((share * Double(sorted.count)).rounded(.up)) - 1)]) / 1_000_000
    }

    /// The number of times, p50, p99 and the longest.
    var description: String {
        let figures = [("p50", 0.5), ("p99", 0.99), ("max", 1)].map { name, share in
            "\(name) \(Double(Int(milliseconds(share) * 100)) / 100)"
        }
        return "\(figures.joined(separator: ", ")) ms of \(sorted.count)"
    }

    /// Writes them to standard error, which the test runner does not swallow.
    func say(_ what: String) {
        _ = "# \(what): \(self)\n".withCString { write(2, $0, strlen($0)) }
    }
}
