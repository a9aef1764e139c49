public import MillraceCore

/// What is known of a file that an owner has uploaded. Its bytes are in an ``ObjectStore``, under ``objectKey``.
public struct ContentRecord: Equatable, Sendable {
    /// The id; unique and not to be guessed.
    public var id: String
    /// The name that the client gave it, for showing only.
    public var title: String?
    /// The media type that the client gave, such as `text/plain`.
    public var mimeType: String
    /// The length in bytes.
    public var length: Int
    /// Changes with the bytes; opaque.
    public var entityTag: String
    /// When it was uploaded.
    public var createdAt: Timestamp
    /// Creates a record.
    public init(id: String, title: String?, mimeType: String, length: Int, entityTag: String, createdAt: Timestamp) {
        self.id = id
        self.title = title
        self.mimeType = mimeType
        self.length = length
        self.entityTag = entityTag
        self.createdAt = createdAt
    }

    /// `content://ID`, by which messages name it.
    public var pointer: String { Self.scheme + id }

    /// The id that a pointer, or an id itself, names; `nil` for what is neither.
    public static func id(of pointer: String) -> String? {
        let id = pointer.hasPrefix(scheme) ? String(pointer.dropFirst(scheme.count)) : pointer
        let isPlain = id.utf8.allSatisfy {
            (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0) || $0 == UInt8(ascii: "_")
                || $0 == UInt8(ascii: "-")
        }
        return (1...128).contains(id.utf8.count) && isPlain ? id : nil
    }

    /// The ids of the files that a message names.
    package static func ids(in message: Message) -> [String] {
        message.parts.compactMap { part in
            switch part {
            case .image(let attachment), .document(let attachment): attachment.pointer.flatMap { id(of: $0) }
            default: nil
            }
        }
    }

    private static let scheme = "content://"

    /// Where the bytes are.
    var objectKey: String { "content/\(id)" }
}
