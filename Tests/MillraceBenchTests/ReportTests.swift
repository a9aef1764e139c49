import MillraceCore
import Testing

@testable import MillraceBench

@Suite struct ReportTests {
    private static let workload = Workload(
        name: "w", summary: "work", unit: .request, load: ["--requests"], metrics: [.cpuMicrosecondsPerUnit, .unitsPerSecond])

    private static func summary(_ contender: String, _ runs: [(Double, Double)]) -> Summary {
        Summary(
            contender: contender, primary: .cpuMicrosecondsPerUnit,
            runs.map { cost, others in
                Measurement(workload: "w", contender: contender, values: [.cpuMicrosecondsPerUnit: cost], otherShare: others)
            })
    }

    private static let report = Report(sections: [
        Report.Section(
            workload: workload,
            summaries: [summary("millrace", [(9, 0), (8, 0.05), (10, 0)]), summary("floor", [(6, 0)]), summary("nginx", [(10, 0.3)])])
    ])

    @Test func table_hasMediansSpreadAndRatios() {
        #expect(
            Self.report.table == """
                w: work (unit: request)
                  contender  CPU µs/unit  units/s  spread  × floor  × nginx  runs
                  millrace          9.00        –    22 %     1.50     0.90     3
                  floor             6.00        –     0 %     1.00     0.60     1
                  nginx !          10.00        –     0 %     1.67     1.00     1
                  ! nginx: other processes took up to 30 % of the CPU


                """)
        #expect(Self.report.isDisturbed && !Self.report.hasFailed)
    }

    @Test func json_hasTheSameNumbers() throws {
        let contender = try JSONValue(parsing: Self.report.json.text)["workloads"]?[0]?["contenders"]?[0]
        #expect(contender?["name"] == "millrace")
        #expect(contender?["cpu_us_per_unit"]?.double == 9)
        #expect(contender?["ratio_to_floor"]?.double == 1.5)
        #expect(contender?["units_per_second"] == nil)
    }

    @Test func disturbedRun_doesNotCountBesideQuietOnes() {
        let summary = Self.summary("x", [(5, 0), (50, 0.2)])
        #expect(summary.values[.cpuMicrosecondsPerUnit] == 5)
        #expect(summary.counted == 1 && !summary.isDisturbed)
    }

    @Test func runWithoutNumbers_hasFailed() {
        let summary = Summary(
            contender: "x", primary: .cpuMicrosecondsPerUnit, [Measurement(workload: "w", contender: "x", notes: ["it ended"])])
        let report = Report(sections: [Report.Section(workload: Self.workload, summaries: [summary])])
        #expect(report.hasFailed)
        #expect(report.table.contains("x: it ended"))
    }

    @Test(
        arguments: [
            (0, 0, "0"), (1.5, 0, "2"), (0.126, 2, "0.13"), (-0.004, 2, "0.00"), (-2.5, 1, "-2.5"), (12.05, 3, "12.050"),
            (.infinity, 1, "–"),
        ] as [(Double, Int, String)])
    func decimal_isRounded(value: Double, digits: Int, text: String) {
        #expect(Report.decimal(value, digits) == text)
    }
}
