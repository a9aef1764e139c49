import MillraceCore

@testable import MillraceBackends

extension FuzzTarget {
    private static let ring = SecretKeyRing([SecretKey(Array(repeating: 7, count: 32))])

    /// Files that Millrace wrote and somebody else may have changed: refused, or read and written as the same.
    static let storedFiles = FuzzTarget("stored-files") { (bytes) throws(Disagreement) in
        for file in [bytes, sealed(bytes)] {
            if let entry = DirectoryCacheEntry(parsing: file) { try expectEqual(entry.encoded, file, "a cache's file, read and written") }
        }
        if let count = ObjectFooter.jsonLength(tail: Array(bytes.suffix(ObjectFooter.tailBytes))) {
            try expect((2...ObjectFooter.mostJSONBytes).contains(count), "the length of a footer")
        }
        if let footer = ObjectFooter(json: bytes, fileLength: bytes.count + ObjectFooter.tailBytes + 10) {
            let written = footer.bytes
            try expectEqual(
                ObjectFooter.jsonLength(tail: Array(written.suffix(ObjectFooter.tailBytes))), written.count - ObjectFooter.tailBytes,
                "a footer's length")
            let json = Array(written.dropLast(ObjectFooter.tailBytes))
            try expectEqual(ObjectFooter(json: json, fileLength: written.count + footer.length), footer, "a footer, read and written")
        }
        if let recording = try? HTTPRecording(parsing: bytes, file: "f") { _ = "\(recording)" }
        _ = try? SecretFile(parsing: bytes, ring)
        _ = try? SecretKeyRing(parsing: String(decoding: bytes, as: UTF8.self), origin: "o")
    }

    /// The bytes behind a cache file's head with the lengths and the digest that belong to them.
    private static func sealed(_ bytes: [UInt8]) -> [UInt8] {
        let half = bytes.count / 2
        return DirectoryCacheEntry(
            madeAt: Timestamp(microseconds: Int64(bytes.count)), expiresAt: Timestamp(microseconds: .max), key: Array(bytes[..<half]),
            value: Array(bytes[half...])
        ).encoded
    }
}
