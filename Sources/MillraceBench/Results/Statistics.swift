/// Statistics of a few repetitions.
enum Statistics {
    /// The middle value, or the mean of the two in the middle; `nil` of nothing.
    static func median(_ values: [Double]) -> Double? {
        guard !values.isEmpty else { return nil }
        let sorted = values.sorted()
        let middle = sorted.count / 2
        return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
    }

    /// The distance from the least to the greatest value, as a share of the median; `nil` of nothing or around 0.
    static func spread(_ values: [Double]) -> Double? {
        guard let median = median(values), median != 0, let least = values.min(), let greatest = values.max() else { return nil }
        return (greatest - least) / median
    }

    /// The nearest rank: the least value that at least `percent` of all do not exceed; `nil` of nothing.
    static func percentile(_ percent: Double, of values: [Double]) -> Double? {
        guard !values.isEmpty else { return nil }
        let rank = (percent / 100 * Double(values.count)).rounded(.up)
        return values.sorted()[min(max(Int(rank), 1), values.count) - 1]
    }
}
