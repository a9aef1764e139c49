import Testing

@testable import MillraceBench

@Suite struct StatisticsTests {
    @Test(
        arguments: [
            ([], nil),
            ([3], 3),
            ([9, 1, 5], 5),
            ([4, 1, 3, 2], 2.5),
        ] as [([Double], Double?)])
    func median_isTheMiddle(values: [Double], expected: Double?) {
        #expect(Statistics.median(values) == expected)
    }

    @Test(
        arguments: [
            ([], nil),
            ([0, 0], nil),
            ([10], 0),
            ([8, 10, 13], 0.5),
        ] as [([Double], Double?)])
    func spread_isTheRangeOverTheMedian(values: [Double], expected: Double?) {
        #expect(Statistics.spread(values) == expected)
    }

    @Test(arguments: [(0, 1), (1, 1), (50, 50), (99, 99), (99.5, 100), (100, 100)] as [(Double, Double)])
    func percentile_isTheNearestRank(percent: Double, expected: Double) {
        #expect(Statistics.percentile(percent, of: (1...100).reversed().map(Double.init)) == expected)
    }

    @Test func percentileOfNothing_isNil() {
        #expect(Statistics.percentile(50, of: []) == nil)
    }
}
