import MillraceCore

/// A response as a client got it.
struct HTTPAnswer: Sendable {
    var status = 0
    /// Names in lower case.
    var headers: [(name: String, value: String)] = []
    var body: [UInt8] = []
    /// The status line and headers as they came.
    var head = ""

    subscript(name: String) -> String? { headers.first { $0.name == name }?.value }
    var text: String { String(decoding: body, as: UTF8.self) }
    /// The body as JSON; `null` when it is none.
    var json: JSONValue { (try? JSONValue(parsing: body)) ?? .null }
    /// Whether the connection is to be closed behind it.
    var closes: Bool { self["connection"]?.lowercased() == "close" }

    /// Parses a status line and headers.
    init(head: [UInt8]) throws {
        let text = String(decoding: head, as: UTF8.self)
        self.head = text
        let lines = text.split(separator: "\r\n", omittingEmptySubsequences: true)
        let words = (lines.first ?? "").split(separator: " ", maxSplits: 2)
        guard words.count >= 2, words[0] == "HTTP/1.1", let status = Int(words[1]) else {
            throw ClientFailure("not a response: \(text.prefix(200))")
        }
        self.status = status
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { throw ClientFailure("a header without colon: \(line)") }
            var value = line[line.index(after: colon)...]
            while value.first == " " { value = value.dropFirst() }
            headers.append((line[..<colon].lowercased(), String(value)))
        }
    }
}

extension TCPClient {
    /// Reads one response with its body.
    /// - Parameter isHead: whether it answers a HEAD request, so that no body follows.
    func readAnswer(isHead: Bool = false) throws -> HTTPAnswer {
        var answer = try HTTPAnswer(head: try read(until: "\r\n\r\n"))
        if isHead || answer.status < 200 || [204, 304].contains(answer.status) { return answer }
        if let length = answer["content-length"].flatMap({ Int($0) }) {
            while received.count < length { guard try receiveMore() else { throw ClientFailure("the body ended early") } }
            answer.body = take(length)
        } else if answer["transfer-encoding"] == "chunked" {
            var decoder = ChunkedDecoder()
            while true {
                answer.body += try decoder.receive(takeAll())
                if decoder.isComplete {
                    // What came behind the last chunk begins the next answer.
                    putBack(decoder.rest)
                    break
                }
                guard try receiveMore() else { throw ClientFailure("the chunks ended early") }
            }
        } else {
            answer.body = try readToEnd()
        }
        return answer
    }

    /// Sends a request with a `Host` header and reads the answer.
    @discardableResult
    func ask(_ method: String, _ path: String, headers: [String] = [], body: String? = nil) throws -> HTTPAnswer {
        try send(Self.request(method, path, headers: headers, body: body))
        return try readAnswer(isHead: method == "HEAD")
    }

    /// The bytes of a request. A body is announced as JSON unless the headers name a type.
    static func request(_ method: String, _ path: String, headers: [String] = [], body: String? = nil) -> String {
        var lines = ["\(method) \(path) HTTP/1.1", "Host: localhost"] + headers
        if let body {
            if !headers.contains(where: { $0.lowercased().hasPrefix("content-type:") }) { lines.append("Content-Type: application/json") }
            lines.append("Content-Length: \(body.utf8.count)")
        }
        return lines.joined(separator: "\r\n") + "\r\n\r\n" + (body ?? "")
    }
}
