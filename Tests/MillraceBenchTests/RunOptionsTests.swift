import MillraceCore
import Testing

@testable import MillraceBench

@Suite struct RunOptionsTests {
    @Test func flags_areRead() throws {
        let options = try RunOptions([
            "--workload", "a", "--workload", "b", "--repeat", "5", "--seconds", "0.5", "--pin", "--json", "f", "--python", "p",
        ])
        #expect(options.workloads == ["a", "b"])
        #expect(options.repetitions == 5 && options.seconds == 0.5 && options.isPinned && options.json == "f")
        #expect(!options.allowsDisturbed && options.retries == 2 && options.loops == 1 && options.python == "p")
    }

    @Test(arguments: [
        ["--repeat"], ["--retries", "-1"], ["--strict"], ["--repeat", "0"], ["--seconds", "-1"], ["--seconds", "x"], ["--what", "1"],
    ])
    func mistake_isRefused(arguments: [String]) {
        #expect(throws: MillraceError.self) { try RunOptions(arguments) }
    }

    @Test func chosen_keepTheirOrderAndRefuseTheUnknown() throws {
        #expect(try RunCommand.chosen(["c", "a"], of: ["a", "b", "c"], { $0 }) == ["a", "c"])
        #expect(try RunCommand.chosen([], of: ["a", "b"], { $0 }) == ["a", "b"])
        #expect(throws: MillraceError.self) { try RunCommand.chosen(["d"], of: ["a"], { $0 }) }
    }

    @Test func workloadNames_areUnique() {
        let names = Workload.all(streams: 10).map(\.name)
        #expect(Set(names).count == names.count)
        #expect(Workload.all(streams: 10).allSatisfy { !$0.metrics.isEmpty })
    }

    @Test func quick_isShort() throws {
        let options = try RunOptions(["--quick"])
        #expect(options.repetitions == 1 && options.seconds == 0.5 && options.streams == 200)
    }

    @Test func soakOptions_areRead() throws {
        let options = try SoakOptions(["--seconds", "3600", "--seed", "7", "--store-limit-mb", "100", "--config", "c.yaml"])
        #expect(options.seconds == 3600 && options.seed == 7 && options.storeLimitMegabytes == 100 && options.config == "c.yaml")
        #expect(options.warmSeconds == 300)
        #expect(try SoakOptions(["--seconds", "5"]).warmSeconds == 4)
        #expect(throws: MillraceError.self) { try SoakOptions(["--clients", "0"]) }
    }

    @Test func curvesOptions_areRead() throws {
        let options = try CurvesOptions(["--curve", "streams", "--runs", "1000"])
        #expect(options.curves == ["streams"] && options.runs == 1000)
        #expect(try CurvesOptions(["--quick"]).runs == 20_000)
        #expect(throws: MillraceError.self) { try CurvesOptions(["--runs", "1"]) }
    }
}
