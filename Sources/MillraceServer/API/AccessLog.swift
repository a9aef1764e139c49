import MillraceCore
import MillraceEventLoop
import MillraceHTTP

/// One structured line for every request, in the logger's format. The lines of one loop's turn are handed to the log's thread together.
/// Confined to its loop.
final class AccessLog: HTTPAccessLog {
    /// What stands between the values, in each format.
    private struct Frame {
        let opening, id, method, path, status, bytes, duration, peer, peerEnd, incomplete, end: StaticString
        /// What quotes a path.
        let quote: StaticString

        static let text = Frame(
            opening: "", id: " info request request_id=", method: " method=", path: " path=", status: " status=", bytes: " bytes=",
            duration: " duration_us=", peer: " peer=", peerEnd: "", incomplete: " complete=false", end: "\n", quote: "")
        static let json = Frame(
            opening: "{\"time\":\"", id: "\",\"level\":\"info\",\"message\":\"request\",\"request_id\":\"",
            method: ",\"method\":\"", path: "\",\"path\":", status: ",\"status\":", bytes: ",\"bytes\":",
            duration: ",\"duration_us\":", peer: ",\"peer\":\"", peerEnd: "\"", incomplete: ",\"complete\":false", end: "}\n",
            quote: "\"")
    }

    private let logger: Logger
    private let frame: Frame
    private let isWritten: Bool
    @exclusivity(unchecked) private var lines = ByteBuffer()
    @exclusivity(unchecked) private var clock = LineClock()

    /// Lines are handed on before the turn's end when so many bytes wait.
    private static let most = 64 << 10

    init(logger: Logger) {
        self.logger = logger
        frame = logger.format == .json ? .json : .text
        isWritten = logger.writes(.info)
    }

    func append(_ record: HTTPAccessRecord) {
        guard isWritten else { return }
        lines.reserve(320)
        lines.append(frame.opening)
        clock.append(monotonic: record.endedAt, to: &lines)
        lines.append(frame.id)
        record.requestID.write(to: &lines)
        lines.append(frame.quote)
        switch record.target {
        case .head(let head):
            append(head.method)
            head.withRawPath(append(path:))
        case .kept(let method, var path):
            append(method)
            path.withUTF8 { append(path: UnsafeRawBufferPointer($0)) }
        case nil: break
        }
        lines.append(frame.status)
        lines.append(decimal: record.statusCode)
        lines.append(frame.bytes)
        lines.append(decimal: record.bytesSent)
        lines.append(frame.duration)
        lines.append(decimal: Int(record.nanoseconds / 1000))
        lines.append(frame.peer)
        lines.append(record.peer)
        lines.append(frame.peerEnd)
        if !record.isComplete { lines.append(frame.incomplete) }
        lines.append(frame.end)
        if lines.count >= Self.most { flush() }
    }

    private func append(_ method: HTTPMethod) {
        lines.append(frame.method)
        lines.append(method.rawValue)  // A token, which no format quotes.
        lines.append(frame.path)
    }

    /// The parser lets no character into a path that JSON would escape; text quotes one that could be taken for another member.
    private func append(path: UnsafeRawBufferPointer) {
        if logger.format == .text, path.isEmpty || path.contains(where: { $0 <= 0x20 || $0 >= 0x7F || $0 == UInt8(ascii: "=") }) {
            lines.append(json: .string(String(decoding: path, as: UTF8.self)))
            return
        }
        lines.append(frame.quote)
        lines.append(path)
        lines.append(frame.quote)
    }

    func flush() {
        guard !lines.isEmpty else { return }
        logger.write(lines)
        if lines.capacity > Self.most { lines.release() } else { lines.removeAll() }
    }
}

/// The time of log lines: the wall clock is asked and its date worked out once a second, and the monotonic clock says the rest.
private struct LineClock: ~Copyable {
    private var prefix = ByteBuffer()
    /// When the second began that `prefix` says, in nanoseconds of the monotonic clock.
    private var secondStart = Int64.min / 2

    /// Appends the time in RFC 3339 form, as ``ByteBuffer/append(timestamp:)`` does.
    mutating func append(monotonic now: Int64, to line: inout ByteBuffer) {
        if now - secondStart >= 1_000_000_000 { begin(at: now) }
        // A moment before the second that was begun for a later one counts as its beginning.
        var rest = max(now - secondStart, 0) / 1000
        line.append(prefix)
        _ = line.appendUninitialized(capacity: 7) { out in
            for i in stride(from: 5, through: 0, by: -1) {
                out[i] = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: rest % 10)
                rest /= 10
            }
            out[6] = UInt8(ascii: "Z")
            return 7
        }
    }

    private mutating func begin(at now: Int64) {
        // The line may have been made a moment ago; what has passed since is taken off.
        let wall = Timestamp(microseconds: Timestamp.now().microseconds - (EventLoop.clock() - now) / 1000)
        let micros = wall.microseconds % 1_000_000
        secondStart = now - micros * 1000
        prefix.removeAll()
        prefix.append(timestamp: wall)
        prefix.truncate(to: 20)
    }
}
