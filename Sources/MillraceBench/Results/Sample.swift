import MillraceCore

/// One metric over the repetitions that count, by the number of the repetition.
struct Sample: Equatable {
    /// Values by repetition, so that two contenders' of the same repetition can be held against each other.
    var values: [Int: Double]

    init(_ values: [Int: Double]) { self.values = values }

    var median: Double { Statistics.median(Array(values.values)) ?? 0 }
    var least: Double { values.values.min() ?? 0 }
    var greatest: Double { values.values.max() ?? 0 }
    /// The median distance from the median, which one odd value does not move.
    var medianDeviation: Double {
        let middle = median
        return Statistics.median(values.values.map { abs($0 - middle) }) ?? 0
    }
    /// The range as a share of the median; `nil` around 0.
    var spread: Double? { Statistics.spread(Array(values.values)) }

    /// The median of the ratios within each repetition, since the machine drifts between repetitions; the ratio of the medians where no
    /// repetition has both. `nil` beside 0.
    func ratio(to other: Sample) -> Double? {
        let paired = values.compactMap { repetition, value in other.values[repetition].flatMap { $0 > 0 ? value / $0 : nil } }
        if let median = Statistics.median(paired) { return median }
        return other.median > 0 ? median / other.median : nil
    }

    /// Members `median`, `min`, `max`, `mad` and `values`, in the order of the repetitions.
    var json: JSONValue {
        .object([
            "median": .double(median), "min": .double(least), "max": .double(greatest), "mad": .double(medianDeviation),
            "values": .array(
                values.sorted { $0.key < $1.key }.map { .object(["repetition": .integer($0.key), "value": .double($0.value)]) }),
        ])
    }

    init?(json: JSONValue?) {
        guard let list = json?["values"]?.array, !list.isEmpty else { return nil }
        values = [:]
        for item in list {
            guard let repetition = item["repetition"]?.integer, let value = item["value"]?.double else { return nil }
            values[Int(repetition)] = value
        }
    }
}
