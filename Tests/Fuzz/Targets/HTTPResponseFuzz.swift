import MillraceCore

@testable import MillraceHTTP
@testable import MillraceHTTPClient

extension FuzzTarget {
    /// Header values of others in responses of ours, and the lines of responses that libcurl hands over.
    ///
    /// Whatever a client's text becomes in a header, the head that is written has as many lines as it should.
    static let httpResponse = FuzzTarget("http-response") { (bytes) throws(Disagreement) in
        var headers = HTTPHeaders()
        var accepted: [(name: String, value: String)] = []
        for line in bytes.split(separator: 0x0A, omittingEmptySubsequences: false) {
            let parts = line.split(separator: UInt8(ascii: ":"), maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2 else { continue }
            let (name, value) = (String(decoding: parts[0], as: UTF8.self), String(decoding: parts[1], as: UTF8.self))
            if (try? headers.add(name, value)) != nil { accepted.append((name, value)) }
        }
        let framings: [HTTPFraming] = [.none, .chunked, .untilClose, .length(bytes.count)]
        for framing in framings {
            for (version, keepAlive) in [(.http11, true), (.http10, true), (.http11, false)] as [(HTTPVersion, Bool)] {
                let head = HTTPResponseHead(.ok, headers: headers, framing: framing, version: version, keepAlive: keepAlive)
                var buffer = ByteBuffer()
                head.write(to: &buffer, date: HTTPDate(epochSeconds: 0))
                try check(buffer.bytes, head, accepted)
            }
        }
        for line in bytes.split(separator: 0x0A) {
            guard case .field(let name, let value) = Array(line).withUnsafeBytes({ ResponseHeadLine($0) }) else { continue }
            try expect(!name.contains(":") && value == value.trimmingSpaces, "a header line of a response: '\(name)' '\(value)'")
        }
    }

    private static func check(_ bytes: [UInt8], _ head: HTTPResponseHead, _ accepted: [(name: String, value: String)]) throws(Disagreement)
    {
        try expect(bytes.suffix(4) == [13, 10, 13, 10], "a head does not end")
        var lines: [[UInt8]] = []
        var rest = bytes[...]
        while let end = rest.firstIndex(of: 13) {
            try expect(end + 1 < rest.endIndex && rest[end + 1] == 10, "a CR without LF in a head")
            lines.append(Array(rest[..<end]))
            rest = rest[(end + 2)...]
        }
        try expect(rest.isEmpty && lines.allSatisfy { !$0.contains(10) }, "a LF without CR in a head")
        let ours = ["date", "connection", "content-length", "transfer-encoding"]
        let theirs = accepted.filter { !ours.contains($0.name.lowercased()) }
        let names = lines.dropFirst().dropLast().map { String(decoding: $0.prefix { $0 != 0x3A }, as: UTF8.self).lowercased() }
        for name in ours {
            try expect(names.filter { $0 == name }.count <= 1, "'\(name)' stands twice in a head")
        }
        try expectEqual(names.filter { !ours.contains($0) }, theirs.map { $0.name.lowercased() }, "the lines of a head")
        try expectEqual(names.contains("transfer-encoding"), head.isChunked, "whether a head says chunked")
        try expect(!(names.contains("content-length") && names.contains("transfer-encoding")), "two framings in a head")
        try expectEqual(
            lines.contains { $0.elementsEqual("Connection: close".utf8) }, head.closesConnection, "whether a head says close")
    }
}

extension String {
    fileprivate var trimmingSpaces: String {
        var text = Substring(self).unicodeScalars
        while let first = text.first, first == " " || first == "\t" { text.removeFirst() }
        while let last = text.last, last == " " || last == "\t" { text.removeLast() }
        return String(text)
    }
}
