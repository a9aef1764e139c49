import Millrace
import MillraceAWS
import MillraceCore

/// Content on its way into a ``ObjectDirectory``: written aside, and shown when it is whole. All calls block.
///
/// `@unchecked Sendable`: used by one piece of work at a time, each of which its caller awaits.
final class ObjectWriter: @unchecked Sendable {
    private let directory: ObjectDirectory
    private let file: ObjectFile
    private let name: String
    private var digest = SHA256Digest()
    private(set) var length = 0

    init(_ directory: ObjectDirectory) throws(MillraceError) {
        self.directory = directory
        (file, name) = try directory.makeIncoming()
    }

    func write(_ bytes: [UInt8]) throws(MillraceError) {
        bytes.withUnsafeBytes { digest.update($0) }
        try file.write(bytes)
        length += bytes.count
    }

    /// Shows the object.
    func commit(_ key: String, options: ObjectPutOptions) throws(MillraceError) -> ObjectMetadata {
        let footer = ObjectFooter(
            length: length, sha256: Hexadecimal.text(digest.value()), modifiedAt: .now(), mimeType: options.mimeType,
            metadata: options.metadata)
        try file.write(footer.bytes)
        try directory.commit(file, name, to: ObjectPath(key)) { present throws(MillraceError) in
            switch options.condition {
            case nil: return
            case .absent: if present == nil { return }
            case .matches(let entityTag): if try present?.footer()?.sha256 == entityTag { return }
            }
            throw ObjectRules.unmetCondition(options.condition)
        }
        return footer.metadata(key)
    }

    /// Removes what was written. After ``commit(_:options:)`` it does nothing.
    func discard() { directory.discardIncoming(name) }
}
