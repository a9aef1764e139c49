import Glibc

/// Standard output and standard error.
struct Terminal {
    enum Stream: Int32, Equatable {
        case output = 1
        case error = 2
    }

    func isTerminal(_ stream: Stream) -> Bool { isatty(stream.rawValue) == 1 }
    var inputIsTerminal: Bool { isatty(0) == 1 }

    /// Writes all of the text; a reader that went away ends nothing but the writing.
    func write(_ stream: Stream, _ text: String) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let n = bytes.withUnsafeBytes { Glibc.write(stream.rawValue, $0.baseAddress, $0.count) }
            if n > 0 { bytes = bytes.dropFirst(n) } else if n < 0, errno != EINTR { return }
        }
    }
}
