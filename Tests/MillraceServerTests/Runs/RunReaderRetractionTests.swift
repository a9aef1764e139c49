import Millrace
import MillraceBackends
import MillraceCore
import MillraceEventLoop
import MillraceHTTP
import Testing

@testable import MillraceServer

/// Text that is taken back while a reader's connection copies it: at every byte.
@Suite struct RunReaderRetractionTests {
    private static let retraction = Retraction(contentBlockIndex: 0, firstSequence: 2, lastSequence: 4)

    /// Five events, the third of which is of another block, in batches of two.
    private static func batches() throws -> [EventBatch] {
        var log = RunLog(responseID: "r_1", limits: RunLogLimits())
        var batches: [EventBatch] = []
        let stamp = EventStamp(Timestamp(microseconds: 0))
        for (index, text) in ["one", "two", "three", "four", "five"].enumerated() {
            var event = index == 2 ? Event.reasoning(Reasoning(text: text)) : .content(text)
            event.contentBlockIndex = index == 2 ? 1 : 0
            try log.append(event, at: stamp)
            if index % 2 == 1, let batch = log.seal() { batches.append(batch) }
        }
        if let batch = log.seal() { batches.append(batch) }
        return batches
    }

    /// Lends what makes readers of a run with these events.
    private static func withReaders(_ body: (() throws -> (RunReader, RunTail)) throws -> Void) throws {
        let group = try EventLoopGroup(count: 1)
        let blocking = try BlockingExecutor(name: "blocking", threads: 1)
        defer { blocking.stop() }
        let hub = RunHub(
            store: InMemoryStore(), settings: RunSettings(), group: group, blocking: blocking,
            logger: Logger(sink: LogSink(), level: .error)
        ) { _ in throw MillraceError(.configuration, "no AWS here") }
        defer { hub.disconnectLoops() }
        let batches = try batches()
        try body {
            let tail = RunTail(limit: 1 << 20)
            for batch in batches { tail.append(batch) }
            return (RunReader(responseID: "r_1", principal: .local, after: 0, tail: tail, hub: hub, loop: group.loops[0]), tail)
        }
    }

    private static func texts(_ bytes: [UInt8]) throws -> [(sequence: Int, text: String)] {
        var parser = SSEParser()
        return try parser.receive(bytes).map { message in
            let data = try JSONValue(parsing: message.data)
            #expect(message.id == "r_1:\(data["sequence"]?.integer ?? 0)")
            return (data["sequence"]?.integer ?? 0, (data["content"] ?? data["text"])?.string ?? "")
        }
    }

    @Test func retractionAtAnyByte_leavesAWholeStream_withoutTheTextBehindTheEventThatHadBegun() throws {
        let plain = ["one", "two", "three", "four", "five"]
        try Self.withReaders { make in
            var all = ByteBuffer()
            _ = try make().0.produce(into: &all, limit: 1 << 20)
            let bytes = all.bytes
            let starts = bytes.indices.filter { bytes[$0...].starts(with: "event: ".utf8) }
            for (cut, step) in (0...bytes.count).flatMap({ cut in [1, 7, bytes.count].map { (cut, $0) } }) {
                let (reader, tail) = try make()
                reader.attached(to: SilentSink())
                var out = ByteBuffer()
                while out.count < cut { _ = reader.produce(into: &out, limit: min(step, cut - out.count)) }
                let sent = out.count
                // The second one touches nothing, also of the event that has begun.
                tail.retract(Self.retraction)
                tail.retract(Retraction(contentBlockIndex: 7, firstSequence: 1, lastSequence: 5))
                tail.finish(.ended)
                while case .more = reader.produce(into: &out, limit: step) {}
                let seen = try Self.texts(out.bytes)
                #expect(seen.map(\.sequence) == [1, 2, 3, 4, 5], "cut at \(cut)")
                for (index, text) in seen.map(\.text).enumerated() {
                    let stays = [0, 2, 4].contains(index) || starts[index] < sent
                    #expect(text == (stays ? plain[index] : ""), "event \(index + 1), cut at \(cut)")
                }
                reader.detached()
            }
        }
    }

    private final class SilentSink: HTTPBodySink {
        func bodyIsReady() {}
    }
}
