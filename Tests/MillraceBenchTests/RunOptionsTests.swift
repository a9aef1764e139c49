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
        #expect(!options.isStrict && options.loops == 1 && options.python == "p")
    }

    @Test(arguments: [["--repeat"], ["--repeat", "0"], ["--seconds", "-1"], ["--seconds", "x"], ["--what", "1"]])
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
}
