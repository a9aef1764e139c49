/// The repetitions of one contender at one workload, put together.
struct Summary {
    var contender: String
    var samples: [Metric: Sample] = [:]
    /// How many repetitions count.
    var counted: Int
    /// How many attempts another process disturbed, whether or not they count.
    var disturbed: Int
    /// Whether disturbed attempts count, since that was asked for.
    var countsDisturbed: Bool
    /// The greatest share of the CPU that went to others in any attempt, and who took it.
    var worst: Disturbance?
    var notes: [String]
    /// Whether there is no such contender on this machine.
    var isAbsent: Bool

    /// Whether some repetition has no undisturbed attempt, so that the row stands on fewer repetitions than were asked for, or on none.
    var isRefused: Bool

    /// - Parameters:
    ///   - measurements: all attempts of this contender at this workload.
    ///   - allowsDisturbed: count disturbed attempts where a repetition has no other.
    init(contender: String, _ measurements: [Measurement], allowsDisturbed: Bool = false) {
        self.contender = contender
        let yielding = measurements.filter { !$0.values.isEmpty }
        var chosen: [Int: Measurement] = [:]
        for one in yielding where !one.isDisturbed { chosen[one.repetition] = one }
        let refused = Set(yielding.map(\.repetition)).subtracting(chosen.keys)
        isRefused = !refused.isEmpty
        countsDisturbed = allowsDisturbed && isRefused
        if allowsDisturbed { for one in yielding where refused.contains(one.repetition) { chosen[one.repetition] = one } }
        counted = chosen.count
        disturbed = yielding.count(where: \.isDisturbed)
        isAbsent = !measurements.isEmpty && measurements.allSatisfy(\.isAbsent)
        worst = yielding.compactMap(\.disturbance).max { $0.share < $1.share }
        for metric in Metric.allCases {
            let values = chosen.compactMapValues { $0.values[metric] }
            if !values.isEmpty { samples[metric] = Sample(values) }
        }
        var notes: [String] = []
        for note in measurements.flatMap(\.notes) where !notes.contains(note) { notes.append(note) }
        self.notes = notes
    }
}
