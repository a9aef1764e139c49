/// What one run of one contender yielded.
struct Measurement {
    /// The share of the CPU that other processes may take before a run is marked.
    static let allowedOtherShare = 0.1

    var workload: String
    var contender: String
    var values: [Metric: Double] = [:]
    /// The share of the CPU that went to processes that are no part of the run, from 0 to 1.
    var otherShare = 0.0
    /// What went wrong.
    var notes: [String] = []
    /// Whether there is no such contender on this machine.
    var isAbsent = false

    /// Whether the machine was busy with something else.
    var isDisturbed: Bool { otherShare > Self.allowedOtherShare }
    /// Whether it did what was asked.
    var isWhole: Bool { notes.isEmpty && !values.isEmpty }
}

extension Measurement {
    /// The values of a run under load.
    static func values(
        of load: LoadResult, unit: Workload.Unit, streams: Int?, cpuNanoseconds: Int, memoryBefore: Int, memoryAtStart: Int,
        memoryAtStop: Int
    ) -> [Metric: Double] {
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
            values[.cpuMicrosecondsPerUnit] = Double(cpuNanoseconds) / 1000 / Double(units)
        }
        values[.memory] = Double(memoryAtStop) / 1_048_576
        if let streams { values[.memoryPerStream] = Double(memoryAtStart - memoryBefore) / 1024 / Double(streams) }
        return values
    }
}
