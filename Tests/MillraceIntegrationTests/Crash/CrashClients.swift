import MillraceCore

/// Clients that ask for everything at once, until the server dies, and keep what they were told.
struct CrashClients: Sendable {
    let client: TestClient
    /// What tells the things of this life from those of others.
    let name: String
    let seed: UInt64

    /// Runs all clients to their end and returns what they saw.
    func run() async throws -> ServerLedger {
        let works: [@Sendable (inout ServerLedger, inout SeededGenerator) throws -> Void] = [streams, cancels, files, chats]
        let seen = try await concurrently(works.count) { index in
            var ledger = ServerLedger()
            var generator = SeededGenerator(seed: seed &+ UInt64(index) &* 7919)
            // The server's death ends a client in the middle of anything.
            try? works[index](&ledger, &generator)
            return ledger
        }
        return seen.reduce(into: ServerLedger()) { $0.add($1) }
    }

    /// Short runs, each asked for twice with its key; some are deleted with their chat.
    private func streams(_ ledger: inout ServerLedger, _ generator: inout SeededGenerator) throws {
        for round in 0..<8 {
            let text = "\(Int.random(in: 1...12, using: &generator)) \(Int.random(in: 0...1, using: &generator))"
            let index = ledger.begin(text, "\(name)-short-\(round)")
            try read(&ledger, index) { run in try start(run) }
            try read(&ledger, index) { run in try start(run) }
            guard round % 3 == 2 else { continue }
            ledger.runs[index].deletion = .asked
            if try client.request("DELETE", "/api/v1/chats/\(ledger.runs[index].chat)").status == 204 {
                ledger.runs[index].deletion = .acknowledged
            }
        }
    }

    /// Long runs with a reader that joins in the middle, which are cancelled, or not.
    private func cancels(_ ledger: inout ServerLedger, _ generator: inout SeededGenerator) throws {
        for round in 0..<4 {
            let index = ledger.begin("60 1", "\(name)-long-\(round)")
            let reader = try start(ledger.runs[index])
            var seen: [ReceivedEvent] = []
            var second: [ReceivedEvent] = []
            defer { ledger.runs[index].readers += [seen, second] }
            let stop = Int.random(in: 1...60, using: &generator)
            while seen.count < stop, let event = try reader.next() { seen.append(event) }
            guard let id = seen.first?.json["response_id"]?.string else { return }
            let joined = try client.follow(id)
            while second.count < 3, let event = try joined.next() { second.append(event) }
            if round % 2 == 0 {
                ledger.runs[index].wasCancelled = try client.request("POST", "/api/v1/runs/\(id)/cancel").status < 300
            }
            while let event = try reader.next() { seen.append(event) }
            while let event = try joined.next() { second.append(event) }
        }
    }

    /// Files are uploaded, read and deleted.
    private func files(_ ledger: inout ServerLedger, _ generator: inout SeededGenerator) throws {
        for round in 0..<8 {
            let length = Int.random(in: 1...60_000, using: &generator)
            let content = String(repeating: Character(UnicodeScalar(UInt8(97 + round))), count: length)
            let title = "\(name)-file-\(round)"
            ledger.files.append(.init(title: title, content: content))
            let index = ledger.files.count - 1
            let made = try client.request(
                "POST", "/api/v1/content?title=\(title)", headers: ["Content-Type": "text/plain"], body: content)
            guard made.status == 201, let id = try made.json()["content_id"]?.string else { continue }
            ledger.files[index].id = id
            guard round % 2 == 1 else { continue }
            ledger.files[index].deletion = .asked
            if try client.request("DELETE", "/api/v1/generate/content/\(id)").status == 204 {
                ledger.files[index].deletion = .acknowledged
            }
        }
    }

    /// Chats are made, listed and deleted.
    private func chats(_ ledger: inout ServerLedger, _ generator: inout SeededGenerator) throws {
        for round in 0..<10 {
            let id = "\(name)-chat-\(round)"
            ledger.chats.append(.init(id: id))
            let index = ledger.chats.count - 1
            ledger.chats[index].isAcknowledged = try client.request("POST", "/api/v1/chats", body: "{\"chat_id\":\"\(id)\"}").status == 201
            _ = try client.request("GET", "/api/v1/runs?limit=20")
            guard round % 2 == 1, ledger.chats[index].isAcknowledged else { continue }
            ledger.chats[index].deletion = .asked
            if try client.request("DELETE", "/api/v1/chats/\(id)").status == 204 { ledger.chats[index].deletion = .acknowledged }
        }
    }

    private func start(_ run: ServerLedger.Run) throws -> EventReader {
        try client.start("drip", run.text, chat: run.chat, headers: ["Idempotency-Key": "\"\(run.key)\""])
    }

    private func read(_ ledger: inout ServerLedger, _ index: Int, _ open: (ServerLedger.Run) throws -> EventReader) throws {
        var seen: [ReceivedEvent] = []
        defer { ledger.runs[index].readers.append(seen) }
        let reader = try open(ledger.runs[index])
        while let event = try reader.next() { seen.append(event) }
    }
}

extension ServerLedger {
    /// Notes that a run is about to be asked for, and returns its place.
    fileprivate mutating func begin(_ text: String, _ key: String) -> Int {
        runs.append(Run(key: key, text: text, chat: "chat-\(key)"))
        return runs.count - 1
    }
}
