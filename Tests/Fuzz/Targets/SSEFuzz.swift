import MillraceCore

@testable import Millrace

/// An event stream read the plain way: the text as a whole, line by line, as WHATWG HTML, section 9.2.6, has it.
private struct PlainEventStream: Equatable {
    var messages: [SSEMessage] = []
    var lastEventID = ""
    var retryMilliseconds: Int?
    var comments = 0

    init(_ bytes: [UInt8]) {
        var bytes = bytes[...]
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes = bytes.dropFirst(3) }
        var lines: [[UInt8]] = [[]]
        var previous: UInt8 = 0
        for byte in bytes {
            if byte == 0x0D || byte == 0x0A && previous != 0x0D { lines.append([]) }
            if byte != 0x0D && byte != 0x0A { lines[lines.count - 1].append(byte) }
            previous = byte
        }
        // The last line was not ended.
        lines.removeLast()
        var event: [UInt8] = []
        var data: [[UInt8]] = []
        for line in lines {
            if line.isEmpty {
                if !data.isEmpty {
                    messages.append(
                        SSEMessage(
                            event: event.isEmpty ? "message" : String(decoding: event, as: UTF8.self), id: lastEventID,
                            data: String(decoding: Array(data.joined(separator: [0x0A])), as: UTF8.self)))
                }
                event = []
                data = []
            } else if line[0] == 0x3A {
                comments += 1
            } else {
                let parts = line.split(separator: 0x3A, maxSplits: 1, omittingEmptySubsequences: false)
                var value = parts.count == 2 ? Array(parts[1]) : []
                if value.first == 0x20 { value.removeFirst() }
                switch Array(parts[0]) {
                case Array("event".utf8): event = value
                case Array("data".utf8): data.append(value)
                case Array("id".utf8) where !value.contains(0): lastEventID = String(decoding: value, as: UTF8.self)
                case Array("retry".utf8) where !value.isEmpty && value.allSatisfy { (0x30...0x39).contains($0) }:
                    if let number = Int(String(decoding: value, as: UTF8.self)) { retryMilliseconds = number }
                default: break
                }
            }
        }
    }

    /// What our reader says, piece by piece.
    init(reading pieces: [[UInt8]]) throws(Disagreement) {
        var parser = SSEParser()
        for piece in pieces {
            do throws(SSEParser.Failure) { messages += try parser.receive(piece) } catch {
                throw Disagreement("a short stream is too long")
            }
        }
        lastEventID = parser.lastEventID
        retryMilliseconds = parser.retryMilliseconds
        comments = parser.comments
    }
}

extension FuzzTarget {
    /// An event stream of others: whole, in pieces and read the plain way alike; and any text of ours goes through a stream unharmed.
    static let sse = FuzzTarget("sse") { (bytes) throws(Disagreement) in
        let plain = PlainEventStream(bytes)
        try expectEqual(try PlainEventStream(reading: [bytes]), plain, "an event stream")
        for pieces in Pieces.cuts(of: bytes) {
            try expectEqual(try PlainEventStream(reading: pieces), plain, "an event stream in \(pieces.count) pieces")
        }
        // A limit fails at the same byte however the stream is cut; what came before it was handed on.
        for pieces in [[bytes]] + Pieces.cuts(of: bytes) {
            var parser = SSEParser(limit: 20)
            var isOver = false
            for piece in pieces where !isOver {
                do throws(SSEParser.Failure) { _ = try parser.receive(piece) } catch { isOver = true }
            }
            try expectEqual(isOver, exceeds(bytes, limit: 20), "whether a stream is over its limit, in \(pieces.count) pieces")
        }
        let text = String(decoding: bytes, as: UTF8.self)
        var encoder = EventEncoder(responseID: "r_1")
        var buffer = ByteBuffer()
        let events: [Event] = [
            Event(.content, .content(text)), Event(.status, .status(status: text, message: text, discardedBlocks: [1])),
            Event(.metadata, .custom([text: .string(text)])),
        ]
        for (index, event) in events.enumerated() {
            encoder.append(event, sequence: index + 1, at: EventStamp(Timestamp(microseconds: 0)), block: nil, to: &buffer)
        }
        let sent = try PlainEventStream(reading: [buffer.bytes])
        try expectEqual(sent.messages.map(\.id), ["r_1:1", "r_1:2", "r_1:3"], "the ids of events of ours")
        guard let content = try? JSONValue(parsing: sent.messages[0].data), let status = try? JSONValue(parsing: sent.messages[1].data),
            (try? JSONValue(parsing: sent.messages[2].data)) != nil
        else { throw Disagreement("an event of ours is not JSON: \(sent.messages)") }
        try expectEqual(content["content"]?.string.map { Array($0.utf8) }, Array(text.utf8), "a text in an event of ours")
        try expectEqual(status["message"]?.string.map { Array($0.utf8) }, Array(text.utf8), "a message in an event of ours")
    }

    /// Whether a line, with the data before it, has more bytes than the limit.
    private static func exceeds(_ bytes: [UInt8], limit: Int) -> Bool {
        var line = 0
        var data = 0
        var hasData = false
        var previous: UInt8 = 0
        var content: [UInt8] = []
        var isFirst = true
        for byte in bytes {
            defer { previous = byte }
            if byte == 0x0A && previous == 0x0D { continue }
            guard byte == 0x0D || byte == 0x0A else {
                line += 1
                content.append(byte)
                if line + data > limit { return true }
                continue
            }
            if isFirst, content.starts(with: [0xEF, 0xBB, 0xBF]) { content.removeFirst(3) }
            isFirst = false
            if content.isEmpty {
                data = 0
                hasData = false
            } else if content.prefix(while: { $0 != 0x3A }).elementsEqual("data".utf8) {
                let value = content.drop { $0 != 0x3A }.dropFirst()
                data += (hasData ? 1 : 0) + (value.first == 0x20 ? value.count - 1 : value.count)
                hasData = true
            }
            line = 0
            content = []
        }
        return false
    }
}
