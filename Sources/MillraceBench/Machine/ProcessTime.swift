/// What `/proc/PID/stat` says about a process: who it is, and its CPU time in ticks.
struct ProcessTime: Equatable {
    var name: String
    var parent: Int32
    /// Its own user and system time.
    var ticks: Int
    /// Those of its children that have ended and that it waited for.
    var childTicks: Int
    /// Ticks from the machine's start to the process's.
    var startedAt: Int
    var isKernelThread: Bool

    init(
        name: String, parent: Int32 = 1, ticks: Int, childTicks: Int = 0, startedAt: Int = 0, isKernelThread: Bool = false
    ) {
        self.name = name
        self.parent = parent
        self.ticks = ticks
        self.childTicks = childTicks
        self.startedAt = startedAt
        self.isKernelThread = isKernelThread
    }

    /// Reads the text of `/proc/PID/stat` (proc(5)). The name is in parentheses and may hold any character.
    init?(stat: String) {
        guard let start = stat.firstIndex(of: "("), let end = stat.lastIndex(of: ")"), start < end else { return nil }
        // Behind the name: state, ppid, pgrp, session, tty, tpgid, flags, four counts of faults, utime, stime, cutime, cstime, …, starttime.
        let fields = stat[stat.index(after: end)...].split(separator: " ")
        guard fields.count > 19, let parent = Int32(fields[1]), let flags = UInt32(fields[6]), let user = Int(fields[11]),
            let system = Int(fields[12]), let childUser = Int(fields[13]), let childSystem = Int(fields[14]), let started = Int(fields[19])
        else { return nil }
        // PF_KTHREAD of the kernel's include/linux/sched.h.
        self.init(
            name: String(stat[stat.index(after: start)..<end]), parent: parent, ticks: user + system, childTicks: childUser + childSystem,
            startedAt: started, isKernelThread: flags & 0x0020_0000 != 0)
    }
}

/// CPU time of the whole machine, in ticks over all cores.
struct MachineTime: Equatable {
    /// Time that processes took, and other machines on the same host. Interrupts are not in it: those are mostly our own packets.
    var busy: Int
    /// The part of it that went to other machines on the same host.
    var stolen: Int
    /// All time that passed, idle included.
    var total: Int

    init(busy: Int, stolen: Int = 0, total: Int) {
        self.busy = busy
        self.stolen = stolen
        self.total = total
    }

    /// Reads the first line of `/proc/stat` (proc(5)): user, nice, system, idle, iowait, irq, softirq, steal.
    init?(stat: String) {
        guard let line = stat.split(separator: "\n").first, line.hasPrefix("cpu ") else { return nil }
        let ticks = line.split(separator: " ").dropFirst().prefix(8).compactMap { Int($0) }
        guard ticks.count == 8 else { return nil }
        self.init(busy: ticks[0] + ticks[1] + ticks[2] + ticks[7], stolen: ticks[7], total: ticks.reduce(0, +))
    }
}
