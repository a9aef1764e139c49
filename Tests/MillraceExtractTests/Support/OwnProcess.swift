import FoundationEssentials
import Glibc

/// What the kernel says of processes (proc(5)).
enum OwnProcess {
    /// The descriptors that this process has open.
    static func descriptors() -> Int { entries("/proc/self/fd").count }

    /// The processes whose parent is this one, or another; also those that have ended and that nobody has waited for.
    static func children(of parent: pid_t = getpid()) -> [pid_t] {
        entries("/proc").compactMap { pid_t($0) }.filter { status($0)?.parent == parent }
    }

    /// Whether there is such a process that has not ended.
    static func isRunning(_ process: pid_t) -> Bool { status(process).map { $0.state != "Z" && $0.state != "X" } ?? false }

    private static func status(_ process: pid_t) -> (state: Substring, parent: pid_t)? {
        guard let data = try? Data(contentsOf: URL(filePath: "/proc/\(process)/stat")) else { return nil }
        // Behind the name, which may hold anything.
        let text = String(decoding: data, as: UTF8.self)
        guard let end = text.lastIndex(of: ")") else { return nil }
        let fields = text[text.index(after: end)...].split(separator: " ")
        guard fields.count > 1, let parent = pid_t(fields[1]) else { return nil }
        return (fields[0], parent)
    }

    private static func entries(_ path: String) -> [String] {
        guard let directory = opendir(path) else { return [] }
        defer { closedir(directory) }
        var found: [String] = []
        while let entry = readdir(directory) {
            found.append(
                withUnsafePointer(to: &entry.pointee.d_name) { $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) } }
            )
        }
        return found
    }
}
