import Glibc

/// What the kernel says about processes and the machine.
enum ProcessSampler {
    /// CPU time of a process, all its threads, in nanoseconds: user and system time as in `/proc/PID/stat`, not rounded to ticks.
    static func cpuNanoseconds(of process: pid_t) -> Int? {
        var clock = clockid_t()
        var time = timespec()
        guard clock_getcpuclockid(process, &clock) == 0, clock_gettime(clock, &time) == 0 else { return nil }
        return time.tv_sec * 1_000_000_000 + time.tv_nsec
    }

    /// Resident memory in bytes.
    static func residentBytes(of process: pid_t) -> Int? {
        Files.read("/proc/\(process)/status").flatMap { residentBytes(status: $0) }
    }

    /// The machine's CPU time up to now.
    static func machine() -> MachineTime? { Files.read("/proc/stat").flatMap { MachineTime(stat: $0) } }

    /// CPU time of this program and of all its children that have ended, with their children, in seconds.
    static func ownAndChildrenSeconds() -> Double {
        [RUSAGE_SELF, RUSAGE_CHILDREN].map { who in
            var usage = rusage()
            getrusage(who.rawValue, &usage)
            return Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6
        }.reduce(0, +)
    }

    /// The first child of a process.
    static func child(of process: pid_t) -> pid_t? {
        guard let directory = opendir("/proc") else { return nil }
        defer { closedir(directory) }
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            guard let candidate = pid_t(name), let stat = Files.read("/proc/\(candidate)/stat") else { continue }
            if parent(stat: stat) == process { return candidate }
        }
        return nil
    }

    /// The parent in the text of `/proc/PID/stat` (proc(5)). The name before it is in parentheses and may hold any character.
    static func parent(stat: String) -> pid_t? {
        guard let end = stat.lastIndex(of: ")") else { return nil }
        let fields = stat[stat.index(after: end)...].split(separator: " ")
        return fields.count > 1 ? pid_t(fields[1]) : nil
    }

    /// `VmRSS` in the text of `/proc/PID/status`, in bytes.
    static func residentBytes(status: String) -> Int? {
        for line in status.split(separator: "\n") where line.hasPrefix("VmRSS:") {
            let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" })
            return words.count == 3 && words[2] == "kB" ? Int(words[1]).map { $0 * 1024 } : nil
        }
        return nil
    }
}

/// CPU time of the whole machine, in ticks over all cores.
struct MachineTime: Equatable {
    /// Time that processes took, and other machines on the same host. Interrupts are not in it: those are mostly our own packets.
    var busy: Int
    /// All time that passed, idle included.
    var total: Int

    init(busy: Int, total: Int) {
        self.busy = busy
        self.total = total
    }

    /// Reads the first line of `/proc/stat` (proc(5)): user, nice, system, idle, iowait, irq, softirq, steal.
    init?(stat: String) {
        guard let line = stat.split(separator: "\n").first, line.hasPrefix("cpu ") else { return nil }
        let ticks = line.split(separator: " ").dropFirst().prefix(8).compactMap { Int($0) }
        guard ticks.count == 8 else { return nil }
        self.init(busy: ticks[0] + ticks[1] + ticks[2] + ticks[7], total: ticks.reduce(0, +))
    }

    /// The share of the CPU that went to others than the ones whose time is known, from 0 to 1.
    static func otherShare(from before: MachineTime, to after: MachineTime, ownSeconds: Double, ticksPerSecond: Int) -> Double {
        let total = after.total - before.total
        guard total > 0 else { return 0 }
        return max(0, Double(after.busy - before.busy) - ownSeconds * Double(ticksPerSecond)) / Double(total)
    }
}
