/// Something to do for a contender, and what is measured of it.
struct Workload {
    /// What a unit of work is.
    enum Unit: String { case request, event, token, stream, start }

    /// What a contender must be able to do.
    enum Kind {
        /// Plain requests.
        case plain
        /// Streams of events of its own.
        case stream
        /// Streams whose events come from another server.
        case relay
        /// Streams in a chat that has messages stored already.
        case chat
    }

    var name: String
    var summary: String
    var unit: Unit
    /// The load generator's flags; empty for the start-up, which needs no load.
    var load: [String]
    /// Connections of the load.
    var connections = 64
    /// The number of open streams where memory is counted for each.
    var streams: Int?
    /// Whether events must be on disk before `response_end` leaves.
    var isCommitted = false
    var kind = Kind.stream
    /// Whether contenders with more than one worker take part.
    var isForManyWorkers = false
    /// Whether it is measured when none is named.
    var isDefault = true
    /// The messages that are stored in the chat before.
    var history = 0
    var warmSeconds = 0.5
    /// The measured time where it is not the run's.
    var seconds: Double?
    /// The columns; ratios are built of the first.
    var metrics: [Metric]
    /// Columns that are also shown as what is added to the baseline.
    var added: [Metric] = []

    /// All workloads; `streams` is the size of the large one that beats.
    static func all(streams: Int) -> [Workload] { own(streams: streams) + idle + relays }

    private static func own(streams: Int) -> [Workload] {
        let throughput: [Metric] = [.cpuMicrosecondsPerUnit, .unitsPerSecond, .firstEventP50, .firstEventP99, .responseP99, .memory]
        let gaps: [Metric] = [.gapP99, .gapP50, .gapMax, .cpuMicrosecondsPerUnit, .memoryPerStream, .firstEventP99]
        return [
            Workload(
                name: "healthz", summary: "GET /healthz over 64 keep-alive connections", unit: .request,
                load: ["--requests"], kind: .plain, isForManyWorkers: true,
                metrics: [.cpuMicrosecondsPerUnit, .unitsPerSecond, .responseP50, .responseP99, .memory]),
            Workload(
                name: "together", summary: "64 streams, 1,000 events each, ready together", unit: .event,
                load: streaming("1000 together", events: 1000), isForManyWorkers: true, metrics: throughput),
            Workload(
                name: "alone", summary: "64 streams, 200 events each, one a turn", unit: .event,
                load: streaming("200 alone", events: 200), isForManyWorkers: true, metrics: throughput),
            Workload(
                name: "together-committed", summary: "as together, with the log on disk", unit: .event,
                load: streaming("1000 together", events: 1000), isCommitted: true, metrics: throughput),
            Workload(
                name: "alone-committed", summary: "as alone, with the log on disk", unit: .event,
                load: streaming("200 alone", events: 200), isCommitted: true, metrics: throughput),
            Workload(
                name: "trickle", summary: "\(streams) streams, an event a second each", unit: .event,
                load: holding("1000000 every 1000", streams: streams), connections: streams, streams: streams, warmSeconds: 2,
                metrics: gaps),
            Workload(
                name: "trickle-1", summary: "one stream, an event a second", unit: .event,
                load: holding("1000000 every 1000", streams: 1), connections: 1, isDefault: false, warmSeconds: 2, seconds: 5,
                metrics: [.gapP99, .gapP50, .gapMax]),
            Workload(
                name: "stalled", summary: "64 streams, 100 events a second each; 4 of the readers stop reading", unit: .event,
                load: holding("1000000 every 10", streams: 64) + ["--stall", "4"],
                metrics: [.gapP99, .gapP50, .gapMax, .cpuMicrosecondsPerUnit, .memory]),
            Workload(
                name: "first-event", summary: "one connection, short streams one after the other", unit: .stream,
                load: streaming("1 together", events: 1), connections: 1,
                metrics: [.firstEventP50, .firstEventP99, .responseP50, .responseP99, .cpuMicrosecondsPerUnit]),
            Workload(
                name: "chat-1000", summary: "one connection, short streams in a chat of 1,000 stored messages, on disk", unit: .stream,
                load: streaming("1 together", events: 1), connections: 1, isCommitted: true, kind: .chat, history: 1000,
                metrics: [.firstEventP50, .firstEventP99, .cpuMicrosecondsPerUnit, .responseP99, .memory]),
            Workload(
                name: "startup", summary: "start to first accepted connection, and to the first answered request", unit: .start, load: [],
                kind: .plain, isForManyWorkers: true, metrics: [.startMilliseconds, .answerMilliseconds, .memory]),
        ]
    }

    private static let idle: [Workload] = [1000, 5000, 10_000, 15_000].map { streams in
        Workload(
            name: "idle-\(streams)", summary: "\(streams) open streams that had their first event", unit: .stream,
            load: holding("1 every 3600000", streams: streams), connections: streams, streams: streams, seconds: 0.2,
            metrics: [.memoryPerStream, .memory, .firstEventP50, .firstEventP99])
    }

    private static let relays: [Workload] =
        [64, 256].map { streams in
            Workload(
                name: "relay-\(streams)", summary: "\(streams) streams relayed from a model, a token every 20 ms each", unit: .token,
                load: holding("1000000 every 20", streams: streams, task: "relay") + ["--relay", "--open-timeout", "20"],
                connections: streams, kind: .relay, isForManyWorkers: streams == 256, warmSeconds: 1,
                metrics: [.cpuMicrosecondsPerUnit, .unitsPerSecond, .latencyP50, .latencyP99, .memory], added: [.latencyP50, .latencyP99])
        } + [
            Workload(
                name: "relay-burst", summary: "64 streams relayed from a model that is as fast as its reader, 2,000 tokens each",
                unit: .token, load: streaming("2000 together", events: 2000, task: "relay") + ["--relay"], kind: .relay,
                metrics: [.cpuMicrosecondsPerUnit, .unitsPerSecond, .responseP50, .responseP99, .memory])
        ]

    static func body(_ plan: String, task: String = "bench") -> String { #"{"task":"\#(task)","parts":[{"content":"\#(plan)"}]}"# }

    static func streaming(_ plan: String, events: Int, task: String = "bench") -> [String] {
        ["--streams", "--events", "\(events)", "--body", body(plan, task: task)]
    }

    /// The streams start spread over two seconds, so that they do not all beat at one moment; more than a server can take in that time
    /// start as fast as it does.
    static func holding(_ plan: String, streams: Int, task: String = "bench") -> [String] {
        ["--hold", "--spread", streams > 1 && streams <= 2500 ? "2" : "0", "--body", body(plan, task: task)]
    }
}
