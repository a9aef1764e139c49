public import MillraceCore

/// A file that goes with a message: its bytes, or a pointer to stored content.
public struct Attachment: Equatable, Sendable {
    /// `content://ID` of something this owner uploaded.
    public var pointer: String?
    /// The bytes, where they came with the request.
    public var data: [UInt8]?
    /// The media type that the client gave, such as `text/plain`.
    public var mimeType: String?
    /// The name to show and to cite, such as `contract.txt`.
    public var title: String?

    /// What an extractor has read out of the bytes, where they are no text themselves.
    package var extractedText: String?
    /// Whether the user was told already that it is left out.
    package var isReportedSkipped = false

    /// Creates an attachment.
    public init(pointer: String? = nil, data: [UInt8]? = nil, mimeType: String? = nil, title: String? = nil) {
        self.pointer = pointer
        self.data = data
        self.mimeType = mimeType
        self.title = title
    }

    /// What was read out of the bytes, or the bytes as text, where they are text by media type (or none was given) and valid UTF-8.
    public var text: String? {
        if let extractedText { return extractedText }
        guard let data else { return nil }
        if let mimeType = mimeType?.lowercased() {
            let isText = mimeType.hasPrefix("text/") || ["json", "xml", "yaml"].contains { mimeType.contains($0) }
            guard isText else { return nil }
        }
        return String(validating: data, as: UTF8.self)
    }
}

/// How a file of a media type is read.
package enum AttachmentForm: Equatable, Sendable {
    /// Its bytes are the text.
    case text
    /// It can be read as it is, and better without its markup.
    case markup
    /// A picture, sound or film: there is no text in it.
    case media
    /// Its text has to be extracted, if there is any.
    case document

    /// Whether an extractor reads it, where there is one.
    package var isExtracted: Bool { self == .markup || self == .document }

    package init(mimeType: String?) {
        let type = (mimeType ?? "text/plain").lowercased().prefix { $0 != ";" }
        let isMarkup = type.hasPrefix("text/html") || type.contains("xhtml")
        let isPlain = type.hasPrefix("text/") || ["json", "yaml"].contains { type.contains($0) }
        // The types of Office are called after the format of their parts.
        let isXML = type.contains("xml") && !type.contains("officedocument")
        if ["image/", "audio/", "video/"].contains(where: { type.hasPrefix($0) }) {
            self = .media
        } else {
            self = isMarkup ? .markup : isPlain || isXML ? .text : .document
        }
    }
}

/// A tool that a model wants called.
public struct ToolCall: Equatable, Sendable {
    /// The provider's or our id, which the result names again.
    public var id: String
    /// The tool's name.
    public var name: String
    /// The arguments, an object that follows the tool's schema.
    public var arguments: JSONValue
    /// Creates a call.
    public init(id: String, name: String, arguments: JSONValue) {
        self.id = id
        self.name = name
        self.arguments = arguments
    }
}

/// What a tool call gave.
public struct ToolReturn: Equatable, Sendable {
    /// The id of the call.
    public var id: String
    /// The tool's name.
    public var name: String
    /// The result.
    public var result: JSONValue
    /// Whether the tool failed; `result` then says why.
    public var isError: Bool
    /// Creates a result.
    public init(id: String, name: String, result: JSONValue, isError: Bool = false) {
        self.id = id
        self.name = name
        self.result = result
        self.isError = isError
    }
}

/// A model's reasoning, in the form that it must be handed back in.
public struct Reasoning: Equatable, Sendable {
    /// The readable text.
    public var text: String
    /// The provider's signature over the text.
    public var signature: String?
    /// Encrypted reasoning, base64, where the provider does not show it.
    public var redactedContent: String?
    /// Whether the piece is its block's last: a signature stands for exactly the text before it, and encrypted reasoning comes whole.
    package var endsBlock: Bool { signature != nil || redactedContent != nil }
    /// Creates a piece of reasoning.
    public init(text: String = "", signature: String? = nil, redactedContent: String? = nil) {
        self.text = text
        self.signature = signature
        self.redactedContent = redactedContent
    }
}

/// A place in a source that backs what an answer says.
public struct Citation: Hashable, Sendable {
    /// Which document.
    public var documentID: String
    /// The words of the source.
    public var text: String
    /// The page, from 1.
    public var page: Int?
    /// The heading or part of the document.
    public var section: String?
    /// The citation's own id.
    public var citationID: String?
    /// The number that the answer's text refers to it by, from 1.
    public var referenceNumber: Int?
    /// The document's title.
    public var documentTitle: String?
    /// Where the document is kept.
    public var documentPointer: String?
    /// Creates a citation.
    public init(
        documentID: String, text: String, page: Int? = nil, section: String? = nil, citationID: String? = nil, referenceNumber: Int? = nil,
        documentTitle: String? = nil, documentPointer: String? = nil
    ) {
        self.documentID = documentID
        self.text = text
        self.page = page
        self.section = section
        self.citationID = citationID
        self.referenceNumber = referenceNumber
        self.documentTitle = documentTitle
        self.documentPointer = documentPointer
    }
}

/// One part of a message. On the wire and in the store an object whose `part_kind` says which.
public enum MessagePart: Equatable, Sendable {
    /// Text.
    case text(String)
    /// A picture.
    indirect case image(Attachment)
    /// A document.
    indirect case document(Attachment)
    /// A model's reasoning.
    indirect case reasoning(Reasoning)
    /// A tool call.
    indirect case toolCall(ToolCall)
    /// A tool's result.
    indirect case toolReturn(ToolReturn)
    /// A citation.
    indirect case citation(Citation)
}
