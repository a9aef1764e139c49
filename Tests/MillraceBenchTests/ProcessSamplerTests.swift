import Glibc
import Testing

@testable import MillraceBench

@Suite struct ProcessSamplerTests {
    @Test(
        arguments: [
            (
                "Name:\tx\nVmRSS:\t 7120 kB\nRssAnon:\t 5120 kB\nRssFile:\t 1024 kB\nRssShmem:\t 1 kB\n",
                ResidentMemory(anonymous: 5_242_880, mapped: 1_049_600)
            ),
            ("RssAnon:\t 1 kB\n", ResidentMemory(anonymous: 1024, mapped: 0)),
            ("Name:\tkthreadd\nThreads:\t1\n", nil),
            ("RssAnon:\t5120\n", nil),
        ] as [(String, ResidentMemory?)])
    func statusText_givesResidentMemory(status: String, expected: ResidentMemory?) {
        #expect(ResidentMemory(status: status) == expected)
    }

    @Test func severalProcesses_countWhatTheyMapOnce() {
        #expect(ResidentMemory.together([.init(anonymous: 10, mapped: 5), .init(anonymous: 20, mapped: 7)]) == 37)
        #expect(ResidentMemory.together([]) == 0)
    }

    @Test func ownProcess_hasTimeMemoryDescriptorsAndThreads() throws {
        #expect(try #require(ProcessSampler.cpuNanoseconds(of: getpid())) > 0)
        #expect(ProcessSampler.residentBytes(of: [getpid()]) > 1_000_000)
        #expect(ProcessSampler.descriptors(of: getpid()) > 2 && ProcessSampler.threads(of: getpid()) > 0)
    }

    @Test func startedChildren_areInTheTree() throws {
        var child = try ChildProcess("/bin/sh", ["-c", "sleep 60 & echo started; wait"], output: .pipe, errors: "/dev/null")
        #expect(child.nextLine() == "started")
        let tree = ProcessSampler.tree(of: child.identifier, in: ProcessSampler.processes())
        #expect(tree.count == 2 && tree.first == child.identifier)
        #expect(ProcessSampler.tree(of: getpid(), in: ProcessSampler.processes()).contains(tree[1]))
    }

    @Test func childThatIsLetGo_takesItsOwnChildrenAlong() throws {
        func grandchild() throws -> pid_t {
            var child = try ChildProcess("/bin/sh", ["-c", "trap '' TERM; sleep 60 & echo $!; wait"], output: .pipe, errors: "/dev/null")
            return try #require(pid_t(child.nextLine() ?? ""))
        }
        let identifier = try grandchild()
        // Killed, and reaped or about to be by whoever inherits it; the kernel takes its moment for it.
        func isGone() -> Bool { kill(identifier, 0) != 0 || (Files.read("/proc/\(identifier)/cmdline") ?? "").isEmpty }
        for _ in 0..<2000 where !isGone() { usleep(5000) }
        #expect(isGone())
    }

    @Test func inheritedOrphans_areWaitedForWithTheirParent() async {
        // In a process of its own: whose orphans it inherits is a property of the whole process.
        await #expect(processExitsWith: .success) {
            ChildProcess.inheritOrphans()
            func orphan() throws -> pid_t {
                var child = try ChildProcess("/bin/sh", ["-c", "sleep 60 & echo $!; wait"], output: .pipe, errors: "/dev/null")
                return try #require(pid_t(child.nextLine() ?? ""))
            }
            let identifier = try orphan()
            // It is not only killed: its time has been added to this process's children, and nobody is left to be waited for.
            #expect(kill(identifier, 0) == -1 && errno == ESRCH)
            #expect(waitpid(-1, nil, WNOHANG) == -1 && errno == ECHILD)
        }
    }

    @Test func processThatIsAskedToEnd_givesItsStatus() throws {
        var child = try ChildProcess(
            "/bin/sh", ["-c", "trap 'exit 7' TERM; echo ready; while :; do sleep 0.01; done"], output: .pipe, errors: "/dev/null")
        #expect(child.nextLine() == "ready")
        #expect(child.end(within: 10) == 7)
    }

    @Test func input_reachesTheChild() throws {
        var child = try ChildProcess("/bin/cat", [], output: .pipe, errors: "/dev/null", takesInput: true)
        child.send("word\n")
        #expect(child.nextLine() == "word")
    }
}

@Suite struct ProcessTimeTests {
    private static func stat(_ name: String, flags: Int = 4_194_624) -> String {
        "412 (\(name)) S 411 411 400 0 -1 \(flags) 120 0 0 0 7 9 20 30 20 0 1 0 5678 1000 1"
    }

    @Test(arguments: ["nginx", "a) b) (c", ""])
    func statText_isReadWhateverTheName(name: String) {
        #expect(
            ProcessTime(stat: Self.stat(name)) == ProcessTime(name: name, parent: 411, ticks: 16, childTicks: 50, startedAt: 5678))
    }

    @Test func kernelThread_isKnownByItsFlag() {
        #expect(ProcessTime(stat: Self.stat("kworker", flags: 69_238_880))?.isKernelThread == true)
    }

    @Test(arguments: ["", "9 (cut", "9 (cut) S 1 2 3", "9 cut S 1"])
    func otherText_isNil(stat: String) {
        #expect(ProcessTime(stat: stat) == nil)
    }
}

@Suite struct MachineTimeTests {
    @Test func procStat_givesBusyWithoutInterrupts() {
        #expect(
            MachineTime(stat: "cpu  100 10 50 800 20 7 8 5 3 0\ncpu0 1 2 3 4 5 6 7 8 9 0\nintr 5\n")
                == MachineTime(busy: 165, stolen: 5, total: 1000))
    }

    @Test(arguments: ["", "cpu0 1 2 3 4 5 6 7 8", "cpu  1 2 3"])
    func otherText_isNil(stat: String) {
        #expect(MachineTime(stat: stat) == nil)
    }
}
