import MillraceCore

@testable import MillraceAWS

private struct EventStreamOutcome: Equatable {
    var messages: [EventStreamMessage] = []
    var failure: EventStreamDecoder.Failure?
    var atEnd: EventStreamDecoder.Failure?

    init(_ pieces: [[UInt8]]) {
        var decoder = EventStreamDecoder()
        do throws(EventStreamDecoder.Failure) {
            for piece in pieces {
                piece.withUnsafeBytes { decoder.receive($0) }
                while let message = try decoder.next() { messages.append(message) }
            }
        } catch { failure = error }
        do throws(EventStreamDecoder.Failure) { try decoder.end() } catch { atEnd = error }
    }
}

extension FuzzTarget {
    /// AWS's frames: whole and in pieces alike, what is read is written as the same bytes. A fuzzer cannot guess a check value, so the bytes
    /// are read a second time with each message's check values set right.
    static let eventStream = FuzzTarget("event-stream") { (bytes) throws(Disagreement) in
        for stream in [bytes, repaired(bytes)] {
            let whole = EventStreamOutcome([stream])
            for pieces in Pieces.cuts(of: stream) {
                try expectEqual(EventStreamOutcome(pieces), whole, "an event stream in \(pieces.count) pieces")
            }
            let written = whole.messages.flatMap { EventStreamEncoder.encode($0) }
            try expect(stream.starts(with: written), "messages, read and written, are other bytes")
            for message in whole.messages {
                try expect(Set(message.headers.map(\.name)).count == message.headers.count, "a header stands twice")
                _ = try? BedrockStreamEvent(message, service: "s", requestID: nil)
            }
        }
    }

    private static func repaired(_ bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        var start = 0
        func number(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - $0 * 8)) } }
        while bytes.count - start >= 16 {
            let total = bytes[start..<start + 4].reduce(0) { $0 << 8 | Int($1) }
            bytes.replaceSubrange(start + 8..<start + 12, with: number(Array(bytes[start..<start + 8]).withUnsafeBytes(CRC32.checksum)))
            guard total >= 16, total <= bytes.count - start else { break }
            let end = start + total - 4
            bytes.replaceSubrange(end..<end + 4, with: number(Array(bytes[start..<end]).withUnsafeBytes(CRC32.checksum)))
            start += total
        }
        return bytes
    }
}
