/// The repetitions of one contender at one workload, put together.
struct Summary {
    var contender: String
    /// Medians.
    var values: [Metric: Double]
    /// Of the workload's first metric, as a share of the median.
    var spread: Double?
    /// How many repetitions count, of all that were whole.
    var counted: Int
    /// Whether the machine was busy with something else in all that count.
    var isDisturbed: Bool
    /// The greatest share of the CPU that went to others in what counts.
    var otherShare: Double
    var notes: [String]
    /// Whether there is no such contender on this machine.
    var isAbsent: Bool

    /// Repetitions that were disturbed or went wrong don't count where there are others.
    init(contender: String, primary: Metric, _ measurements: [Measurement]) {
        self.contender = contender
        let yielding = measurements.filter { !$0.values.isEmpty }
        let quiet = yielding.filter { !$0.isDisturbed }
        let used = quiet.isEmpty ? yielding : quiet
        counted = used.count
        isAbsent = !measurements.isEmpty && measurements.allSatisfy(\.isAbsent)
        isDisturbed = quiet.isEmpty && !yielding.isEmpty
        otherShare = used.map(\.otherShare).max() ?? 0
        values = [:]
        for metric in Metric.allCases { values[metric] = Statistics.median(used.compactMap { $0.values[metric] }) }
        spread = Statistics.spread(used.compactMap { $0.values[primary] })
        var notes: [String] = []
        for note in measurements.flatMap(\.notes) where !notes.contains(note) { notes.append(note) }
        self.notes = notes
    }
}
