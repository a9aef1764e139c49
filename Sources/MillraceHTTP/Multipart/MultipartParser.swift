/// Takes a `multipart/form-data` body apart as it arrives (RFC 7578; RFC 2046, section 5.1.1). A value without I/O: bytes go in, events come out.
///
/// It holds back no more than a boundary's length of a part's content, and a part's header fields until they are complete.
package struct MultipartParser: Sendable {
    /// What stands before a part's content.
    package struct PartHead: Equatable, Sendable {
        /// The form field's name.
        package var name: String
        /// The file's name as the client gave it; for showing only, never a path.
        package var filename: String?
        /// `Content-Type` as it was sent.
        package var contentType: String?
    }

    package enum Event: Equatable, Sendable {
        case part(PartHead)
        /// A piece of the current part's content.
        case data([UInt8])
        case partEnd
        /// The closing boundary; what follows is ignored.
        case end
    }

    /// What is wrong with a body.
    package struct Failure: Error, Equatable {
        package let reason: String
    }

    private enum State {
        /// Before the first boundary.
        case preamble
        /// Behind a boundary: the line's end or the closing dashes are awaited.
        case boundaryEnd
        case headers
        case content
        case epilogue
    }

    /// `CR LF -- boundary`.
    private let delimiter: [UInt8]
    private var state = State.preamble
    private var buffer: [UInt8]
    private var parts = 0

    /// How many bytes a part's header fields may have.
    private static let headerLimit = 8 << 10
    /// How many parts a body may have.
    private static let partLimit = 64

    /// - Returns: `nil` for a boundary that is none (RFC 2046: 1 to 70 characters).
    package init?(boundary: String) {
        guard (1...70).contains(boundary.utf8.count), boundary.utf8.last != UInt8(ascii: " "),
            boundary.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F })
        else { return nil }
        delimiter = Array("\r\n--\(boundary)".utf8)
        // The first boundary may stand at the very beginning, without a line's end before it.
        buffer = [0x0D, 0x0A]
    }

    /// Whether the closing boundary has come; a body that ends earlier is cut.
    package var isComplete: Bool { state == .epilogue }

    /// Takes the next bytes.
    package mutating func receive(_ bytes: [UInt8]) throws(Failure) -> [Event] {
        guard state != .epilogue else { return [] }
        buffer += bytes
        var events: [Event] = []
        var start = 0
        loop: while true {
            switch state {
            case .preamble:
                guard let found = find(delimiter, from: start) else {
                    start = max(start, buffer.count - delimiter.count + 1)
                    break loop
                }
                start = found + delimiter.count
                state = .boundaryEnd
            case .boundaryEnd:
                // White space may stand behind a boundary.
                var end = start
                while end < buffer.count, buffer[end] == 0x20 || buffer[end] == 0x09 { end += 1 }
                guard end - start <= 64 else { throw Failure(reason: "a boundary is followed by too much white space") }
                guard buffer.count - end >= 2 else { break loop }
                if buffer[end] == 0x0D, buffer[end + 1] == 0x0A {
                    // The line's end also begins an empty block of header fields.
                    start = end
                    state = .headers
                } else if end == start, buffer[end] == UInt8(ascii: "-"), buffer[end + 1] == UInt8(ascii: "-") {
                    events.append(.end)
                    state = .epilogue
                    buffer = []
                    return events
                } else {
                    throw Failure(reason: "a boundary is followed by something else than a line's end")
                }
            case .headers:
                guard let end = find([0x0D, 0x0A, 0x0D, 0x0A], from: start) else {
                    guard buffer.count - start <= Self.headerLimit else { throw Failure(reason: "a part's header is too long") }
                    break loop
                }
                guard end - start <= Self.headerLimit else { throw Failure(reason: "a part's header is too long") }
                parts += 1
                guard parts <= Self.partLimit else { throw Failure(reason: "the form has more than \(Self.partLimit) parts") }
                events.append(.part(try Self.head(buffer[start..<end])))
                // The content's first line end may already be the delimiter's.
                start = end + 2
                state = .content
                buffer.removeFirst(start)
                start = 0
                isAtContentStart = true
            case .content:
                let from = start
                guard let found = find(delimiter, from: from) else {
                    let safe = buffer.count - delimiter.count + 1
                    let begin = from + contentOffset(from)
                    if safe > begin {
                        events.append(.data(Array(buffer[begin..<safe])))
                        isAtContentStart = false
                        start = safe
                    }
                    break loop
                }
                let begin = min(from + contentOffset(from), found)
                if found > begin { events.append(.data(Array(buffer[begin..<found]))) }
                isAtContentStart = false
                events.append(.partEnd)
                start = found + delimiter.count
                state = .boundaryEnd
            case .epilogue: break loop
            }
        }
        buffer.removeFirst(start)
        return events
    }

    /// Whether the line's end that closes the header fields still stands before the content.
    private var isAtContentStart = false

    private func contentOffset(_ position: Int) -> Int { isAtContentStart ? 2 : 0 }

    private func find(_ wanted: [UInt8], from start: Int) -> Int? {
        let last = buffer.count - wanted.count
        guard start <= last else { return nil }
        return buffer.withUnsafeBufferPointer { bytes in
            wanted.withUnsafeBufferPointer { wanted in
                var position = start
                while position <= last {
                    if bytes[position] == wanted[0] {
                        var length = 1
                        while length < wanted.count, bytes[position + length] == wanted[length] { length += 1 }
                        if length == wanted.count { return position }
                    }
                    position += 1
                }
                return nil
            }
        }
    }

    /// Reads a part's header fields: only `Content-Disposition` and `Content-Type` mean anything (RFC 7578, section 4.8).
    private static func head(_ bytes: ArraySlice<UInt8>) throws(Failure) -> PartHead {
        guard let text = String(validating: bytes, as: UTF8.self) else { throw Failure(reason: "a part's header is not UTF-8") }
        var head: PartHead?
        var contentType: String?
        for line in text.split(separator: "\r\n") {
            guard let colon = line.firstIndex(of: ":") else { throw Failure(reason: "a part's header field has no colon") }
            let value = line[line.index(after: colon)...]
            switch line[..<colon].lowercased() {
            case "content-disposition":
                guard let disposition = ContentDisposition(parsing: String(value)), disposition.type == "form-data",
                    let name = disposition.parameters["name"]
                else { throw Failure(reason: "a part's Content-Disposition is not form-data with a name") }
                head = PartHead(name: name, filename: disposition.filename)
            case "content-type":
                contentType = String(value.drop { $0 == " " || $0 == "\t" })
            default: break
            }
        }
        guard var head else { throw Failure(reason: "a part has no Content-Disposition") }
        head.contentType = contentType
        return head
    }
}
