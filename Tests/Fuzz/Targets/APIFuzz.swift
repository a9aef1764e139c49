import Millrace
import MillraceCore
import MillraceHTTP

@testable import MillraceServer

extension FuzzTarget {
    /// `Last-Event-ID` and `?after=`: taken exactly where they are what this server writes.
    static let lastEventID = FuzzTarget("last-event-id") { (bytes) throws(Disagreement) in
        let parts = bytes.split(separator: 0x0A, maxSplits: 1, omittingEmptySubsequences: false)
        let header = String(decoding: parts[0], as: UTF8.self)
        let after = parts.count == 2 ? String(decoding: parts[1], as: UTF8.self) : nil
        let written = Array(header.utf8)
        let prefix = Array("r_1:".utf8)
        var expected: Int?
        if written.isEmpty {
            expected = after.map { plainNumber(Array($0.utf8)) } ?? 0
        } else if written.starts(with: prefix) {
            expected = plainNumber(Array(written[prefix.count...]))
        }
        try expectEqual(try? RunRoutes.position(lastEventID: header, after: after, "r_1"), expected, "where a reader stands")
    }

    /// Digits alone that an integer can hold.
    private static func plainNumber(_ bytes: [UInt8]) -> Int? {
        !bytes.isEmpty && bytes.allSatisfy { (0x30...0x39).contains($0) } ? Int(String(decoding: bytes, as: UTF8.self)) : nil
    }

    /// The body that starts a run: refused field by field, or taken; and the parts of a message, written and read.
    static let generateBody = FuzzTarget("generate-body") { (bytes) throws(Disagreement) in
        guard let json = try? JSONValue(parsing: bytes) else { return }
        if let body = try? GenerateBody(json: json) {
            try expect(!body.parts.isEmpty, "a body without parts was taken")
            for part in body.parts { try expectEqual(try? MessagePart(json: part.json), part, "a part, written and read") }
        }
        if let part = try? MessagePart(json: json) { try expectEqual(try? MessagePart(json: part.json), part, "a part, written and read") }
    }
}
