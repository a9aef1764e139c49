import MillraceCore

/// Cuts a stream of JSON lines (NDJSON) into its lines, wherever the bytes are cut. Pure.
///
/// A line ends with LF or CR LF; empty lines are dropped, as is a byte order mark at the start. The last line need not be ended.
struct JSONLinesSplitter: Sendable {
    private let limit: Int
    private var line: [UInt8] = []
    private var isAtStart = true

    /// - Parameter limit: the most bytes of one line (default: 4 MiB).
    init(limit: Int = 4 << 20) { self.limit = limit }

    /// Takes the next bytes.
    /// - Returns: the lines that they complete.
    /// - Throws: ``ErrorCode/limitExceeded`` for a line over the limit.
    mutating func receive(_ bytes: UnsafeRawBufferPointer) throws(MillraceError) -> [[UInt8]] {
        var lines: [[UInt8]] = []
        var rest = bytes[...]
        while let newline = rest.firstIndex(of: UInt8(ascii: "\n")) {
            try take(rest[..<newline])
            if let line = finish() { lines.append(line) }
            rest = rest[(newline + 1)...]
        }
        try take(rest)
        return lines
    }

    /// The stream has ended.
    /// - Returns: the line that nothing ended; `nil` for none.
    mutating func end() -> [UInt8]? { finish() }

    private mutating func take(_ bytes: Slice<UnsafeRawBufferPointer>) throws(MillraceError) {
        // One more, for the CR that may belong to the line's end.
        guard line.count + bytes.count <= limit + 1 else { throw tooLong() }
        line += bytes
        if line.count > limit, line.last != UInt8(ascii: "\r") { throw tooLong() }
    }

    private func tooLong() -> MillraceError { MillraceError(.limitExceeded, "the stream holds a line of more than \(limit) bytes") }

    private mutating func finish() -> [UInt8]? {
        defer {
            line.removeAll(keepingCapacity: true)
            isAtStart = false
        }
        if isAtStart, line.starts(with: [0xEF, 0xBB, 0xBF]) { line.removeFirst(3) }
        if line.last == UInt8(ascii: "\r") { line.removeLast() }
        return line.allSatisfy { $0 == 0x20 || $0 == 0x09 } ? nil : line
    }
}
