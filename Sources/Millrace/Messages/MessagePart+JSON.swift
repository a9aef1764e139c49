import FoundationEssentials
public import MillraceCore

extension MessagePart {
    /// The part as clients and the store see it: an object whose `part_kind` says what it is. Members without a value are left out.
    public var json: JSONValue {
        switch self {
        case .text(let text): ["part_kind": "text", "content": .string(text)]
        case .image(let attachment): Self.json("image", attachment)
        case .document(let attachment): Self.json("document", attachment)
        case .reasoning(let reasoning):
            Self.object(
                "reasoning", ["text": .string(reasoning.text)],
                optional: ["signature": reasoning.signature, "redacted_content": reasoning.redactedContent])
        case .toolCall(let call):
            ["part_kind": "tool_call", "tool_name": .string(call.name), "tool_args": call.arguments, "tool_id": .string(call.id)]
        case .toolReturn(let result):
            [
                "part_kind": "tool_return", "tool_name": .string(result.name), "tool_id": .string(result.id), "result": result.result,
                "is_error": .bool(result.isError),
            ]
        case .citation(let citation): Self.json(citation)
        }
    }

    /// Reads a part. An object with only `content` is text; unknown members are ignored.
    /// - Throws: ``ErrorCode/invalidInput`` that names the member that is missing or of the wrong type, also in `details.field`.
    public init(json: JSONValue) throws(MillraceError) {
        try self.init(PartReader(json, field: ""))
    }

    /// Reads a list of parts.
    /// - Parameters:
    ///   - json: an array of parts.
    ///   - field: what the list is called, for errors that name `parts[2].content`.
    /// - Throws: as ``init(json:)``.
    public static func list(json: JSONValue, field: String = "parts") throws(MillraceError) -> [MessagePart] {
        guard let elements = json.array else { throw PartReader.wrong(field, "must be an array, not \(PartReader.article(json))") }
        var parts: [MessagePart] = []
        parts.reserveCapacity(elements.count)
        for (index, element) in elements.enumerated() {
            parts.append(try MessagePart(PartReader(element, field: "\(field)[\(index)]")))
        }
        return parts
    }

    private init(_ reader: PartReader) throws(MillraceError) {
        let kind = try reader.text("part_kind")
        switch kind ?? "text" {
        case "text": self = .text(try reader.requiredText("content"))
        case "image": self = .image(try reader.attachment(needsContent: true))
        case "document": self = .document(try reader.attachment(needsContent: false))
        case "reasoning":
            self = .reasoning(
                Reasoning(
                    text: try reader.text("text") ?? "", signature: try reader.text("signature"),
                    redactedContent: try reader.text("redacted_content")))
        case "tool_call":
            self = .toolCall(
                ToolCall(
                    id: try reader.requiredText("tool_id"), name: try reader.requiredText("tool_name"),
                    arguments: reader.value("tool_args") ?? [:]))
        case "tool_return":
            self = .toolReturn(
                ToolReturn(
                    id: try reader.requiredText("tool_id"), name: try reader.requiredText("tool_name"),
                    result: reader.value("result") ?? .null, isError: try reader.flag("is_error") ?? false))
        case "citation":
            self = .citation(
                Citation(
                    documentID: try reader.requiredText("document_id"), text: try reader.requiredText("text"),
                    page: try reader.integer("page"),
                    section: try reader.text("section"), citationID: try reader.text("citation_id"),
                    referenceNumber: try reader.integer("reference_number"), documentTitle: try reader.text("document_title"),
                    documentPointer: try reader.text("document_pointer")))
        case let other:
            throw reader.wrong(
                "part_kind", "is '\(other)'; known are text, image, document, reasoning, tool_call, tool_return and citation")
        }
    }

    private static func json(_ kind: String, _ attachment: Attachment) -> JSONValue {
        object(
            kind, [:],
            optional: [
                "pointer": attachment.pointer, "data": attachment.data.map { Data($0).base64EncodedString() },
                "mime_type": attachment.mimeType, "title": attachment.title,
            ])
    }

    private static func json(_ citation: Citation) -> JSONValue {
        var members: [String: JSONValue] = ["document_id": .string(citation.documentID), "text": .string(citation.text)]
        if let page = citation.page { members["page"] = .integer(page) }
        if let number = citation.referenceNumber { members["reference_number"] = .integer(number) }
        return object(
            "citation", members,
            optional: [
                "section": citation.section, "citation_id": citation.citationID, "document_title": citation.documentTitle,
                "document_pointer": citation.documentPointer,
            ])
    }

    private static func object(_ kind: String, _ members: [String: JSONValue], optional: [String: String?]) -> JSONValue {
        var members = members
        members["part_kind"] = .string(kind)
        for (name, value) in optional { if let value { members[name] = .string(value) } }
        return .object(members)
    }
}

/// Reads the members of one part, with errors that name them.
private struct PartReader {
    private let members: [String: JSONValue]
    private let field: String

    init(_ json: JSONValue, field: String) throws(MillraceError) {
        guard let members = json.object else {
            throw Self.wrong(field.isEmpty ? "part" : field, "must be an object, not \(Self.article(json))")
        }
        self.members = members
        self.field = field
    }

    static func wrong(_ field: String, _ problem: String) -> MillraceError {
        MillraceError(.invalidInput, "\(field) \(problem)", details: ["field": .string(field)])
    }

    static func article(_ json: JSONValue) -> String {
        switch json {
        case .null: "null"
        case .array, .object: "an \(json.kindName)"
        default: "a \(json.kindName)"
        }
    }

    func wrong(_ name: String, _ problem: String) -> MillraceError {
        Self.wrong(field.isEmpty ? name : "\(field).\(name)", problem)
    }

    /// The member, where it is there and not null.
    func value(_ name: String) -> JSONValue? {
        guard let value = members[name], !value.isNull else { return nil }
        return value
    }

    private func typed<T>(_ name: String, _ type: String, _ read: (JSONValue) -> T?) throws(MillraceError) -> T? {
        guard let value = value(name) else { return nil }
        guard let typed = read(value) else { throw wrong(name, "must be \(type), not \(Self.article(value))") }
        return typed
    }

    func text(_ name: String) throws(MillraceError) -> String? { try typed(name, "a string") { $0.string } }
    func integer(_ name: String) throws(MillraceError) -> Int? { try typed(name, "an integer") { $0.integer } }
    func flag(_ name: String) throws(MillraceError) -> Bool? { try typed(name, "a boolean") { $0.bool } }

    func requiredText(_ name: String) throws(MillraceError) -> String {
        guard let text = try text(name) else { throw wrong(name, "is missing") }
        return text
    }

    /// - Parameter needsContent: whether it must have bytes or a pointer. A document in a stored answer may be a mere name.
    func attachment(needsContent: Bool) throws(MillraceError) -> Attachment {
        var attachment = Attachment(pointer: try text("pointer"), mimeType: try text("mime_type"), title: try text("title"))
        if let encoded = try text("data") {
            guard let data = Data(base64Encoded: encoded) else { throw wrong("data", "is not base64 (RFC 4648, section 4)") }
            attachment.data = [UInt8](data)
        }
        guard !needsContent || attachment.data != nil || attachment.pointer != nil else {
            throw wrong("data", "is missing, and there is no pointer either")
        }
        return attachment
    }
}
