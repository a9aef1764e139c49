import Millrace
import MillraceCore
import MillraceHTTP

/// `/api/v1/runs`: look at runs, follow them, stop them.
struct RunRoutes: Sendable {
    let hub: RunHub

    func list(_ request: APIRequest) async throws -> HTTPResponse {
        var filter = RunFilter(task: request.head.queryValue("task"), chatID: request.head.queryValue("chat_id"))
        if let text = request.head.queryValue("status") {
            guard let status = RunStatus(rawValue: text) else {
                let known = RunStatus.allCases.map(\.rawValue).joined(separator: ", ")
                throw Problem.fields([FieldProblem(field: "status", message: "must be one of \(known)")])
            }
            filter.status = status
        }
        let page = try await hub.store.runs(filter, page: try request.page(), principal: request.principal)
        return .json { $0.write(page) { run, object in object.write(run) } }
    }

    func get(_ request: APIRequest) async throws -> HTTPResponse {
        let run = try await record(request)
        return .json { $0.write(run) }
    }

    /// The events after `Last-Event-ID` or `?after=`: what was missed, then live.
    func events(_ request: APIRequest) async throws -> HTTPResponse {
        let responseID = request.parameter("response_id")
        let after = try Self.position(request, responseID)
        switch try await hub.follow(responseID, after: after, principal: request.principal, on: request.http.loop) {
        case .reader(let reader): return EventStream.response(reader)
        case .finished: return HTTPResponse(.noContent)
        case nil: throw try await hub.absence(of: responseID, principal: request.principal)
        }
    }

    /// Stops a run: 202 while it is stopping, 200 with its end when it had ended before.
    func cancel(_ request: APIRequest) async throws -> HTTPResponse {
        // A body is not needed; one that came is read so that the connection can live on.
        _ = try await request.body()
        if let run = hub.live(request.parameter("response_id"), principal: request.principal) {
            run.cancel()
            let record = try await record(request)
            return .json(.accepted) { $0.write(record) }
        }
        let record = try await record(request)
        return .json { $0.write(record) }
    }

    private func record(_ request: APIRequest) async throws -> RunRecord {
        let responseID = request.parameter("response_id")
        guard let run = try await hub.store.run(responseID, principal: request.principal) else {
            throw try await hub.absence(of: responseID, principal: request.principal)
        }
        return run
    }

    /// Where the reader stands. The header beats the query.
    static func position(_ request: APIRequest, _ responseID: String) throws -> Int {
        try position(lastEventID: request.head["last-event-id"], after: request.head.queryValue("after"), responseID)
    }

    /// - Parameters:
    ///   - lastEventID: the header, exactly as the stream wrote an id: the response's id, a colon, and digits.
    ///   - after: the query's member, digits.
    static func position(lastEventID: String?, after: String?, _ responseID: String) throws -> Int {
        if let header = lastEventID, !header.isEmpty {
            guard let colon = header.utf8.lastIndex(of: UInt8(ascii: ":")),
                let sequence = number(header[header.utf8.index(after: colon)...])
            else { throw Problem(.badRequest, "Last-Event-ID must be an id that this stream sent, such as \(responseID):12") }
            guard header.utf8[..<colon].elementsEqual(responseID.utf8) else {
                throw Problem(.badRequest, "Last-Event-ID belongs to another response than '\(responseID)'")
            }
            return sequence
        }
        guard let after else { return 0 }
        guard let sequence = number(after[...]) else {
            throw Problem.fields([FieldProblem(field: "after", message: "must be a sequence number, 0 or more")])
        }
        return sequence
    }

    /// Digits alone: the initialiser of integers would take a sign.
    private static func number(_ text: Substring) -> Int? {
        text.utf8.allSatisfy { (0x30...0x39).contains($0) } ? Int(text) : nil
    }
}
