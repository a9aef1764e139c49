import Glibc
import MillraceCore

/// The address space of this process: it grows with each thread that has ended and that nobody joined, which keeps its stack.
///
/// Other tests' threads count too: measure in an exit test's process (`#expect(processExitsWith:)`).
package enum AddressSpace {
    /// In bytes (proc(5), `statm`).
    package static func size() throws -> Int {
        guard let file = fopen("/proc/self/statm", "r") else { throw MillraceError(.internal, "/proc/self/statm: errno \(errno)") }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        guard fgets(&line, Int32(line.count), file) != nil else { throw MillraceError(.internal, "/proc/self/statm is empty") }
        return atol(line) * Int(sysconf(Int32(_SC_PAGESIZE)))
    }

    /// What a new thread's stack takes, in bytes.
    package static func stackSize() -> Int {
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        var size = 0
        pthread_attr_getstacksize(&attributes, &size)
        return size
    }
}
