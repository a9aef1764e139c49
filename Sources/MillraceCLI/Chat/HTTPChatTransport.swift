import MillraceCore
import MillraceHTTPClient

/// The command line's access to a server over HTTP.
struct ServerAPI {
    let base: String
    let client = BlockingHTTPClient()

    /// - Throws: ``MillraceError`` for an address that is no http or https URL.
    init(_ command: ParsedCommand, _ environment: [String: String]) throws {
        var base = command.value("server") ?? environment["MILLRACE_SERVER"].flatMap { $0.isEmpty ? nil : $0 } ?? CommandTree.defaultServer
        while base.hasSuffix("/") { base.removeLast() }
        _ = try RequestTarget(url: base)
        self.base = base
    }

    /// The server at a known address.
    init(base: String) { self.base = base }

    /// Sends a request and returns its JSON; a problem becomes an error with the problem's own words.
    func json(_ method: String, _ path: String, proceed: () throws -> Bool = { InterruptSignal.count == 0 }) throws -> JSONValue {
        let headers =
            [CurlRequest.Header("Accept", "application/json")] + (method == "POST" ? [.init("Content-Type", "application/json")] : [])
        let request = CurlRequest(
            method: method, url: base + path, headers: headers, body: method == "POST" ? Array("{}".utf8) : nil,
            totalTimeoutMilliseconds: 30_000)
        let (head, body) = try client.fetch(request, proceed: proceed)
        guard (200..<300).contains(head.status) else { throw Self.problem(head, body) }
        return body.isEmpty ? .null : try JSONValue(parsing: body)
    }

    /// The error that a problem document (RFC 9457), or a body that is none, stands for.
    static func problem(_ head: CurlResponseHead, _ body: [UInt8]) -> MillraceError {
        let json = (try? JSONValue(parsing: body)) ?? .null
        var message = json["detail"]?.string ?? json["title"]?.string ?? "the server answered with status \(head.status)"
        for fault in json["errors"]?.array ?? [] { message += "\n  \(fault["field"]?.string ?? ""): \(fault["message"]?.string ?? "")" }
        let code: ErrorCode = head.status == 404 ? .notFound : head.status == 409 ? .conflict : .invalidInput
        return MillraceError(
            code, message, details: ["status": .integer(head.status)], isRetryable: [429, 502, 503, 504].contains(head.status))
    }

    /// Percent-encodes a path or query component (RFC 3986, section 2.3: only unreserved characters stay).
    static func encoded(_ text: String) -> String {
        var result = ""
        for byte in text.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E: result.unicodeScalars.append(Unicode.Scalar(byte))
            default: result += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }
        return result
    }
}

/// Streams over HTTP.
struct HTTPChatTransport: ChatTransport {
    let api: ServerAPI

    func stream(_ opening: StreamOpening, receive: ([UInt8]) throws -> Void, proceed: () throws -> Bool) throws -> StreamClose {
        var problemBody: [UInt8] = []
        var status = 0
        let head = try api.client.send(
            request(opening), onHead: { status = $0.status },
            onBody: { piece in
                if status == 200 { try receive(piece) } else if problemBody.count < 1 << 20 { problemBody += piece }
            }, proceed: proceed)
        switch head.status {
        case 200: return .closed
        case 204: return .nothingMore
        default: throw ServerAPI.problem(head, problemBody)
        }
    }

    func request(_ opening: StreamOpening) -> CurlRequest {
        let accept = CurlRequest.Header("Accept", "text/event-stream")
        switch opening {
        case .start(let body, let key):
            return CurlRequest(
                method: "POST", url: api.base + "/api/v1/generate/stream",
                headers: [accept, .init("Content-Type", "application/json"), .init("Idempotency-Key", "\"\(key)\"")], body: body)
        case .follow(let responseID, let lastEventID, let after):
            let query = after.map { "?after=\($0)" } ?? ""
            return CurlRequest(
                url: "\(api.base)/api/v1/runs/\(ServerAPI.encoded(responseID))/events\(query)",
                headers: [accept] + (lastEventID.map { [.init("Last-Event-ID", $0)] } ?? []))
        }
    }

    func cancel(responseID: String) throws {
        // Not stopped by the Ctrl-C that asked for it.
        _ = try api.json("POST", "/api/v1/runs/\(ServerAPI.encoded(responseID))/cancel", proceed: { InterruptSignal.count < 2 })
    }
}
