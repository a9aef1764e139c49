import Glibc
import MillraceCore

/// What a logger writes, in a file without a name.
struct LogFile {
    private let descriptor: Int32
    let logger: Logger

    init() {
        var name = Array("/tmp/millrace-log-XXXXXX".utf8CString)
        descriptor = mkstemp(&name)
        precondition(descriptor >= 0, "no file can be made in /tmp")
        unlink(name)
        logger = Logger(sink: LogSink(descriptor: descriptor), level: .debug)
    }

    /// Everything that was logged so far.
    var text: String {
        logger.flush()
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        return String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self)
    }
}
