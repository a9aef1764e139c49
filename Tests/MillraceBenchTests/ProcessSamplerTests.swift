import Glibc
import Testing

@testable import MillraceBench

@Suite struct ProcessSamplerTests {
    @Test(
        arguments: [
            ("412 (nginx) S 411 411 400 0 -1 4194624 120 0 0 0 7 9 0 0 20 0 1 0 5 1", 411),
            ("9 (a) b) (c) R 77 9 9 0", 77),
            ("9 (cut", nil),
            ("9 (cut) S", nil),
        ] as [(String, pid_t?)])
    func statText_givesTheParent(stat: String, expected: pid_t?) {
        #expect(ProcessSampler.parent(stat: stat) == expected)
    }

    @Test(
        arguments: [
            ("Name:\tx\nVmHWM:\t  9000 kB\nVmRSS:\t    5120 kB\nThreads:\t1\n", 5_242_880),
            ("Name:\tkthreadd\nThreads:\t1\n", nil),
            ("VmRSS:\t5120\n", nil),
        ] as [(String, Int?)])
    func statusText_givesResidentBytes(status: String, expected: Int?) {
        #expect(ProcessSampler.residentBytes(status: status) == expected)
    }

    @Test func ownProcess_hasTimeAndMemory() throws {
        #expect(try #require(ProcessSampler.cpuNanoseconds(of: getpid())) > 0)
        #expect(try #require(ProcessSampler.residentBytes(of: getpid())) > 1_000_000)
        #expect(ProcessSampler.ownAndChildrenSeconds() > 0)
    }

    @Test func startedChild_isFoundByItsParent() throws {
        let child = try ChildProcess("/bin/cat", [], output: .pipe, errors: "/dev/null")
        let stat = try #require(Files.read("/proc/\(child.identifier)/stat"))
        #expect(ProcessSampler.parent(stat: stat) == getpid())
    }
}

@Suite struct MachineTimeTests {
    private static let stat = "cpu  100 10 50 800 20 7 8 5 3 0\ncpu0 1 2 3 4 5 6 7 8 9 0\nintr 5\n"

    @Test func procStat_givesBusyWithoutInterrupts() {
        #expect(MachineTime(stat: Self.stat) == MachineTime(busy: 165, total: 1000))
    }

    @Test(arguments: ["", "cpu0 1 2 3 4 5 6 7 8", "cpu  1 2 3"])
    func otherText_isNil(stat: String) {
        #expect(MachineTime(stat: stat) == nil)
    }

    @Test(arguments: [(2.0, 0.0), (1.0, 0.1), (3.0, 0.0), (0.0, 0.2)])
    func share_isWhatOwnTimeDoesNotExplain(ownSeconds: Double, expected: Double) {
        let share = MachineTime.otherShare(
            from: MachineTime(busy: 100, total: 1000), to: MachineTime(busy: 300, total: 2000), ownSeconds: ownSeconds, ticksPerSecond: 100)
        #expect(abs(share - expected) < 1e-9)
    }
}
