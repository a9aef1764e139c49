import MillraceCore
import MillraceHTTP

/// A file in a request's body, raw or in a form (`multipart/form-data`), as it arrives. Used by one task on the connection's loop.
final class UploadBody: @unchecked Sendable {  // Sendable: used on the request's loop only.
    /// The file's name as the client gave it.
    private(set) var title: String?
    private(set) var mimeType = "application/octet-stream"
    /// The length that was announced, in bytes; a form does not say.
    private(set) var length: Int?

    private let body: HTTPRequestBody
    private var parser: MultipartParser?
    private var events: ArraySlice<MultipartParser.Event> = []
    private var received = 0
    private let limit: Int

    /// How long a title may be, in bytes.
    private static let titleLimit = 1024
    private static let mimeTypeLimit = 255

    /// Reads up to the file's first byte.
    /// - Parameter limit: how long the file may be, in bytes.
    /// - Throws: ``Problem`` for a body that holds no file, or one that is announced as too long.
    init(_ request: APIRequest, limit: Int) async throws {
        body = request.http.body
        self.limit = limit
        let declared = request.head["content-type"].flatMap { MediaType(parsing: $0) }
        if declared?.essence == "application/x-www-form-urlencoded" {
            // What curl says of any --data-binary unless it is told.
            throw Problem(
                .unsupportedMediaType, "say what the file is, as in -H 'Content-Type: text/plain', or send it as a form: -F file=@NAME")
        }
        guard declared?.essence == "multipart/form-data" else {
            if case .length(let count) = request.head.framing { length = Int(count) }
            if case .none = request.head.framing { length = 0 }
            if let length, length > limit { throw Self.tooLarge(limit) }
            if let type = request.head["content-type"] { mimeType = try Self.checked(mimeType: type) }
            let disposition = request.head["content-disposition"].flatMap { ContentDisposition(parsing: $0) }
            title = try Self.checked(title: request.head.queryValue("title") ?? disposition?.filename)
            return
        }
        guard let boundary = declared?.parameters["boundary"], let parser = MultipartParser(boundary: boundary) else {
            throw Problem(.badRequest, "the form's Content-Type has no boundary of 1 to 70 characters")
        }
        self.parser = parser
        try await findFile()
    }

    /// The file's next piece, `nil` at its end.
    /// - Throws: ``Problem`` 413 as soon as it is too long, 400 for a form that is malformed or cut.
    func next() async throws -> [UInt8]? {
        let piece: [UInt8]?
        if parser == nil { piece = try await body.next() } else { piece = try await nextOfForm() }
        guard let piece else { return nil }
        received += piece.count
        guard received <= limit else { throw Self.tooLarge(limit) }
        return piece
    }

    // MARK: Forms

    private func event() async throws -> MultipartParser.Event? {
        while events.isEmpty {
            guard let bytes = try await body.next() else { return nil }
            do throws(MultipartParser.Failure) { events = try parser?.receive(bytes)[...] ?? [] } catch {
                throw Problem(.badRequest, "the form is malformed: \(error.reason)")
            }
        }
        return events.removeFirst()
    }

    /// Reads the fields before the file.
    private func findFile() async throws {
        var field: (name: String, value: [UInt8])?
        var given: String?
        while let event = try await event() {
            switch event {
            case .part(let head):
                if head.filename != nil || head.name == "file" {
                    title = try Self.checked(title: given.flatMap { $0.isEmpty ? nil : $0 } ?? head.filename)
                    if let type = head.contentType { mimeType = try Self.checked(mimeType: type) }
                    return
                }
                field = (head.name, [])
            case .data(let bytes):
                field?.value += bytes
                guard field?.value.count ?? 0 <= Self.titleLimit else {
                    throw Problem.fields([
                        FieldProblem(field: field?.name ?? "", message: "a form's text field may have \(Self.titleLimit) bytes")
                    ])
                }
            case .partEnd:
                if let field, field.name == "title" { given = String(decoding: field.value, as: UTF8.self) }
                field = nil
            case .end: throw Problem.fields([FieldProblem(field: "file", message: "the form holds no file: send it as the field 'file'")])
            }
        }
        throw Self.cut()
    }

    private func nextOfForm() async throws -> [UInt8]? {
        guard let event = try await event() else { throw Self.cut() }
        switch event {
        case .data(let bytes): return bytes
        case .partEnd:
            // What follows is read to the end: a second file would be lost in silence.
            while let event = try await self.event() {
                switch event {
                case .part(let head) where head.filename != nil || head.name == "file":
                    throw Problem.fields([
                        FieldProblem(field: head.name, message: "one file a request: send the others in requests of their own")
                    ])
                case .end: return nil
                default: break
                }
            }
            throw Self.cut()
        case .part, .end: return nil
        }
    }

    private static func cut() -> Problem { Problem(.badRequest, "the form ends before its closing boundary") }

    private static func tooLarge(_ limit: Int) -> Problem {
        Problem(.contentTooLarge, "a file may have \(limit) bytes (content.uploadBytes)")
    }

    private static func checked(title: String?) throws(Problem) -> String? {
        guard let title, !title.isEmpty else { return nil }
        guard title.utf8.count <= titleLimit, title.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7F }) else {
            throw Problem.fields([
                FieldProblem(field: "title", message: "must have 1 to \(titleLimit) bytes and no control characters")
            ])
        }
        return title
    }

    private static func checked(mimeType: String) throws(Problem) -> String {
        guard mimeType.utf8.count <= mimeTypeLimit, MediaType(parsing: mimeType) != nil else {
            throw Problem.fields([FieldProblem(field: "Content-Type", message: "must be a media type, such as text/plain")])
        }
        return mimeType
    }
}
