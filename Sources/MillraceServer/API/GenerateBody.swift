import Millrace
import MillraceCore

/// The body of a request to start a run, checked field by field (wire contract, "Start a run").
struct GenerateBody: Equatable {
    var task: String?
    var chatID: String?
    var modelID: String?
    var parentID: String?
    var parts: [MessagePart]
    var persona: String?
    var context: [ContextItem]
    /// Where the parts stand in the body, for problems.
    private var partsPath = "parts"

    private static let mostParts = 256
    private static let mostContext = 256

    /// Reads the body.
    /// - Throws: a 422 that names every field that is wrong.
    init(json: JSONValue) throws(Problem) {
        var fields = FieldReader(json)
        task = fields.string("task", limit: 64, mayBeEmpty: false)
        chatID = fields.identifier("chat_id")
        modelID = fields.string("model_id", limit: 256, mayBeEmpty: false)
        parentID = fields.identifier("parent_id")
        persona = fields.string("persona", limit: 64 << 10)
        parts = []
        context = []
        if fields.problems.first?.field != "body" {
            (parts, partsPath) = Self.parts(&fields)
            context = Self.context(&fields)
        }
        try fields.finish()
    }

    private static func parts(_ fields: inout FieldReader) -> (parts: [MessagePart], path: String) {
        var path = "parts"
        var list: [JSONValue]?
        if fields.value("parts") != nil {
            list = fields.array("parts", limit: mostParts)
        } else if let message = fields.object("message") {
            path = "message.parts"
            var nested = FieldReader(.object(message), path: "message")
            list = nested.array("parts", limit: mostParts)
            if list == nil, nested.problems.isEmpty { nested.note("parts", "is required") }
            fields.take(nested.problems)
        } else if fields.value("message") == nil {
            fields.note("parts", "is required: at least one part, such as {\"content\": \"Hello\"}")
        }
        guard let list else { return ([], path) }
        if list.isEmpty { fields.take([FieldProblem(field: path, message: "must have at least one part")]) }
        var parts: [MessagePart] = []
        parts.reserveCapacity(list.count)
        for (index, value) in list.enumerated() {
            let place = "\(path)[\(index)]"
            guard value.object != nil else {
                fields.take([FieldProblem(field: place, message: "must be an object, not a \(value.kindName)")])
                continue
            }
            do {
                let part = try MessagePart(json: value)
                if let problem = problem(of: part) {
                    fields.take([FieldProblem(field: place + problem.field, message: problem.message)])
                } else {
                    parts.append(part)
                }
            } catch {
                let field = error.details["field"]?.string.map { ".\($0)" } ?? ""
                fields.take([FieldProblem(field: place + field, message: error.message)])
            }
        }
        return (parts, path)
    }

    // MARK: Pointers

    /// Whether a part or an item of the context has a pointer, which ``resolve(_:)`` looks up.
    var namesContent: Bool {
        context.contains { $0.attachment?.pointer != nil }
            || parts.contains {
                switch $0 {
                case .image(let attachment), .document(let attachment): attachment.pointer != nil
                default: false
                }
            }
    }

    /// Looks up what pointers name, and takes over the type and title of files whose attachments give none.
    /// - Parameter find: gives the record of a pointer that the asker owns.
    /// - Throws: a 422 that names every pointer to something that the asker does not have.
    mutating func resolve(_ find: (String) async throws -> ContentRecord?) async throws {
        var problems: [FieldProblem] = []
        func resolved(_ attachment: Attachment, _ place: String) async throws -> Attachment {
            guard let pointer = attachment.pointer else { return attachment }
            guard let record = try await find(pointer) else {
                problems.append(
                    FieldProblem(
                        field: place + ".pointer", message: "names content that does not exist: upload it with POST /api/v1/content first"))
                return attachment
            }
            var attachment = attachment
            attachment.mimeType = attachment.mimeType ?? record.mimeType
            attachment.title = attachment.title ?? record.title
            return attachment
        }
        for place in parts.indices {
            switch parts[place] {
            case .image(let attachment): parts[place] = .image(try await resolved(attachment, "\(partsPath)[\(place)]"))
            case .document(let attachment): parts[place] = .document(try await resolved(attachment, "\(partsPath)[\(place)]"))
            default: break
            }
        }
        for place in context.indices {
            guard let attachment = context[place].attachment else { continue }
            context[place].attachment = try await resolved(attachment, "context[\(place)]")
        }
        if !problems.isEmpty { throw Problem.fields(problems) }
    }

    /// What a client's part must not be.
    private static func problem(of part: MessagePart) -> FieldProblem? {
        switch part {
        case .text: nil
        case .image(let attachment), .document(let attachment): problem(of: attachment)
        case .reasoning, .toolCall, .toolReturn, .citation:
            FieldProblem(field: ".part_kind", message: "must be text, image or document in a request")
        }
    }

    /// Nothing that a client names is opened: a pointer must be content that this owner stored here.
    private static func problem(of attachment: Attachment) -> FieldProblem? {
        if let pointer = attachment.pointer {
            // Whether this owner has it is looked up before the run starts.
            if pointer.hasPrefix("content://"), ContentRecord.id(of: pointer) != nil { return nil }
            return FieldProblem(field: ".pointer", message: "must be a content:// pointer; other schemes are not allowed here")
        }
        if attachment.data == nil { return FieldProblem(field: "", message: "needs data (base64) or a pointer") }
        return nil
    }

    private static func context(_ fields: inout FieldReader) -> [ContextItem] {
        guard let list = fields.array("context", limit: mostContext) else { return [] }
        var items: [ContextItem] = []
        for (index, value) in list.enumerated() {
            let place = "context[\(index)]"
            var item = FieldReader(value, path: place)
            let type = item.string("type", limit: 64, required: item.problems.isEmpty, mayBeEmpty: false)
            var attachment: Attachment?
            if item.problems.isEmpty, item.value("pointer") != nil || item.value("data") != nil {
                var members = item.all
                members["part_kind"] = "document"
                do {
                    if case .document(let file) = try MessagePart(json: .object(members)) {
                        attachment = file
                        if let problem = problem(of: file) {
                            item.take([FieldProblem(field: place + problem.field, message: problem.message)])
                        }
                    }
                } catch {
                    item.take([FieldProblem(field: place + (error.details["field"]?.string.map { ".\($0)" } ?? ""), message: error.message)]
                    )
                }
            }
            _ = item.string("content")
            _ = item.string("title", limit: 1024)
            fields.take(item.problems)
            if let type, item.problems.isEmpty { items.append(ContextItem(type: type, attachment: attachment, fields: item.all)) }
        }
        return items
    }
}
