import Millrace
import MillraceCore
import MillraceHTTP

/// `/api/v1/content` and `/api/v1/generate/content/{pointer}`: files in and out, streamed in bounded memory.
struct ContentRoutes: Sendable {
    /// `nil` where no object store can be used, with the reason.
    let content: ContentStore?
    let unavailable: String?
    /// How long a file may be, in bytes.
    let limit: Int
    /// Removes files with what has been made of them.
    let removal: ContentRemoval

    /// How much more than the file a form may hold, in bytes.
    static let formBytes = 1 << 20

    private func available() throws(MillraceError) -> ContentStore {
        guard let content else {
            throw MillraceError(.storageUnavailable, "files cannot be stored: \(unavailable ?? "there is no object store")")
        }
        return content
    }

    /// Stores a file: the body itself, or the field `file` of a form.
    func upload(_ request: APIRequest) async throws -> HTTPResponse {
        let content = try available()
        let upload = try await UploadBody(request, limit: limit)
        let record = try await content.add(
            .stream(length: upload.length, next: { try await upload.next() }), title: upload.title, mimeType: upload.mimeType,
            principal: request.principal)
        var response = HTTPResponse.json(.created) { $0.write(record) }
        try? response.headers.set("Location", "/api/v1/generate/content/\(record.id)")
        return response
    }

    /// The owner's files, newest first.
    func list(_ request: APIRequest) async throws -> HTTPResponse {
        let page = try await available().records(page: try request.page(), principal: request.principal)
        return .json { object in
            object.member("items", array: page.items) { record, object in object.write(record) }
            object.member("next_cursor", page.nextCursor)
        }
    }

    /// A file's bytes, all or a range. Browsers are told not to show them: a file of somebody's is not a page of this server.
    func download(_ request: APIRequest) async throws -> HTTPResponse {
        let content = try available()
        guard let record = try await content.record(request.parameter("pointer"), principal: request.principal) else {
            throw notFound(request)
        }
        let tag = "\"\(record.entityTag)\""
        var headers: HTTPHeaders = [
            "X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox", "Cache-Control": "private, no-cache",
            "Accept-Ranges": "bytes",
        ]
        try? headers.set("ETag", tag)
        if request.head["if-none-match"].map({ Self.names($0, tag) }) == true { return HTTPResponse(.notModified, headers: headers) }
        try? headers.set("Content-Disposition", ContentDisposition.attachment(named: record.title))
        try? headers.set("Content-Type", record.mimeType)
        var range = ByteRange(request.head["range"], length: record.length)
        if let condition = request.head["if-range"], condition != tag { range = .whole }
        var wanted = 0..<record.length
        switch range {
        case .whole: break
        case .unsatisfiable:
            throw Problem(
                .rangeNotSatisfiable, "the file has \(record.length) bytes", headers: [("Content-Range", "bytes */\(record.length)")])
        case .bytes(let bytes):
            wanted = bytes
            try? headers.set("Content-Range", "bytes \(bytes.lowerBound)-\(bytes.upperBound - 1)/\(record.length)")
        }
        let status: HTTPStatus = range == .whole ? .ok : .partialContent
        let source = ObjectBodySource(loop: request.http.loop)
        if request.head.method != .head, !wanted.isEmpty {
            let asked: ObjectRange? = range == .whole ? nil : .bytes(offset: wanted.lowerBound, count: wanted.count)
            let (id, principal) = (record.id, request.principal)
            try await source.open { hand in
                try await content.read(id, range: asked, principal: principal) { object in
                    while let piece = try await object.next() { try await hand(piece) }
                }
            }
        } else {
            try await source.open { _ in }
        }
        return HTTPResponse(status, headers: headers, body: .stream(source, length: wanted.count))
    }

    /// Removes a file.
    func delete(_ request: APIRequest) async throws -> HTTPResponse {
        let content = try available()
        guard let record = try await content.record(request.parameter("pointer"), principal: request.principal) else {
            throw notFound(request)
        }
        guard try await removal.delete(record, principal: request.principal) else { throw notFound(request) }
        return HTTPResponse(.noContent)
    }

    private func notFound(_ request: APIRequest) -> Problem {
        Problem(.notFound, "there is no content '\(request.parameter("pointer").prefix(200))'")
    }

    /// Whether a list of entity tags names one, by weak comparison (RFC 9110, section 13.1.2).
    private static func names(_ list: String, _ tag: String) -> Bool {
        list.split(separator: ",").contains { item in
            let item = item.drop { $0 == " " || $0 == "\t" }
            let name = item.hasPrefix("W/") ? item.dropFirst(2) : item
            return name == "*" || name.prefix { $0 != " " } == tag
        }
    }
}

extension JSONObjectWriter {
    mutating func write(_ record: ContentRecord) {
        member("content_id", record.id)
        member("pointer", record.pointer)
        member("title", record.title)
        member("mime_type", record.mimeType)
        member("length", record.length)
        member("created_at", record.createdAt.description)
    }
}
