import Millrace
import MillraceCore

/// What stands behind the content in an object's file: its description as JSON, the JSON's length (4 bytes, the highest first) and a mark.
///
/// The content comes first, so that a file can be looked at as what it is. One file holds all, so that no crash separates them.
struct ObjectFooter: Equatable {
    var length: Int
    /// The SHA-256 of the content in hexadecimal digits: the entity tag.
    var sha256: String
    var modifiedAt: Timestamp
    var mimeType: String?
    var metadata: [String: String]

    private static let mark = Array("MROBJ\u{1}\r\n".utf8)
    /// The JSON's length and the mark.
    static let tailBytes = 4 + 8
    static let mostJSONBytes = 64 << 10

    var bytes: [UInt8] {
        var object: [String: JSONValue] = [
            "length": .integer(length), "sha256": .string(sha256), "modified_at": .integer(Int(modifiedAt.microseconds)),
            "metadata": .object(metadata.mapValues { .string($0) }),
        ]
        if let mimeType { object["mime_type"] = .string(mimeType) }
        let json = Array(JSONValue.object(object).text.utf8)
        let count = UInt32(json.count)
        return json + [UInt8(count >> 24), UInt8(count >> 16 & 0xFF), UInt8(count >> 8 & 0xFF), UInt8(count & 0xFF)] + Self.mark
    }

    /// The length of the JSON before a file's last bytes; `nil`: this is no object's file.
    static func jsonLength(tail: [UInt8]) -> Int? {
        guard tail.count == tailBytes, Array(tail[4...]) == mark else { return nil }
        let count = tail[..<4].reduce(0) { $0 << 8 | Int($1) }
        return 2...mostJSONBytes ~= count ? count : nil
    }

    /// - Parameter fileLength: of the whole file.
    /// - Returns: `nil` for a description that does not fit its file.
    init?(json: [UInt8], fileLength: Int) {
        guard let value = try? JSONValue(parsing: json), case .integer(let length)? = value["length"],
            length == fileLength - json.count - Self.tailBytes, let sha256 = value["sha256"]?.string,
            case .integer(let modified)? = value["modified_at"], let metadata = value["metadata"]?.object
        else { return nil }
        self.init(
            length: length, sha256: sha256, modifiedAt: Timestamp(microseconds: Int64(modified)), mimeType: value["mime_type"]?.string,
            metadata: metadata.compactMapValues { $0.string })
    }

    init(length: Int, sha256: String, modifiedAt: Timestamp, mimeType: String?, metadata: [String: String]) {
        self.length = length
        self.sha256 = sha256
        self.modifiedAt = modifiedAt
        self.mimeType = mimeType
        self.metadata = metadata
    }

    func metadata(_ key: String) -> ObjectMetadata {
        ObjectMetadata(key: key, length: length, entityTag: sha256, modifiedAt: modifiedAt, mimeType: mimeType, metadata: metadata)
    }
}
