import Glibc
import MillraceCore

/// Collects what a server logs, or what a child process writes: a pipe with a thread that reads it.
final class LogCapture: Sendable {
    private let text = Monitor("")
    /// Where the writer writes.
    let writeEnd: Int32
    private let readEnd: Int32
    private let thread = Locked<NamedThread?>(nil)

    init() throws {
        let pipe = try Pipe()
        readEnd = pipe.readEnd
        writeEnd = pipe.writeEnd
        let (readEnd, text) = (readEnd, text)
        let started = try NamedThread(name: "log-capture") {
            var chunk = [UInt8](repeating: 0, count: 65536)
            while true {
                let count = read(readEnd, &chunk, chunk.count)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { return }
                text.updateAndWakeAll { $0 += String(decoding: chunk[..<count], as: UTF8.self) }
            }
        }
        thread.withLock { $0 = started }
    }

    /// All that was written so far.
    var all: String {
        var copy = ""
        text.update { text in
            copy = text
            return false
        }
        return copy
    }

    /// Blocks until a line holds all the words, and returns it; `nil` when none does in time.
    func waitForLine(_ words: String..., seconds: Int64 = 20) -> String? {
        text.wait(nanoseconds: seconds * 1_000_000_000) { text in
            text.split(separator: "\n").first { line in words.allSatisfy { line.contains($0) } }.map(String.init)
        }
    }

    /// Blocks until so many lines hold all the words; false when that did not happen in time.
    func waitForLine(_ words: String..., count: Int, seconds: Int64 = 20) -> Bool {
        text.wait(nanoseconds: seconds * 1_000_000_000) { text in
            text.split(separator: "\n").count { line in words.allSatisfy { line.contains($0) } } >= count ? true : nil
        } ?? false
    }

    /// Ends the capture, once every writer but this process has closed its end.
    func stop() {
        guard
            let running = thread.withLock({ thread in
                defer { thread = nil }
                return thread
            })
        else { return }
        close(writeEnd)
        running.join()
        close(readEnd)
    }
}
