import MillraceCore
import MillraceHTTPClient

/// Reads a refusal, in each of the forms that AWS's protocols have: JSON with `__type`, a header, or XML.
struct AWSErrorBody {
    let status: Int
    let headers: HTTPClientHeaders
    let body: [UInt8]

    func error(service: String) -> AWSServiceError {
        let requestID = headers["x-amzn-RequestId"] ?? headers["x-amz-request-id"]
        if body.first(where: { !Self.isSpace($0) }) == UInt8(ascii: "<"), let root = try? XMLElement(parsing: body) {
            let error = root.first("Error") ?? root.first("Errors")?.first("Error") ?? root
            return AWSServiceError(
                service: service, code: error.first("Code")?.text ?? fallbackCode, message: error.first("Message")?.text ?? "",
                status: status, requestID: requestID ?? (root.first("RequestId") ?? error.first("RequestId"))?.text,
                details: xmlDetails(error))
        }
        let json = (try? JSONValue(parsing: body)) ?? .null
        let written = headers["x-amzn-ErrorType"] ?? json["__type"]?.string ?? json["code"]?.string
        let message = json["message"]?.string ?? json["Message"]?.string ?? json["errorMessage"]?.string ?? ""
        var details = json.object ?? [:]
        if let region = headers["x-amz-bucket-region"] { details["Region"] = .string(region) }
        for name in ["__type", "code", "message", "Message"] { details[name] = nil }
        return AWSServiceError(
            service: service, code: written.map(Self.shortened) ?? fallbackCode, message: message, status: status, requestID: requestID,
            details: details)
    }

    /// Such as the `Region` of S3's redirects, which a header says where there is no body.
    private func xmlDetails(_ error: XMLElement) -> [String: JSONValue] {
        var details: [String: JSONValue] = [:]
        for child in error.children where child.children.isEmpty && !Self.known.contains(child.name) {
            details[child.name] = .string(child.text)
        }
        if let region = headers["x-amz-bucket-region"] { details["Region"] = .string(region) }
        return details
    }

    private static let known: Set = ["Code", "Message", "RequestId", "HostId", "Type"]

    /// A response to HEAD has no body to say it, and neither has one to a condition.
    private var fallbackCode: String {
        switch status {
        case 301: "PermanentRedirect"
        case 304: "NotModified"
        case 403: "Forbidden"
        case 404: "NotFound"
        case 412: "PreconditionFailed"
        case 416: "InvalidRange"
        default: "Unknown"
        }
    }

    /// `com.amazonaws.dynamodb.v20120810#ResourceNotFoundException:http://…` is `ResourceNotFoundException`.
    private static func shortened(_ code: String) -> String {
        String(code.prefix { $0 != ":" }.split(separator: "#").last ?? "Unknown")
    }

    /// The beginning of a text that is no error of AWS's, such as a proxy's page; empty for other bytes.
    static func excerpt(of body: [UInt8]) -> String {
        // A letter may be cut at the end.
        guard body.prefix(200).allSatisfy({ $0 >= 0x20 || isSpace($0) }) else { return "" }
        let words = String(decoding: body.prefix(200), as: UTF8.self).split(whereSeparator: \.isWhitespace)
        return words.joined(separator: " ") + (body.count > 200 ? " …" : "")
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 }
}
