import Glibc
import MillraceCore

extension Terminal {
    /// Standard input to its end.
    /// - Throws: ``ErrorCode/limitExceeded`` for more than `limit` bytes; ``ErrorCode/cancelled`` after Ctrl-C.
    func readAll(limit: Int) throws(MillraceError) -> [UInt8] { try read(limit: limit) { _ in false } }

    /// A line that is typed without being shown, without its end.
    /// - Throws: as ``readAll(limit:)``.
    func readHiddenLine(_ prompt: String, limit: Int) throws(MillraceError) -> [UInt8] {
        var shown = termios()
        guard tcgetattr(0, &shown) == 0 else { throw MillraceError(.system, "the terminal cannot hide what is typed: use --value-file") }
        var hidden = shown
        hidden.c_lflag &= ~tcflag_t(ECHO)
        guard tcsetattr(0, TCSAFLUSH, &hidden) == 0 else {
            throw MillraceError(.system, "the terminal cannot hide what is typed: use --value-file")
        }
        defer {
            tcsetattr(0, TCSAFLUSH, &shown)
            write(.error, "\n")
        }
        // Who is asked can type at once: what was typed before is thrown away by the switch.
        write(.error, prompt)
        return try read(limit: limit) { $0 == 0x0A }
    }

    private func read(limit: Int, until isEnd: (UInt8) -> Bool) throws(MillraceError) -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while true {
            // Ctrl-C may come between the prompt and the reading, which it would not interrupt then.
            var sources = [pollfd(fd: 0, events: Int16(POLLIN), revents: 0)]
            sources.append(pollfd(fd: InterruptSignal.descriptor, events: Int16(POLLIN), revents: 0))
            let ready = poll(&sources, 2, -1)
            if InterruptSignal.count > 0 { throw MillraceError(.cancelled, "interrupted") }
            if ready < 0, errno == EINTR { continue }
            let count = Glibc.read(0, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw MillraceError(.system, "cannot read standard input: \(String(cString: strerror(errno)))") }
            if let end = chunk[..<count].firstIndex(where: isEnd) { return bytes + chunk[..<end] }
            if count == 0 { return bytes }
            bytes += chunk[..<count]
            guard bytes.count <= limit else { throw MillraceError(.limitExceeded, "the input is longer than \(limit) bytes") }
        }
    }
}
