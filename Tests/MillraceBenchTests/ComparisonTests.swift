import MillraceCore
import Testing

@testable import MillraceBench

@Suite struct SampleTests {
    @Test func sample_hasMedianRangeAndDeviation() {
        let sample = Sample([0: 4, 1: 10, 2: 5])
        #expect(sample.median == 5 && sample.least == 4 && sample.greatest == 10 && sample.medianDeviation == 1 && sample.spread == 1.2)
    }

    @Test(
        arguments: [
            // Each repetition was twice as dear, however fast the machine was then.
            ([0: 2, 1: 20, 2: 6], [0: 1, 1: 10, 2: 3], 2),
            // Only one repetition has both.
            ([0: 2, 1: 9], [1: 3, 2: 100], 3),
            // None has: the medians.
            ([0: 8], [1: 2], 4),
            ([0: 8], [0: 0], nil),
            ([0: 8], [:], nil),
        ] as [([Int: Double], [Int: Double], Double?)])
    func ratio_isTakenWithinRepetitions(own: [Int: Double], other: [Int: Double], expected: Double?) {
        #expect(Sample(own).ratio(to: Sample(other)) == expected)
    }

    @Test(arguments: ["{}", #"{"values":[]}"#, #"{"values":[{"repetition":1}]}"#])
    func otherJSON_isNil(text: String) throws {
        #expect(Sample(json: try JSONValue(parsing: text)) == nil)
    }
}

@Suite struct ComparisonTests {
    @Test(
        arguments: [
            ([10, 10.1, 10.2], [8, 8.1, 8.2], true, .better),
            ([10, 10.1, 10.2], [8, 8.1, 8.2], false, .worse),
            ([8, 8.1, 8.2], [10, 10.1, 10.2], true, .worse),
            // Apart, but not by more than both scatter.
            ([10, 10.5, 11], [11.1, 11.5, 12], true, .withinSpread),
            // Apart by less than two hundredths.
            ([10, 10, 10], [10.1, 10.1, 10.1], true, .withinSpread),
            ([0, 0, 0], [0, 0, 0], true, .withinSpread),
            ([10, 10], [1, 1, 1], true, .unknown),
        ] as [([Double], [Double], Bool, Comparison.Verdict)])
    func verdict_needsMoreThanTheSpread(before: [Double], after: [Double], isCost: Bool, expected: Comparison.Verdict) {
        #expect(Comparison.verdict(Self.sample(before), Self.sample(after), isCost: isCost) == expected)
    }

    private static func sample(_ values: [Double]) -> Sample {
        Sample(Dictionary(uniqueKeysWithValues: values.enumerated().map { ($0.offset, $0.element) }))
    }

    private static func report(_ costs: [String: [Double]]) -> JSONValue {
        let workload = Workload(name: "w", summary: "", unit: .event, load: [], metrics: [.cpuMicrosecondsPerUnit])
        let summaries = costs.sorted { $0.key < $1.key }.map { contender, values in
            Summary(
                contender: contender,
                values.enumerated().map {
                    Measurement(
                        workload: "w", contender: contender, repetition: $0.offset, values: [.cpuMicrosecondsPerUnit: $0.element])
                })
        }
        return Report(sections: [.init(workload: workload, summaries: summaries)]).json
    }

    @Test func reports_areComparedByWorkloadAndContender() throws {
        let comparison = try Comparison(
            Self.report(["millrace": [10, 10, 10], "floor": [5, 5, 5], "node": [9]]),
            Self.report(["millrace": [12, 12, 12], "floor": [5, 5, 5]]))
        #expect(comparison.rows.map(\.contender) == ["floor", "millrace"])
        #expect(comparison.rows.map(\.verdict) == [.withinSpread, .worse])
        #expect(comparison.unmatched == ["w of node is only in the first"])
        #expect(comparison.table.contains("20.0 %") && comparison.table.contains("WORSE"))
        #expect(comparison.table.contains("0 better, 1 worse, 1 within the spread, 0 unknown"))
    }

    @Test func relativeToTheFloor_aSlowerMachineIsNoDifference() throws {
        let before = Self.report(["millrace": [10, 11, 10], "floor": [5, 5.5, 5]])
        let after = Self.report(["millrace": [30, 32, 30], "floor": [15, 16, 15]])
        #expect(try Comparison(before, after).rows.contains { $0.verdict == .worse })
        #expect(try !Comparison(before, after, relativeTo: "floor").rows.contains { $0.verdict == .worse })
    }

    @Test func otherJSON_isRefused() {
        #expect(throws: MillraceError.self) { try Comparison(["workloads": []], Self.report([:])) }
    }
}
