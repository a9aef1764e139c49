import Glibc
import MillraceCore

/// One client of the soak: it does what the mix says, one thing after the other, and says what went otherwise than it must.
struct SoakClient {
    let port: Int
    let number: Int
    var mix: SoakMix
    private var turn = 0
    private var lastChat: String?

    /// What the actions did.
    struct Tally {
        var actions: [SoakMix.Action: Int] = [:]
        var runs = 0
        /// What went wrong, with how often.
        var failures: [String: Int] = [:]
    }

    init(port: Int, number: Int, seed: UInt64) {
        self.port = port
        self.number = number
        mix = SoakMix(seed: seed &+ UInt64(number))
    }

    /// Does the next action and adds it to the tally.
    mutating func act(_ tally: inout Tally) {
        let action = mix.next()
        turn += 1
        tally.actions[action, default: 0] += 1
        do throws(MillraceError) {
            try perform(action, &tally)
        } catch {
            tally.failures["\(action.rawValue): \(error.message)", default: 0] += 1
        }
    }

    private mutating func perform(_ action: SoakMix.Action, _ tally: inout Tally) throws(MillraceError) {
        let connection = try LoopbackConnection(port: port, receiveBuffer: action == .slow ? 4096 : nil)
        switch action {
        case .stream:
            tally.runs += 1
            var stream = try start("\(1 + mix.number(below: 100)) alone", on: connection)
            lastChat = stream.chat
            try expect(try stream.readToEnd() == "completed", "a stream did not end completed")
        case .invoke:
            tally.runs += 1
            let (head, body) = try connection.exchange("POST", "/api/v1/generate/invoke", body: Workload.body("20 together"))
            try expect(head.status == 200, "status \(head.status)")
            try expect(try JSONValue(parsing: body)["status"]?.string == "completed", "an answer is not completed")
        case .disconnect:
            tally.runs += 1
            var stream = try start("100 every 2", on: connection)
            for _ in 0..<mix.number(below: 20) { _ = try stream.next() }
        case .reconnect:
            tally.runs += 1
            try reconnect(connection)
        case .cancel:
            tally.runs += 1
            var stream = try start("100000 every 2", on: connection)
            let other = try LoopbackConnection(port: port)
            let head = try other.exchange("POST", "/api/v1/runs/\(stream.response)/cancel").head
            try expect(head.status == 202, "status \(head.status)")
            try expect(try stream.readToEnd() == "cancelled", "a cancelled run did not end cancelled")
        case .upload: try upload(connection)
        case .list:
            for path in ["runs?limit=50", "chats?limit=50", "content", "task-handlers"] {
                let head = try connection.exchange("GET", "/api/v1/\(path)").head
                try expect(head.status == 200, "status \(head.status) of \(path)")
            }
        case .repeated:
            tally.runs += 1
            try repeated(connection)
        case .refused: try refused(connection)
        case .failing:
            tally.runs += 1
            var stream = try start("fail", on: connection)
            try expect(try stream.readToEnd() == "error", "a failing run did not end with an error")
        case .slow:
            tally.runs += 1
            var stream = try start("5000 together", on: connection)
            for _ in 0..<5 {
                _ = try stream.next()
                usleep(100_000)
            }
        case .delete:
            guard let chat = lastChat else { return }
            lastChat = nil
            let head = try connection.exchange("DELETE", "/api/v1/chats/\(chat)").head
            try expect(head.status == 204, "status \(head.status)")
        }
    }

    private func start(_ plan: String, on connection: LoopbackConnection) throws(MillraceError) -> SoakStream {
        try connection.send("POST", "/api/v1/generate/stream", body: Workload.body(plan))
        return try SoakStream(connection)
    }

    private mutating func reconnect(_ first: LoopbackConnection) throws(MillraceError) {
        var stream = try start("60 every 2", on: first)
        for _ in 0..<mix.number(below: 30) { _ = try stream.next() }
        let response = stream.response
        let last = stream.sequence
        first.end()
        let second = try LoopbackConnection(port: port)
        try second.send("GET", "/api/v1/runs/\(response)/events", headers: ["Last-Event-ID": "\(response):\(last)"])
        var rest = try SoakStream(second, after: last)
        try expect(try rest.readToEnd() == "completed", "a resumed stream did not end completed")
        try expect(rest.sequence == 62, "a resumed stream ended at \(rest.sequence)")
    }

    private mutating func upload(_ connection: LoopbackConnection) throws(MillraceError) {
        let text = String(repeating: "All work and no play. ", count: 1 + mix.number(below: 4000))
        let (head, body) = try connection.exchange(
            "POST", "/api/v1/content?title=soak.txt", headers: ["Content-Type": "text/plain"], body: text)
        try expect(head.status == 201, "status \(head.status)")
        let id = try JSONValue(parsing: body)["content_id"]?.string ?? ""
        let back = try connection.exchange("GET", "/api/v1/generate/content/\(id)")
        try expect(back.body == text, "a file came back as another")
        let status = try connection.exchange("DELETE", "/api/v1/generate/content/\(id)").head.status
        try expect(status == 204, "status \(status)")
    }

    private func repeated(_ connection: LoopbackConnection) throws(MillraceError) {
        var responses: [String] = []
        for _ in 0..<2 {
            let key = ["Idempotency-Key": "\"soak-\(getpid())-\(number)-\(turn)\""]
            try connection.send("POST", "/api/v1/generate/stream", headers: key, body: Workload.body("10 together"))
            var stream = try SoakStream(connection)
            try expect(try stream.readToEnd() == "completed", "a repeated stream did not end completed")
            responses.append(stream.response)
        }
        try expect(responses[0] == responses[1], "one key started two runs")
    }

    private func refused(_ connection: LoopbackConnection) throws(MillraceError) {
        let refusals: [(method: String, path: String, body: String?, status: Int)] = [
            ("POST", "/api/v1/generate/stream", "{", 400),
            ("POST", "/api/v1/generate/stream", #"{"parts":[]}"#, 422),
            ("POST", "/api/v1/generate/stream", #"{"task":"none","parts":[{"content":"x"}]}"#, 404),
            ("GET", "/api/v1/runs/r_none", nil, 404),
            ("DELETE", "/healthz", nil, 405),
        ]
        for refusal in refusals {
            let head = try connection.exchange(refusal.method, refusal.path, body: refusal.body).head
            try expect(head.status == refusal.status, "status \(head.status) in place of \(refusal.status)")
        }
        try connection.send(raw: "GET /healthz HTTP/1.1\r\nHost : 127.0.0.1\r\n\r\n")
        let status = try connection.head().status
        try expect(status == 400, "status \(status) of a malformed request")
    }

    private func expect(_ isRight: Bool, _ message: @autoclosure () -> String) throws(MillraceError) {
        if !isRight { throw MillraceError(.system, message()) }
    }
}
