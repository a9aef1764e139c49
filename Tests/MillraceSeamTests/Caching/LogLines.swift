import Glibc
import MillraceCore
import MillraceCounterparts

/// A log that a test reads.
final class LogLines: Sendable {
    private let directory: TemporaryDirectory
    private let sink: LogSink
    private let descriptor: Int32

    init() throws {
        directory = try TemporaryDirectory()
        descriptor = open(directory.path + "/log", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        sink = LogSink(descriptor: descriptor)
    }

    deinit {
        sink.stop()
        close(descriptor)
    }

    var logger: Logger { Logger(sink: sink) }

    /// What was logged so far.
    var lines: [String] {
        sink.flush()
        let bytes = (try? BoundedFile.read(directory.path + "/log", limit: 1 << 20)) ?? []
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
    }
}
