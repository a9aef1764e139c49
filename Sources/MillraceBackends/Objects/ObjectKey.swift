import Millrace
import MillraceCore

/// What holds for keys, metadata and ranges in every object store, and the errors that all of them give.
enum ObjectKey {
    private static let longestKey = 1024
    private static let longestMetadata = 2048

    static func check(_ key: String) throws(MillraceError) {
        guard (1...longestKey).contains(key.utf8.count) else {
            throw MillraceError(.invalidInput, "an object's key has 1 to \(longestKey) bytes, not \(key.utf8.count)")
        }
        guard key.unicodeScalars.allSatisfy({ $0.value >= 0x20 && !(0x7F..<0xA0).contains($0.value) }) else {
            throw MillraceError(.invalidInput, "an object's key holds no control characters")
        }
    }

    static func check(_ metadata: [String: String]) throws(MillraceError) {
        let isNamed = metadata.keys.allSatisfy { name in
            !name.isEmpty
                && name.utf8.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D || $0 == 0x5F }
        }
        guard isNamed else {
            throw MillraceError(.invalidInput, "the names of an object's metadata hold lower-case ASCII letters, digits, - and _ only")
        }
        guard metadata.reduce(0, { $0 + $1.key.utf8.count + $1.value.utf8.count }) <= longestMetadata else {
            throw MillraceError(.invalidInput, "an object's metadata has \(longestMetadata) bytes at most")
        }
    }

    static func check(limit: Int) throws(MillraceError) {
        guard (1...1000).contains(limit) else { throw MillraceError(.invalidInput, "a list gives 1 to 1000 objects at once, not \(limit)") }
    }

    /// The bytes that a range means of an object of that length.
    static func bytes(of range: ObjectRange?, length: Int) throws(MillraceError) -> Range<Int> {
        switch range {
        case nil: return 0..<length
        case .bytes(let offset, let count):
            guard offset >= 0, count > 0 else { throw MillraceError(.invalidInput, "a range begins at 0 or later and has a byte at least") }
            guard offset < length else { throw beyond(length) }
            return offset..<(count < length - offset ? offset + count : length)
        case .from(let offset):
            guard offset >= 0 else { throw MillraceError(.invalidInput, "a range begins at 0 or later") }
            guard offset < length else { throw beyond(length) }
            return offset..<length
        case .last(let count):
            guard count > 0 else { throw MillraceError(.invalidInput, "a range has a byte at least") }
            guard length > 0 else { throw beyond(length) }
            return max(length - count, 0)..<length
        }
    }

    private static func beyond(_ length: Int) -> MillraceError {
        MillraceError(.invalidInput, "the range begins behind the object's end: it has \(length) bytes")
    }

    static func notFound(_ key: String) -> MillraceError { MillraceError(.notFound, "there is no object '\(key)'") }

    static func conditionFailed(_ key: String) -> MillraceError {
        MillraceError(.conflict, "the object '\(key)' is not in the state that the request asks for")
    }

    static func wrongLength(_ said: Int, _ came: Int) -> MillraceError {
        MillraceError(.invalidInput, "the object's content was said to have \(said) bytes and has \(came)")
    }
}
