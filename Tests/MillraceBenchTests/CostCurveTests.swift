import Testing

@testable import MillraceBench

@Suite struct CostCurveTests {
    private static func curve(_ bound: CostCurve.Bound, _ points: [(Double, Double)]) -> CostCurve {
        CostCurve(axis: .history, name: "cost", bound: bound, points: points.map { .init(size: $0.0, cost: $0.1) })
    }

    @Test(
        arguments: [
            ([(10, 5), (100, 5), (1000, 5)], "constant"),
            ([(10, 5), (100, 50), (1000, 500)], "linear"),
            ([(10, 100), (100, 10)], "falls"),
            ([(10, 1), (100, 100)], "more than linear"),
            ([(10, 100), (100, 120), (1000, 400)], "less than linear"),
            ([(10, 5)], "unknown"),
            ([(10, 0), (100, 1)], "unknown"),
        ] as [([(Double, Double)], String)])
    func growth_isTheExponentInAWord(points: [(Double, Double)], expected: String) {
        #expect(Self.curve(.constant(factor: 1), points).growth == expected)
    }

    @Test(
        arguments: [
            (.constant(factor: 1.5), [(10, 2), (100, 3)], 1.5, false),
            (.constant(factor: 1.5), [(10, 2), (100, 3.1)], 1.55, true),
            // A peak in the middle counts.
            (.constant(factor: 1.5), [(10, 2), (100, 8), (1000, 2)], 4, true),
            // A fixed cost and a slope of 1, and a slope of 2 at the end.
            (.linear(factor: 1.5), [(10, 110), (100, 200), (1000, 1100)], 1, false),
            (.linear(factor: 1.5), [(10, 110), (100, 200), (1000, 2000)], 2, true),
            (.constant(factor: 1.5), [(10, 2)], nil, false),
            (.linear(factor: 1.5), [(10, 2), (100, 2000)], nil, false),
        ] as [(CostCurve.Bound, [(Double, Double)], Double?, Bool)])
    func bound_isBrokenAboveItsFactor(bound: CostCurve.Bound, points: [(Double, Double)], excess: Double?, isBroken: Bool) {
        let curve = Self.curve(bound, points)
        #expect(curve.excess == excess && curve.isBroken == isBroken)
    }

    @Test(
        arguments: [
            ([.init(cost: 3), .init(cost: 1), .init(cost: 2)], 2, false),
            // What others disturbed counts only where there is nothing else.
            ([.init(cost: 9, isDisturbed: true), .init(cost: 1), .init(cost: 2)], 1.5, false),
            ([.init(cost: 9, isDisturbed: true), .init(cost: 5, isDisturbed: true), .init(cost: 7, isDisturbed: true)], 7, true),
        ] as [([CostCurve.Reading], Double, Bool)])
    func point_isTheMedianOfQuietReadings(readings: [CostCurve.Reading], cost: Double, isDisturbed: Bool) {
        #expect(CostCurve.Point(size: 1, readings: readings) == CostCurve.Point(size: 1, cost: cost, isDisturbed: isDisturbed))
    }

    @Test func table_saysWhatIsBrokenAndDisturbed() {
        var curve = Self.curve(.constant(factor: 2), [(1, 1), (10, 5)])
        curve.points[1].isDisturbed = true
        #expect(
            CostCurve.table([curve]) == """
                history: messages stored in the chat before a request
                  history     1     10            growth                    bound  reached        
                  cost     1.00  5.00!  less than linear  constant, at most × 2.0   × 5.00  BROKEN


                """)
        #expect(curve.isDisturbed && CostCurve.table([]) == "")
    }
}
