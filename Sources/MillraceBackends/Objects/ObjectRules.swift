import Millrace
import MillraceCore

/// What every object store asks of keys, metadata and ranges, so that what one takes another takes too.
enum ObjectRules {
    static func checkKey(_ key: String) throws(MillraceError) {
        guard 1...1024 ~= key.utf8.count else {
            throw MillraceError(.invalidInput, "the key of an object has 1 to 1,024 bytes of UTF-8, not \(key.utf8.count)")
        }
        guard !key.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else {
            throw MillraceError(.invalidInput, "the key of an object holds no control characters")
        }
    }

    static func check(_ options: ObjectPutOptions) throws(MillraceError) {
        var total = 0
        for (name, value) in options.metadata {
            guard !name.isEmpty,
                name.utf8.allSatisfy({ (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || "-_".utf8.contains($0) })
            else {
                throw MillraceError(.invalidInput, "'\(name)' is no name for metadata: use lower-case ASCII letters, digits, '-' and '_'")
            }
            total += name.utf8.count + value.utf8.count
        }
        guard total <= 2048 else {
            throw MillraceError(.invalidInput, "an object's metadata has 2,048 bytes at most, names and values together, not \(total)")
        }
        if let type = options.mimeType, type.utf8.count > 255 || !type.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) {
            throw MillraceError(.invalidInput, "a media type is printable ASCII, 255 characters at most")
        }
    }

    static func checkLimit(_ limit: Int) throws(MillraceError) {
        guard 1...1000 ~= limit else { throw MillraceError(.invalidInput, "a page of a list has 1 to 1,000 objects, not \(limit)") }
    }

    static func check(_ range: ObjectRange?) throws(MillraceError) {
        let isRight =
            switch range {
            case nil: true
            case .bytes(let offset, let count): offset >= 0 && count >= 0
            case .from(let offset): offset >= 0
            case .last(let count): count >= 0
            }
        if !isRight { throw MillraceError(.invalidInput, "a range has no negative numbers") }
    }

    /// The bytes of a content that a range names.
    /// - Throws: ``MillraceError`` with ``ErrorCode/invalidInput`` for a range that begins behind the end.
    static func bytes(_ range: ObjectRange?, length: Int) throws(MillraceError) -> Range<Int> {
        try check(range)
        let bytes: Range<Int>
        switch range {
        case nil: return 0..<length
        case .bytes(let offset, let count) where offset <= length: bytes = offset..<offset + min(count, length - offset)
        case .from(let offset) where offset <= length: bytes = offset..<length
        case .last(let count): bytes = length - min(count, length)..<length
        case .bytes, .from:
            throw MillraceError(.invalidInput, "the range begins behind the object's end: it has \(length) bytes")
        }
        return bytes
    }

    static func noSuchObject(_ key: String) -> MillraceError { MillraceError(.notFound, "there is no object '\(key)'") }

    static func unmetCondition(_ condition: ObjectPutOptions.Condition?) -> MillraceError {
        switch condition {
        case .absent: MillraceError(.conflict, "an object is there already under that key")
        default: MillraceError(.conflict, "the object under that key is another one now: read it anew")
        }
    }
}

/// Content that is in memory, or none.
final class BytesObjectContent: ObjectContent {
    let metadata: ObjectMetadata
    private var bytes: [UInt8]
    init(_ metadata: ObjectMetadata, _ bytes: [UInt8] = []) {
        self.metadata = metadata
        self.bytes = bytes
    }
    func next() async throws -> [UInt8]? {
        defer { bytes = [] }
        return bytes.isEmpty ? nil : bytes
    }
}
