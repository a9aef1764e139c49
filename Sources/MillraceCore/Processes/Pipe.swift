import CLinux
import Glibc

/// The two ends of a pipe that no other program inherits.
///
/// `pipe` with a later `fcntl` leaves a moment in which a program that another thread starts gets both ends, and who waits for the pipe's end
/// waits for that program's.
package struct Pipe: Sendable {
    package let readEnd: Int32
    package let writeEnd: Int32

    /// - Throws: ``MillraceError`` with ``ErrorCode/system`` where the process or the system has no descriptors left.
    package init() throws(MillraceError) {
        var ends: [Int32] = [-1, -1]
        let error = cl_pipe(&ends)
        guard error == 0 else { throw MillraceError(.system, "cannot make a pipe: \(String(cString: strerror(-error)))") }
        (readEnd, writeEnd) = (ends[0], ends[1])
    }

    package func close() {
        Glibc.close(readEnd)
        Glibc.close(writeEnd)
    }
}
