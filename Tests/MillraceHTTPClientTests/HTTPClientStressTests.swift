import Glibc
import MillraceCore
import MillraceEventLoop
import Testing

@testable import MillraceHTTPClient

/// Random peers and random callers: whatever they do, every exchange ends, nothing is left behind, and no answer is a wrong one.
@Suite struct HTTPClientStressTests {
    /// What one request asks its peer for, and how its caller behaves, drawn from one seed.
    private struct Plan {
        var peer: Int
        var caller: Int
        var size: Int
        var delay: Int64

        init(_ generator: inout SeededGenerator) {
            peer = Int.random(in: 0..<14, using: &generator)
            caller = Int.random(in: 0..<9, using: &generator)
            size = Int.random(in: 0...1 << Int.random(in: 0...19, using: &generator), using: &generator)
            delay = Int64.random(in: 0...3_000_000, using: &generator)
        }
    }

    /// Plays what the request's path names: `/peer/size`.
    private static func play(_ connection: PeerConnection) throws {
        while let head = connection.head() {
            let words = head.split(separator: " ")[1].split(separator: "/")
            guard words.count == 2, let peer = Int(words[0]), let size = Int(words[1]) else { return }
            if head.contains("chunked") {
                _ = connection.text(through: "0\r\n\r\n")
            } else if let length = head.firstRange(of: "Content-Length: ") {
                _ = connection.bytes(Int(head[length.upperBound...].prefix { $0.isNumber }) ?? 0)
            }
            let body = [UInt8](repeating: UInt8(ascii: "x"), count: size)
            let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
            switch peer {
            case 0...3: try connection.send(Array("HTTP/1.1 200 OK\r\nContent-Length: \(size)\r\n\r\n".utf8) + body)
            case 4, 5:
                try connection.send(chunked)
                var rest = size
                while rest > 0 {
                    let piece = min(rest, 1 + size / 7)
                    try connection.send("\(String(piece, radix: 16))\r\n\(String(repeating: "x", count: piece))\r\n")
                    rest -= piece
                }
                try connection.send("0\r\nT: t\r\n\r\n")
            case 6: return
            case 7:
                try connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(size + 1)\r\n\r\n")
                try connection.send(body)
                return
            case 8: try connection.send("HTTP/1.1 503 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            case 9:
                for number in 0..<5 { try connection.send("HTTP/1.1 103 Hint\r\nN: \(number)\r\n\r\n") }
                try connection.send(Array("HTTP/1.1 200 OK\r\nContent-Length: \(size)\r\nConnection: close\r\n\r\n".utf8) + body)
                return
            case 10: try connection.send("nonsense\r\n\r\n")
            case 11:
                try connection.send("HTTP/1.1 2")
                connection.waitForEnd()
            case 12:
                try connection.send(chunked + "3\r\nxxx\r\n")
                connection.waitForEnd()
            default:
                try connection.send(
                    chunked + "3\r\nxxx\r\n0\r\n" + String(repeating: "T: \(String(repeating: "y", count: 900))\r\n", count: size >> 10))
                connection.waitForEnd()
            }
        }
    }

    private static func request(_ plan: Plan, _ url: String) -> HTTPClientRequest {
        var request = HTTPClientRequest(url: "\(url)/\(plan.peer)/\(plan.size)")
        request.timeouts.firstByte = .milliseconds(30)
        request.timeouts.idle = .milliseconds(20)
        request.timeouts.total = .seconds(20)
        switch plan.caller {
        case 1:
            request.method = "POST"
            request.isRepeatable = false
            request.body = .bytes(Array(repeating: 1, count: plan.size))
        case 2:
            let rest = Locked(5)
            request.method = "PUT"
            request.body = .stream(
                length: plan.size % 2 == 0 ? nil : 5 * 1000,
                next: {
                    await EventLoop.current?.nextTurn()
                    return rest.withLock { rest in
                        rest -= 1
                        return rest >= 0 ? Array(repeating: 2, count: 1000) : nil
                    }
                })
        case 3: request.responseByteLimit = 1000
        default: break
        }
        return request
    }

    /// - Returns: the body's size where the whole of it was read.
    private static func run(_ plan: Plan, _ client: HTTPClient, _ url: String) async throws -> Int? {
        try await client.exchange(request(plan, url)) { response in
            var size = 0
            switch plan.caller {
            case 4:
                _ = try await response.read { size += $0.count }
                response.discardRest()
                return nil
            case 5:
                response.discardRest()
                try await EventLoop.current?.sleep(nanoseconds: plan.delay)
                return nil
            case 6: throw CancellationError()
            case 7:
                while try await response.read({ size += $0.count }) { try await EventLoop.current?.sleep(nanoseconds: plan.delay / 10) }
            default: while try await response.read({ size += $0.count }) {}
            }
            return response.status == 200 ? size : nil
        }
    }

    private static let rounds = getenv("STRESS_ROUNDS").flatMap { Int(String(cString: $0)) } ?? 3

    @Test(arguments: 0..<rounds) func anything_endsAndLeavesNothingBehind(seed: Int) async throws {
        try await withPeer({ try Self.play($0) }) { peer in
            let client = HTTPClient(resolver: HostResolver { _ in .success(["127.0.0.1"]) })
            let wrong = try await onLoop {
                var generator = SeededGenerator(UInt64(seed) &+ 77)
                var wrong: [String] = []
                for _ in 0..<4 {
                    await withTaskGroup(of: String?.self) { group in
                        for number in 0..<60 {
                            let plan = Plan(&generator)
                            let url = number % 3 == 0 ? "http://peer.example:\(peer.port)" : peer.url
                            group.addTask {
                                let task = Task { try await Self.run(plan, client, url) }
                                if plan.caller == 8 {
                                    try? await EventLoop.current?.sleep(nanoseconds: plan.delay)
                                    task.cancel()
                                }
                                let result = await task.result
                                guard case .success(let size?) = result, size != plan.size else { return nil }
                                return "\(plan): \(size)"
                            }
                        }
                        for await found in group { if let found { wrong.append(found) } }
                    }
                }
                // Left-overs are read for 100 ms.
                var patience = 400
                while EventLoop.current?.clientIsBusy == true, patience > 0 {
                    try await EventLoop.current?.sleep(nanoseconds: 1_000_000)
                    patience -= 1
                }
                #expect(EventLoop.current?.clientIsBusy == false)
                return wrong
            }
            #expect(wrong == [])
        }
    }
}
