/// A number that a run yields.
enum Metric: String, CaseIterable {
    case unitsPerSecond = "units_per_second"
    case cpuMicrosecondsPerUnit = "cpu_us_per_unit"
    case firstEventP50 = "first_event_p50_ms"
    case firstEventP99 = "first_event_p99_ms"
    case responseP50 = "response_p50_ms"
    case responseP99 = "response_p99_ms"
    case gapP50 = "gap_p50_ms"
    case gapP99 = "gap_p99_ms"
    case gapMax = "gap_max_ms"
    case latencyP50 = "latency_p50_ms"
    case latencyP99 = "latency_p99_ms"
    case memoryPerStream = "memory_per_stream_kb"
    case memory = "memory_mb"
    case startMilliseconds = "start_ms"
    case answerMilliseconds = "first_answer_ms"

    /// The head of its column.
    var title: String {
        switch self {
        case .unitsPerSecond: "units/s"
        case .cpuMicrosecondsPerUnit: "CPU µs/unit"
        case .firstEventP50: "first p50 ms"
        case .firstEventP99: "first p99 ms"
        case .responseP50: "whole p50 ms"
        case .responseP99: "whole p99 ms"
        case .gapP50: "gap p50 ms"
        case .gapP99: "gap p99 ms"
        case .gapMax: "gap max ms"
        case .latencyP50: "latency p50 ms"
        case .latencyP99: "latency p99 ms"
        case .memoryPerStream: "KB/stream"
        case .memory: "memory MB"
        case .startMilliseconds: "start ms"
        case .answerMilliseconds: "answer ms"
        }
    }

    /// The head of the column of what is added to the baseline.
    var addedTitle: String { "+ \(title.split(separator: " ").dropFirst().joined(separator: " "))" }

    /// Digits after the point in the table.
    var digits: Int {
        switch self {
        case .unitsPerSecond: 0
        case .memory, .startMilliseconds, .answerMilliseconds: 1
        case .cpuMicrosecondsPerUnit, .memoryPerStream: 2
        default: 3
        }
    }

    /// Whether less of it is better.
    var isCost: Bool { self != .unitsPerSecond }
}
