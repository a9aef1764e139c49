import MillraceCore

/// What the load generator reported in its last line.
struct LoadResult: Equatable {
    struct Durations: Equatable {
        var count: Int
        var p50: Double?
        var p99: Double?
        var max: Double?

        mutating func add(_ other: Durations) {
            guard other.count > 0 else { return }
            guard count > 0 else {
                self = other
                return
            }
            if let own = p50, let others = other.p50 {
                p50 = (own * Double(count) + others * Double(other.count)) / Double(count + other.count)
            }
            p99 = [p99, other.p99].compactMap { $0 }.max()
            max = [max, other.max].compactMap { $0 }.max()
            count += other.count
        }
    }

    var seconds: Double
    var events: Int
    var tokens: Int
    var responses: Int
    var streamsAtOnce: Int
    var errors: Int
    var loadCPUSeconds: Double
    var firstEvent: Durations
    var response: Durations
    var gap: Durations
    /// How long relayed tokens were on their way.
    var latency: Durations
    /// What went wrong, each with how often.
    var notes: [String]

    init(line: String) throws(MillraceError) {
        let json = try JSONValue(parsing: line)
        seconds = try Self.number(json, "seconds")
        events = Int(try Self.number(json, "events"))
        tokens = Int(try Self.number(json, "tokens"))
        responses = Int(try Self.number(json, "responses"))
        streamsAtOnce = Int(try Self.number(json, "streams_at_once"))
        errors = Int(try Self.number(json, "errors") + Self.number(json, "connect_failures"))
        loadCPUSeconds = try Self.number(json, "load_cpu_seconds")
        firstEvent = try Self.durations(json, "first_event_ms")
        response = try Self.durations(json, "response_ms")
        gap = try Self.durations(json, "gap_ms")
        latency = try Self.durations(json, "latency_ms")
        notes = (json["notes"]?.array ?? []).compactMap { note in
            note["text"]?.string.map { "\($0) (\(note["count"]?.integer ?? 0))" }
        }
    }

    /// Several clients' results as one: counts added up; of durations the greatest p99 and maximum, and the mean of the p50.
    init(together results: [LoadResult]) {
        self = results[0]
        for other in results.dropFirst() {
            seconds = max(seconds, other.seconds)
            events += other.events
            tokens += other.tokens
            responses += other.responses
            streamsAtOnce += other.streamsAtOnce
            errors += other.errors
            loadCPUSeconds += other.loadCPUSeconds
            firstEvent.add(other.firstEvent)
            response.add(other.response)
            gap.add(other.gap)
            latency.add(other.latency)
            notes += other.notes
        }
    }

    private static func number(_ json: JSONValue, _ name: String) throws(MillraceError) -> Double {
        guard let value = json[name]?.double else {
            throw MillraceError(.invalidInput, "the load generator's result has no number '\(name)'")
        }
        return value
    }

    private static func durations(_ json: JSONValue, _ name: String) throws(MillraceError) -> Durations {
        guard let count = json[name]?["count"]?.integer else {
            throw MillraceError(.invalidInput, "the load generator's result has no '\(name)'")
        }
        let value = json[name]
        return Durations(count: count, p50: value?["p50"]?.double, p99: value?["p99"]?.double, max: value?["max"]?.double)
    }
}
