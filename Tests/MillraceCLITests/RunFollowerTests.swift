import MillraceCore
import MillraceHTTPClient
import Testing

@testable import MillraceCLI

/// Plays connections back: each gives its bytes, and then closes, fails, or waits for `proceed` to say no.
private final class ScriptedTransport: ChatTransport {
    enum Ending {
        case close, nothingMore, untilStopped
        case fail(MillraceError)
    }
    var connections: [(bytes: String, ending: Ending)]
    var openings: [StreamOpening] = []
    var cancelled: [String] = []
    init(_ connections: [(bytes: String, ending: Ending)]) { self.connections = connections }

    func stream(_ opening: StreamOpening, receive: ([UInt8]) throws -> Void, proceed: () throws -> Bool) throws -> StreamClose {
        openings.append(opening)
        guard !connections.isEmpty else { throw MillraceError(.unreachable, "no more connections", isRetryable: true) }
        let (bytes, ending) = connections.removeFirst()
        for byte in bytes.utf8 {
            try receive([byte])
            guard try proceed() else { throw MillraceError(.cancelled, "stopped") }
        }
        switch ending {
        case .close: return .closed
        case .nothingMore: return .nothingMore
        case .fail(let error): throw error
        case .untilStopped:
            for _ in 0..<1000 where try !proceed() { throw MillraceError(.cancelled, "stopped") }
            throw MillraceError(.internal, "was never stopped")
        }
    }
    func cancel(responseID: String) throws { cancelled.append(responseID) }
}

@Suite struct RunFollowerTests {
    private static let start = "retry: 700\n\nevent: response_start\nid: r_1:1\ndata: {\"response_id\":\"r_1\",\"chat_id\":\"c_1\"}\n\n"
    private static func content(_ n: Int) -> String { "event: content\nid: r_1:\(n)\ndata: {\"content\":\"<\(n)>\"}\n\n" }
    private static func end(_ n: Int, _ status: String = "completed") -> String {
        "event: response_end\nid: r_1:\(n)\ndata: {\"status\":\"\(status)\"}\n\n"
    }
    private let opening = StreamOpening.start(body: [1], idempotencyKey: "k")
    private let broken = MillraceError(.connectionLost, "broke", isRetryable: true)

    private func follow(
        _ transport: ScriptedTransport, _ opening: StreamOpening, interrupts: @escaping () -> Int = { 0 }, cancelsRun: Bool = true,
        waits: (Int) -> Void = { _ in }
    ) throws -> (RunFollower.Outcome, String) {
        try withoutActuallyEscaping(waits) { waits in
            var out = ""
            var renderer = TerminalRenderer(isJSON: false, outputIsTerminal: false, errorIsTerminal: false)
            let follower = RunFollower(
                transport: transport, write: { out += $0.map(\.text).joined() }, interrupts: interrupts, pause: waits,
                cancelsRun: cancelsRun)
            let outcome = try follower.follow(opening, &renderer)
            return (outcome, out)
        }
    }

    @Test func wholeStream_ends() throws {
        let transport = ScriptedTransport([(Self.start + Self.content(2) + Self.end(3), .close)])
        let (outcome, out) = try follow(transport, opening)
        #expect(outcome == .ended(status: "completed"))
        #expect(out == "<2>\n")
        #expect(transport.openings == [opening])
    }

    @Test func brokenStream_isReadOnAfterTheLastWholeEvent() throws {
        let half = String(Self.content(3).prefix(20))
        let transport = ScriptedTransport([
            (Self.start + Self.content(2) + half, .fail(broken)), ("", .fail(broken)), (Self.content(3) + Self.end(4), .close),
        ])
        var waits: [Int] = []
        let (outcome, out) = try follow(transport, opening, waits: { waits.append($0) })
        #expect(outcome == .ended(status: "completed"))
        #expect(out == "<2><3>\n")
        #expect(waits == [700, 1400])
        let again = StreamOpening.follow(responseID: "r_1", lastEventID: "r_1:2", after: nil)
        #expect(transport.openings == [opening, again, again])
    }

    @Test func streamThatBreaksBeforeItsStart_isAskedForAgainWithTheSameKey() throws {
        let transport = ScriptedTransport([("retry: 1\n\n", .close), (Self.start + Self.end(2), .close)])
        _ = try follow(transport, opening)
        #expect(transport.openings == [opening, opening])
    }

    @Test func firstConnectionThatFails_isNotRetried() {
        let transport = ScriptedTransport([("", .fail(broken))])
        #expect(throws: broken) { try follow(transport, opening) }
        #expect(transport.openings.count == 1)
    }

    @Test func serverThatStaysAway_isGivenUp() {
        let transport = ScriptedTransport([(Self.start, .close)])
        #expect(throws: MillraceError.self) { try follow(transport, opening) }
        #expect(transport.openings.count == 6)
    }

    @Test func errorWithoutID_isNoPlaceToReadOnFrom() throws {
        let bare = "event: error\ndata: {\"error_type\":\"storage_unavailable\",\"message\":\"m\"}\n\n"
        let transport = ScriptedTransport([(Self.start + Self.content(2) + bare, .close), (bare, .close), (Self.end(3), .close)])
        _ = try follow(transport, opening)
        #expect(transport.openings.last == .follow(responseID: "r_1", lastEventID: "r_1:2", after: nil))
    }

    @Test func nothingMore_finishes() throws {
        let follow = StreamOpening.follow(responseID: "r_1", lastEventID: nil, after: 9)
        let transport = ScriptedTransport([("", .close), ("", .nothingMore)])
        #expect(try self.follow(transport, follow).0 == .nothingMore)
        #expect(transport.openings == [follow, follow])
    }

    @Test func firstInterrupt_cancelsOnceAndAwaitsTheEnd() throws {
        let transport = ScriptedTransport([(Self.start + Self.content(2) + Self.end(3, "cancelled"), .close)])
        var asked = 0
        let (outcome, _) = try follow(
            transport, opening,
            interrupts: {
                asked += 1
                return asked > 120 ? 1 : 0
            })
        #expect(outcome == .ended(status: "cancelled"))
        #expect(transport.cancelled == ["r_1"])
        #expect(ChatCommand.exitCode(outcome, wasInterrupted: true) == 130)
    }

    @Test func secondInterrupt_quits() throws {
        let transport = ScriptedTransport([(Self.start, .untilStopped)])
        var asked = 0
        let (outcome, _) = try follow(
            transport, opening,
            interrupts: {
                asked += 1
                return max(0, asked - 200)
            })
        #expect(outcome == .quit)
        #expect(transport.cancelled == ["r_1"])
    }

    @Test func interruptWhileFollowing_stopsOnlyTheReading() throws {
        let transport = ScriptedTransport([(Self.start, .untilStopped)])
        var asked = 0
        let (outcome, _) = try follow(
            transport, opening,
            interrupts: {
                asked += 1
                return asked > 200 ? 1 : 0
            }, cancelsRun: false)
        #expect(outcome == .quit)
        #expect(transport.cancelled.isEmpty)
    }

    @Test func http_sendsWhatTheContractAsks() throws {
        let server = try ScriptedServer([
            [.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nretry\r\n")], [.send("HTTP/1.1 204 No Content\r\n\r\n")],
            [.send("HTTP/1.1 404 Not Found\r\nContent-Length: 41\r\n\r\n{\"detail\":\"No handler found for task: x\"}")],
            [.send("HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\n{}")],
        ])
        let api = try ServerAPI(ParsedCommand(flags: ["server": [server.url + "/"]]), [:])
        let transport = HTTPChatTransport(api: api)
        var bytes: [UInt8] = []
        let error = #expect(throws: MillraceError.self) { try transport.stream(opening, receive: { bytes += $0 }, proceed: { true }) }
        #expect(error?.isRetryable == true && bytes == Array("retry".utf8))
        let follow = StreamOpening.follow(responseID: "r/1", lastEventID: "r_1:2", after: nil)
        #expect(try transport.stream(follow, receive: { _ in }, proceed: { true }) == .nothingMore)
        let refused = #expect(throws: MillraceError.self) { try transport.stream(opening, receive: { _ in }, proceed: { true }) }
        #expect(refused?.message.contains("No handler found for task: x") == true && refused?.isRetryable == false)
        try transport.cancel(responseID: "r_1")
        let requests = server.requests
        #expect(requests[0].hasPrefix("POST /api/v1/generate/stream HTTP/1.1\r\n") && requests[0].contains("Idempotency-Key: \"k\"\r\n"))
        #expect(requests[0].contains("Content-Type: application/json\r\n"))
        #expect(requests[1].hasPrefix("GET /api/v1/runs/r%2F1/events HTTP/1.1\r\n") && requests[1].contains("Last-Event-ID: r_1:2\r\n"))
        #expect(requests[3].hasPrefix("POST /api/v1/runs/r_1/cancel HTTP/1.1\r\n"))
    }
}
