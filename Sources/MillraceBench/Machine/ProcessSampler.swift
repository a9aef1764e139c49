import Glibc

/// What the kernel says about processes and the machine.
enum ProcessSampler {
    /// CPU time of processes, all their threads, in nanoseconds: user and system time as in `/proc/PID/stat`, not rounded to ticks.
    static func cpuNanoseconds(of processes: [pid_t]) -> Int { processes.reduce(0) { $0 + (cpuNanoseconds(of: $1) ?? 0) } }

    static func cpuNanoseconds(of process: pid_t) -> Int? {
        var clock = clockid_t()
        var time = timespec()
        guard clock_getcpuclockid(process, &clock) == 0, clock_gettime(clock, &time) == 0 else { return nil }
        return time.tv_sec * 1_000_000_000 + time.tv_nsec
    }

    /// Resident memory of processes that do one work: what each has for itself, and once what they map from files, such as one program.
    static func residentBytes(of processes: [pid_t]) -> Int {
        let all = processes.compactMap { Files.read("/proc/\($0)/status").flatMap { ResidentMemory(status: $0) } }
        return ResidentMemory.together(all)
    }

    /// The machine and all that runs on it.
    static func snapshot() -> MachineSnapshot? {
        guard let machine = Files.read("/proc/stat").flatMap({ MachineTime(stat: $0) }) else { return nil }
        return MachineSnapshot(machine: machine, processes: processes())
    }

    /// What others took from the machine since then: all that is neither this process nor one that it started.
    static func disturbance(since before: MachineSnapshot?) -> Disturbance? {
        guard let before, let after = snapshot() else { return nil }
        let own = tree(of: getpid(), in: after.processes) + tree(of: getpid(), in: before.processes)
        return Disturbance(from: before, to: after, own: Set(own))
    }

    /// All processes that are visible here.
    static func processes() -> [pid_t: ProcessTime] {
        var found: [pid_t: ProcessTime] = [:]
        for name in Files.names(in: "/proc") {
            guard let identifier = pid_t(name), let stat = Files.read("/proc/\(identifier)/stat") else { continue }
            found[identifier] = ProcessTime(stat: stat)
        }
        return found
    }

    /// A process and all that it started, and they in turn.
    static func tree(of root: pid_t, in processes: [pid_t: ProcessTime]) -> [pid_t] {
        var tree: [pid_t] = processes[root] == nil ? [] : [root]
        var next = 0
        while next < tree.count {
            tree += processes.filter { $0.value.parent == tree[next] }.keys.sorted()
            next += 1
        }
        return tree
    }

    /// Open descriptors and threads of a process.
    static func descriptors(of process: pid_t) -> Int { Files.names(in: "/proc/\(process)/fd").count }
    static func threads(of process: pid_t) -> Int { Files.names(in: "/proc/\(process)/task").count }
}

/// The parts of a process's resident memory, in bytes.
struct ResidentMemory: Equatable {
    var anonymous: Int
    /// Of files and of memory that is shared by name.
    var mapped: Int

    init(anonymous: Int, mapped: Int) {
        self.anonymous = anonymous
        self.mapped = mapped
    }

    /// Reads `RssAnon`, `RssFile` and `RssShmem` of `/proc/PID/status` (proc(5)); a kernel thread has none.
    init?(status: String) {
        var kilobytes: [Substring: Int] = [:]
        for line in status.split(separator: "\n") where line.hasPrefix("Rss") {
            let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" })
            if words.count == 3, words[2] == "kB" { kilobytes[words[0]] = Int(words[1]) }
        }
        guard let anonymous = kilobytes["RssAnon:"] else { return nil }
        self.init(anonymous: anonymous * 1024, mapped: ((kilobytes["RssFile:"] ?? 0) + (kilobytes["RssShmem:"] ?? 0)) * 1024)
    }

    static func together(_ all: [ResidentMemory]) -> Int { all.reduce(0) { $0 + $1.anonymous } + (all.map(\.mapped).max() ?? 0) }
}
