/// What one attempt of one contender at one workload yielded.
struct Measurement {
    var workload: String
    var contender: String
    var repetition = 0
    var values: [Metric: Double] = [:]
    /// Who else used the machine within the measured time; `nil` where it was not looked at.
    var disturbance: Disturbance?
    /// What went wrong.
    var notes: [String] = []
    /// Whether there is no such contender on this machine.
    var isAbsent = false

    /// Whether the machine was too busy with something else.
    var isDisturbed: Bool { disturbance?.isTooMuch ?? false }
}

extension Measurement {
    /// The server's processes, added up, at three moments.
    struct Usage: Equatable {
        var cpuNanoseconds: Int
        var memoryBefore: Int
        var memoryAtStart: Int
        var memoryAtStop: Int
    }

    /// The values of a run under load.
    static func values(of load: LoadResult, unit: Workload.Unit, streams: Int?, usage: Usage) -> [Metric: Double] {
        var values: [Metric: Double] = [
            .firstEventP50: load.firstEvent.p50, .firstEventP99: load.firstEvent.p99,
            .responseP50: load.response.p50, .responseP99: load.response.p99,
            .gapP50: load.gap.p50, .gapP99: load.gap.p99, .gapMax: load.gap.max,
            .latencyP50: load.latency.p50, .latencyP99: load.latency.p99,
        ].compactMapValues { $0 }
        let units =
            switch unit {
            case .event: load.events
            case .token: load.tokens
            case .request, .stream, .start: load.responses
            }
        if units > 0, load.seconds > 0 {
            values[.unitsPerSecond] = Double(units) / load.seconds
            values[.cpuMicrosecondsPerUnit] = Double(usage.cpuNanoseconds) / 1000 / Double(units)
        }
        values[.memory] = Double(usage.memoryAtStop) / 1_048_576
        if let streams { values[.memoryPerStream] = Double(usage.memoryAtStart - usage.memoryBefore) / 1024 / Double(streams) }
        return values
    }
}
