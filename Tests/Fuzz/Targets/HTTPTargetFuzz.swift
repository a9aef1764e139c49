import MillraceCore

@testable import MillraceHTTP

extension FuzzTarget {
    /// The bytes as a request target: path, query and their percent-encoding against a second, plain reading.
    static let httpTarget = FuzzTarget("http-target") { (bytes) throws(Disagreement) in
        let target = bytes.filter { $0 != 0x20 && $0 != 0x0D && $0 != 0x0A }
        let request = Array("GET ".utf8) + target + Array(" HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
        let drive = try HTTPParserDrive.whole(request, HTTPParserLimits())
        guard let head = drive.heads.first, head.targetForm == .origin else { return }
        try check(head)
        let text = String(decoding: target, as: UTF8.self)
        try expectEqual(head.target, text, "the target")
        let halves = text.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        try expectEqual(head.rawPath, String(halves[0]), "the path as it was sent")
        try expectEqual(head.query, halves.count > 1 ? String(halves[1]) : nil, "the query as it was sent")
        try expectEqual(
            head.pathSegments, halves[0].dropFirst().split(separator: "/", omittingEmptySubsequences: false).map(decoded), "segments")
        let pairs = (head.query ?? "").split(separator: "&").map { pair in
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return parts.map { decoded(Substring($0.replacing("+", with: " "))) } + (parts.count == 1 ? [""] : [])
        }
        try expectEqual(head.queryItems.map { [$0.name, $0.value] }, pairs, "the query's pairs")
        var router = Router<Int>()
        do throws(MillraceError) {
            try router.add(.get, "/", 0)
            try router.add(.get, "/a/{x}", 1)
            try router.add(.get, "/a/b", 2)
            try router.add(.post, "/a/{x}/{y}", 3)
        } catch { throw Disagreement("the router: \(error)") }
        if case .found(let value, let parameters) = router.match(method: .get, head: head) {
            try expect(parameters.values.allSatisfy { !$0.isEmpty }, "a parameter is empty")
            try expectEqual(value == 2, head.pathSegments == ["a", "b"], "the literal route")
        }
    }

    /// Percent-decoding the slow way (RFC 3986, section 2.1): the parser has refused what is malformed.
    private static func decoded(_ text: Substring) -> String {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) {
                bytes.append(value)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
