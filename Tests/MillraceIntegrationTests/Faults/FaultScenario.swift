import Glibc
import MillraceCore

/// The steps of a server's life in which calls are made to fail.
enum FaultStep: Int, CaseIterable, Sendable {
    case start, stream, attach, cancel, list, files, chats, stop
    var name: String { "\(self)" }
}

/// One life of a server, from its start to its stop, as its clients see it.
final class FaultScenario {
    private let server: FaultedServer
    private(set) var ledger = ServerLedger()
    /// What the clients were answered in each step, where it was not what they get without faults.
    private(set) var answers: [FaultStep: Set<String>] = [:]
    private var step = FaultStep.start

    init(_ server: FaultedServer) { self.server = server }

    /// Everything between the start and the stop. It ends early when the server does.
    func run() {
        for step in FaultStep.allCases where step != .start && step != .stop {
            begin(step)
            perform(step)
            if server.hasEnded { return }
        }
    }

    /// From now on the server is in a step.
    func begin(_ step: FaultStep) {
        self.step = step
        server.control.step = step.rawValue
    }

    private func perform(_ step: FaultStep) {
        switch step {
        case .start, .stop: break
        case .stream: stream("one", "6 1")
        case .attach: attach()
        case .cancel: cancel()
        case .list: list()
        case .files: files()
        case .chats: chats()
        }
    }

    private func note(_ answer: String) { answers[step, default: []].insert(answer) }

    // MARK: Streams

    private func stream(_ key: String, _ text: String) {
        ledger.runs.append(.init(key: key, text: text, chat: "chat-\(key)"))
        read { try self.server.client.start("drip", text, chat: "chat-\(key)", headers: ["Idempotency-Key": "\"\(key)\""]) }
    }

    /// Attaches to the run that has ended: from its beginning by its key, and from the middle.
    private func attach() {
        guard let run = ledger.runs.first, let id = run.responseID else { return }
        read { try self.server.client.start("drip", run.text, chat: run.chat, headers: ["Idempotency-Key": "\"\(run.key)\""]) }
        read { try self.server.client.follow(id, lastEventID: "\(id):3") }
    }

    /// A long run with a second reader is cancelled; a third reader leaves in the middle.
    private func cancel() {
        ledger.runs.append(.init(key: "long", text: "300 2", chat: "chat-long"))
        let index = ledger.runs.count - 1
        answered {
            let reader = try self.server.client.start("drip", "300 2", chat: "chat-long", headers: ["Idempotency-Key": "\"long\""])
            var seen: [ReceivedEvent] = []
            defer { self.ledger.runs[index].readers.append(Self.logged(seen)) }
            guard reader.head.status == 200 else { return self.note(Self.problem(reader.head)) }
            while seen.count < 5, let event = try reader.next() { seen.append(event) }
            guard let id = seen.first?.json["response_id"]?.string else { return self.note("cut before its first event") }
            if let left = try? self.server.client.follow(id) {
                _ = try? left.next()
                left.close()
            }
            self.read(index) {
                let second = try self.server.client.follow(id)
                self.askToCancel(id)
                return second
            }
            while let event = try reader.next() { seen.append(event) }
            self.judge(seen, reader, expected: "cancelled")
        }
    }

    private func askToCancel(_ id: String) {
        guard let response = ask("POST", "/api/v1/runs/\(id)/cancel", expecting: [200, 202]) else { return }
        if response.status < 300 { ledger.runs[ledger.runs.count - 1].wasCancelled = true }
    }

    /// Reads a stream to its end and judges how it ended.
    private func read(_ index: Int? = nil, _ open: () throws -> EventReader) {
        answered {
            let reader = try open()
            var seen: [ReceivedEvent] = []
            let index = index ?? (self.step == .stream ? self.ledger.runs.count - 1 : 0)
            defer { self.ledger.runs[index].readers.append(Self.logged(seen)) }
            guard reader.head.status == 200 else { return self.note(Self.problem(reader.head)) }
            while let event = try reader.next() { seen.append(event) }
            self.judge(seen, reader, expected: self.step == .cancel ? "cancelled" : "completed")
        }
    }

    /// The events that stand in the log: an error that the store could not keep has the id of the event before it.
    private static func logged(_ events: [ReceivedEvent]) -> [ReceivedEvent] {
        var last = 0
        return events.filter { event in
            defer { last = event.sequence }
            return event.sequence > last
        }
    }

    private func judge(_ events: [ReceivedEvent], _ reader: EventReader, expected: String) {
        guard let last = events.last else { return note(reader.isWhole ? "MALFORMED: an empty stream" : "cut before its first event") }
        if last.kind == "response_end" {
            guard reader.isWhole else { return note("cut behind its end") }
            let status = last.json["status"]?.string ?? "MALFORMED"
            if status == expected { return }
            if status == "error" {
                let error = events.dropLast().last { $0.kind == "error" }?.json["error_type"]?.string
                return note(error.map { "ends with error \($0)" } ?? "MALFORMED: an error without its event")
            }
            return note("ends \(status)")
        }
        if reader.isWhole { return note("MALFORMED: a whole stream without its end") }
        if last.kind == "error" { return note("\(last.json["error_type"]?.string ?? "MALFORMED"), then cut") }
        note("cut")
    }

    // MARK: Requests

    private func list() {
        for path in ["/api/v1/runs", "/api/v1/chats", "/api/v1/chats/chat-one/messages"] { ask("GET", path) }
        if ask("GET", "/readyz", expecting: [200, 503])?.status == 503 { note("/readyz 503") }
        if let id = ledger.runs.first?.responseID { ask("GET", "/api/v1/runs/\(id)") }
    }

    private func files() {
        let content = String(repeating: "Nothing that is stored is lost. ", count: 400)
        for title in ["kept.txt", "deleted.txt"] {
            ledger.files.append(.init(title: title, content: content + title))
            let index = ledger.files.count - 1
            let made = ask(
                "POST", "/api/v1/content?title=\(title)", headers: ["Content-Type": "text/plain"], body: content + title, expecting: [201])
            guard let made, made.status == 201, let id = try? made.json()["content_id"]?.string else { continue }
            ledger.files[index].id = id
            let got = ask("GET", "/api/v1/generate/content/\(id)")
            if let got, got.status == 200, got.text != content + title { note("MALFORMED: another content") }
            guard title == "deleted.txt" else { continue }
            ledger.files[index].deletion = .asked
            if ask("DELETE", "/api/v1/generate/content/\(id)", expecting: [204])?.status == 204 {
                ledger.files[index].deletion = .acknowledged
            }
        }
        ask("GET", "/api/v1/content")
    }

    private func chats() {
        for (id, deletes) in [("kept", false), ("deleted", true)] {
            ledger.chats.append(.init(id: id))
            let index = ledger.chats.count - 1
            let made = ask("POST", "/api/v1/chats", body: "{\"chat_id\":\"\(id)\",\"title\":\"\(id)\"}", expecting: [201])
            ledger.chats[index].isAcknowledged = made?.status == 201
            guard deletes, made?.status == 201 else { continue }
            ledger.chats[index].deletion = .asked
            if ask("DELETE", "/api/v1/chats/\(id)", expecting: [204])?.status == 204 { ledger.chats[index].deletion = .acknowledged }
        }
    }

    @discardableResult
    private func ask(
        _ method: String, _ path: String, headers: [String: String] = [:], body: String? = nil, expecting: Set<Int> = [200]
    ) -> TestResponse? {
        var response: TestResponse?
        answered {
            let got = try self.server.client.request(method, path, headers: headers, body: body)
            if !expecting.contains(got.status) { self.note(Self.problem(got)) }
            response = got
        }
        return response
    }

    private static func problem(_ response: TestResponse) -> String {
        let isProblem = response.headers["content-type"] == "application/problem+json"
        return isProblem && response.status >= 400 ? "\(response.status)" : "MALFORMED: status \(response.status)"
    }

    /// Notes how a connection failed.
    private func answered(_ body: () throws -> Void) {
        do { try body() } catch let error as MillraceError {
            note(error.code == .timeout ? "HANGS" : "closed")
        } catch { note("MALFORMED: \(error)") }
    }
}
