import Glibc

/// What this process costs, which is that of the servers and clients of a test together.
enum OwnProcess {
    /// Memory that is resident now, in bytes.
    static var residentBytes: Int { ProcessStatus.residentBytes(of: getpid()) }
    /// Open descriptors.
    static var descriptors: Int { ProcessStatus.descriptors(of: getpid()) }

    /// Waits until at most so many descriptors are open; returns how many are.
    static func settle(descriptors limit: Int) -> Int {
        for _ in 0..<200 where descriptors > limit { TestFiles.pause(milliseconds: 25) }
        return descriptors
    }
}

/// What the kernel says of a process (proc(5)).
enum ProcessStatus {
    /// Memory that is resident now, in bytes.
    static func residentBytes(of process: pid_t) -> Int {
        let line = TestFiles.read("/proc/\(process)/status").split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
        return (line?.split(separator: " ").compactMap { Int($0) }.first ?? 0) << 10
    }

    /// Open descriptors; 0 for a process that is gone.
    static func descriptors(of process: pid_t) -> Int {
        guard let folder = opendir("/proc/\(process)/fd") else { return 0 }
        defer { closedir(folder) }
        var count = 0
        while readdir(folder) != nil { count += 1 }
        // Without "." and "..", and the descriptor that lists one's own.
        return count - 2 - (process == getpid() ? 1 : 0)
    }

    /// Processor time that was used so far, in milliseconds.
    static func processorMilliseconds(of process: pid_t) -> Int {
        // The second field is a name in parentheses that may hold spaces.
        let text = TestFiles.read("/proc/\(process)/stat")
        guard let end = text.lastIndex(of: ")") else { return 0 }
        let fields = text[end...].split(separator: " ")
        guard fields.count > 13, let user = Int(fields[12]), let system = Int(fields[13]) else { return 0 }
        return (user + system) * 1000 / sysconf(Int32(_SC_CLK_TCK))
    }
}

/// The clock by which tests measure how long something took.
enum MonotonicClock {
    static func milliseconds() -> Int {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        return now.tv_sec * 1000 + now.tv_nsec / 1_000_000
    }
}
