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

    private static func relay(_ contender: String, p50: Double, p99: Double) -> Summary {
        Summary(
            contender: contender, primary: .latencyP50,
            [Measurement(workload: "r", contender: contender, values: [.latencyP50: p50, .latencyP99: p99])])
    }

    @Test func addedColumns_areTheDifferenceToTheBaseline() throws {
        let workload = Workload(
            name: "r", summary: "relay", unit: .token, load: ["--relay"], metrics: [.latencyP50, .latencyP99],
            added: [.latencyP50, .latencyP99])
        let section = Report.Section(
            workload: workload, summaries: [Self.relay("x", p50: 0.12, p99: 0.5), Self.relay("direct", p50: 0.02, p99: 0.1)])
        let report = Report(sections: [section])
        #expect(
            report.table == """
                r: relay (unit: token)
                  contender  latency p50 ms  latency p99 ms  + p50 ms  + p99 ms  spread  × floor  × nginx  runs
                  x                   0.120           0.500     0.100     0.400     0 %        –        –     1
                  direct              0.020           0.100     0.000     0.000     0 %        –        –     1


                """)
        let contender = try JSONValue(parsing: report.json.text)["workloads"]?[0]?["contenders"]?[0]
        #expect(contender?["added_latency_p99_ms"]?.double == 0.4)
    }

    @Test func addedColumns_areEmptyWithoutTheBaseline() {
        let section = Report.Section(
            workload: Workload(name: "r", summary: "", unit: .token, load: [], metrics: [.latencyP50], added: [.latencyP50]),
            summaries: [Self.relay("x", p50: 1, p99: 2)])
        #expect(Report(sections: [section]).added(by: section.summaries[0], to: .latencyP50, in: section) == nil)
    }

    @Test func absentContender_isNotedAndHasNotFailed() {
        let absent = Measurement(workload: "w", contender: "x", notes: ["x is not installed"], isAbsent: true)
        let report = Report(sections: [
            Report.Section(
                workload: Self.workload, summaries: [Summary(contender: "x", primary: .cpuMicrosecondsPerUnit, [absent, absent])])
        ])
        #expect(report.hasAbsent && !report.hasFailed)
        #expect(report.table.contains("x: x is not installed"))
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
