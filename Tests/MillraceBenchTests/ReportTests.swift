import MillraceCore
import Testing

@testable import MillraceBench

@Suite struct ReportTests {
    private static let workload = Workload(
        name: "w", summary: "work", unit: .request, load: ["--requests"], metrics: [.cpuMicrosecondsPerUnit, .unitsPerSecond])

    /// Attempts: the repetition, the cost, and the share of others.
    private static func summary(
        _ contender: String, _ attempts: [(Int, Double, Double)], allowsDisturbed: Bool = false
    ) -> Summary {
        Summary(
            contender: contender,
            attempts.map { repetition, cost, others in
                Measurement(
                    workload: "w", contender: contender, repetition: repetition, values: [.cpuMicrosecondsPerUnit: cost],
                    disturbance: Disturbance(share: others, culprits: others > 0 ? [.init(name: "make", share: others)] : []))
            }, allowsDisturbed: allowsDisturbed)
    }

    private static let report = Report(sections: [
        Report.Section(
            workload: workload,
            summaries: [
                summary("millrace", [(0, 9, 0), (1, 8, 0.05), (2, 10, 0)]), summary("floor", [(0, 50, 0.2), (0, 6, 0)]),
                summary("nginx", [(0, 10, 0.3)]),
            ], leftOut: [("direct", "serves no plain requests here"), ("y", "keeps no chats"), ("x", "serves no plain requests here")])
    ])

    @Test func table_hasMediansRangesRatiosAndWhoIsMissing() {
        #expect(
            Self.report.table == """
                w: work (unit: request)
                  contender  CPU µs/unit  units/s  min–max of CPU µs/unit  × millrace  × floor  runs
                  millrace          9.00        –              8.00–10.00        1.00     1.50     3
                  floor             6.00        –               6.00–6.00        0.67     1.00     1
                  nginx !              –        –                       –           –        –     0
                  ! floor: 1 disturbed (up to 20 % of the CPU went to others: make 20 %), measured again
                  ! nginx: 1 disturbed (up to 30 % of the CPU went to others: make 30 %), refused, some repetition has no other
                  – serves no plain requests here: direct, x
                  – keeps no chats: y

                2 attempts were disturbed: other processes took more than 5 % of the machine's CPU.

                """)
        #expect(Self.report.isRefused && !Self.report.hasFailed && Self.report.disturbedAttempts == 2)
    }

    @Test func json_hasTheSameNumbers() throws {
        let json = try JSONValue(parsing: Self.report.json.text)
        let workload = json["workloads"]?[0]
        let contender = workload?["contenders"]?[0]
        #expect(json["format"]?.integer == Report.format && workload?["left_out"]?["direct"]?.string == "serves no plain requests here")
        #expect(contender?["name"] == "millrace")
        let metrics = contender?["metrics"]
        #expect(metrics?["cpu_us_per_unit"]?["median"]?.double == 9 && metrics?["cpu_us_per_unit"]?["max"]?.double == 10)
        #expect(Sample(json: metrics?["cpu_us_per_unit"]) == Sample([0: 9, 1: 8, 2: 10]))
        #expect(contender?["ratio_to_floor"]?.double == 1.5)
        #expect(metrics?["units_per_second"] == nil)
    }

    @Test func disturbedAttempt_doesNotCountBesideAQuietOne() {
        let summary = Self.summary("x", [(0, 50, 0.2), (0, 5, 0), (1, 6, 0)])
        #expect(summary.samples[.cpuMicrosecondsPerUnit] == Sample([0: 5, 1: 6]))
        #expect(summary.counted == 2 && summary.disturbed == 1 && !summary.isRefused)
    }

    @Test func repetitionWithoutQuietAttempt_isRefusedUnlessAllowed() {
        let attempts = [(0, 50.0, 0.2), (1, 6, 0)]
        let refused = Self.summary("x", attempts)
        #expect(refused.isRefused && refused.counted == 1 && !refused.countsDisturbed)
        let allowed = Self.summary("x", attempts, allowsDisturbed: true)
        #expect(allowed.isRefused && allowed.counted == 2 && allowed.countsDisturbed)
        #expect(!Report(sections: [.init(workload: Self.workload, summaries: [allowed])]).isRefused)
    }

    private static func relay(_ contender: String, p50: Double, p99: Double) -> Summary {
        Summary(contender: contender, [Measurement(workload: "r", contender: contender, values: [.latencyP50: p50, .latencyP99: p99])])
    }

    @Test func addedColumns_areTheDifferenceToTheBaseline() throws {
        let workload = Workload(
            name: "r", summary: "relay", unit: .token, load: ["--relay"], metrics: [.latencyP50, .latencyP99],
            added: [.latencyP50, .latencyP99])
        let section = Report.Section(
            workload: workload, summaries: [Self.relay("x", p50: 0.12, p99: 0.5), Self.relay("direct", p50: 0.02, p99: 0.1)])
        let report = Report(sections: [section])
        #expect(
            report.table(of: section) == """
                r: relay (unit: token)
                  contender  latency p50 ms  latency p99 ms  + p50 ms  + p99 ms  min–max of latency p50 ms  × millrace  × floor  runs
                  x                   0.120           0.500     0.100     0.400                0.120–0.120           –        –     1
                  direct              0.020           0.100     0.000     0.000                0.020–0.020           –        –     1


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
            Report.Section(workload: Self.workload, summaries: [Summary(contender: "x", [absent, absent])])
        ])
        #expect(report.hasAbsent && !report.hasFailed)
        #expect(report.table.contains("x: x is not installed"))
    }

    @Test func runWithoutNumbers_hasFailed() {
        let summary = Summary(contender: "x", [Measurement(workload: "w", contender: "x", notes: ["it ended"])])
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
