import FoundationEssentials
import MillraceCore
import MillraceHTTPClient

/// One exchange as it is stored: a text file of JSON lines. Pure.
///
/// The lines are, in order: `{"recording":1,"request":{…}}`; `{"response":{"status":…,"headers":[[name,value],…]}}`, unless there was no
/// response; for every piece of the body as it was read `{"text":"…"}`, or `{"base64":"…"}` where it is not UTF-8 by itself; and
/// `{"end":"complete"}`, `{"end":"cut"}` (the reader left) or `{"end":{"error":…}}`. No time is in it: recording a replay gives the same
/// bytes.
struct HTTPRecording: Equatable, Sendable {
    struct Response: Equatable, Sendable {
        var status: Int
        var headers: HTTPClientHeaders
    }

    enum End: Equatable, Sendable {
        /// The body was read to its end.
        case complete
        /// The reader left before, or was cancelled.
        case cut
        /// The transport failed.
        case failed(MillraceError)
    }

    var request: RecordedRequest
    /// `nil`: the exchange ended before one.
    var response: Response?
    var pieces: [[UInt8]] = []
    var end = End.cut

    /// The header fields of responses that are kept: what readers of bodies need, and nothing that is secret or says when it was.
    static let keptHeaders: Set<String> = [
        "content-type", "content-length", "content-encoding", "content-language", "retry-after", "x-request-id", "request-id",
        "x-amzn-requestid", "x-amzn-errortype",
    ]

    static func kept(_ headers: HTTPClientHeaders) -> HTTPClientHeaders {
        HTTPClientHeaders(
            headers.fields.filter { field in
                let name = field.name.lowercased()
                // `Retry-After` may be a date (RFC 9110, section 10.2.3).
                if name == "retry-after" { return field.value.utf8.allSatisfy { (0x30...0x39).contains($0) } }
                return keptHeaders.contains(name)
            })
    }

    // MARK: Writing

    /// The file.
    var text: String {
        var lines: [JSONValue] = [["recording": 1, "request": requestJSON]]
        if let response {
            let headers = response.headers.fields.map { JSONValue.array([.string($0.name), .string($0.value)]) }
            lines.append(["response": ["status": .integer(response.status), "headers": .array(headers)]])
        }
        lines += pieces.map(Self.json)
        switch end {
        case .complete: lines.append(["end": "complete"])
        case .cut: lines.append(["end": "cut"])
        case .failed(let error):
            lines.append([
                "end": [
                    "error": .string(error.code.rawValue), "message": .string(error.message), "details": .object(error.details),
                    "retryable": .bool(error.isRetryable),
                ]
            ])
        }
        return lines.map { $0.text + "\n" }.joined()
    }

    private var requestJSON: JSONValue {
        var members: [String: JSONValue] = [
            "method": .string(request.method), "url": .string(request.url), "hash": .string(request.hash),
            "headers": .array(request.headerNames.map { .string($0) }),
        ]
        switch request.body {
        case .none: break
        case .json(let value): members["json"] = value
        case .text(let text): members["text"] = .string(text)
        case .binary(let bytes): members["base64"] = .string(Data(bytes).base64EncodedString())
        }
        return .object(members)
    }

    private static func json(_ piece: [UInt8]) -> JSONValue {
        if let text = String(validating: piece, as: UTF8.self) { return ["text": .string(text)] }
        return ["base64": .string(Data(piece).base64EncodedString())]
    }

    // MARK: Reading

    /// Reads a file.
    /// - Throws: ``ErrorCode/configuration`` that names the file and the line.
    init(parsing bytes: [UInt8], file: String) throws(MillraceError) {
        var lines: [JSONValue] = []
        for line in bytes.split(separator: UInt8(ascii: "\n")) {
            do { lines.append(try JSONValue(parsing: Array(line))) } catch { throw Self.wrong(file, lines.count + 1, error.message) }
        }
        guard let first = lines.first, first["recording"] == 1, let request = first["request"].flatMap({ RecordedRequest(json: $0) }) else {
            throw Self.wrong(file, 1, "it does not begin with {\"recording\":1,\"request\":{…}}")
        }
        guard lines.count > 1, let end = lines.last?["end"].flatMap(End.init(json:)) else {
            throw Self.wrong(file, lines.count, "it does not finish with an end: the recording was cut off")
        }
        self.request = request
        self.end = end
        for (index, line) in lines.enumerated().dropFirst().dropLast() {
            if index == 1, let response = line["response"] {
                guard let read = Response(json: response) else {
                    throw Self.wrong(file, index + 1, "its response needs status and headers")
                }
                self.response = read
            } else if response != nil, let text = line["text"]?.string {
                pieces.append(Array(text.utf8))
            } else if response != nil, let data = line["base64"]?.string.flatMap({ Data(base64Encoded: $0) }) {
                pieces.append(Array(data))
            } else {
                throw Self.wrong(file, index + 1, "there is no piece of a response's body: {\"text\":…} or {\"base64\":…}")
            }
        }
        if response == nil, end == .complete { throw Self.wrong(file, lines.count, "it is complete and has no response") }
    }

    init(request: RecordedRequest) { self.request = request }

    private static func wrong(_ file: String, _ line: Int, _ problem: String) -> MillraceError {
        MillraceError(.configuration, "the recording \(file) cannot be read, line \(line): \(problem)")
    }
}

extension RecordedRequest {
    fileprivate init?(json: JSONValue) {
        guard let method = json["method"]?.string, let url = json["url"]?.string, let names = json["headers"]?.array else { return nil }
        var body: [UInt8] = []
        if let value = json["json"] {
            body = Array(value.text.utf8)
        } else if let text = json["text"]?.string {
            body = Array(text.utf8)
        } else if let data = json["base64"]?.string.flatMap({ Data(base64Encoded: $0) }) {
            body = Array(data)
        }
        self.init(method: method, url: url, headers: HTTPClientHeaders(names.compactMap { $0.string.map { .init($0, "") } }), body: body)
    }
}

extension HTTPRecording.Response {
    fileprivate init?(json: JSONValue) {
        guard let status = json["status"]?.integer, let fields = json["headers"]?.array else { return nil }
        var headers = HTTPClientHeaders()
        for field in fields {
            guard let name = field[0]?.string, let value = field[1]?.string else { return nil }
            headers.add(name, value)
        }
        self.init(status: status, headers: headers)
    }
}

extension HTTPRecording.End {
    fileprivate init?(json: JSONValue) {
        switch json {
        case "complete": self = .complete
        case "cut": self = .cut
        default:
            guard let code = json["error"]?.string, let message = json["message"]?.string else { return nil }
            self = .failed(
                MillraceError(
                    ErrorCode(rawValue: code), message, details: json["details"]?.object ?? [:],
                    isRetryable: json["retryable"]?.bool ?? false))
        }
    }
}
