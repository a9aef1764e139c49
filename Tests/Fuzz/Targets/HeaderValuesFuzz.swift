import MillraceCore

@testable import MillraceAWS
@testable import MillraceBackends
@testable import MillraceHTTP
@testable import MillraceHTTPClient

extension FuzzTarget {
    /// Values of headers: media types, dispositions, ranges, dates, waits, entity tags, encoded words.
    static let headerValues = FuzzTarget("header-values") { (bytes) throws(Disagreement) in
        let text = String(decoding: bytes, as: UTF8.self)
        if let type = MediaType(parsing: text) {
            try expect(type.type == type.type.lowercased() && !type.type.isEmpty && !type.subtype.isEmpty, "a media type: \(type)")
            let written = type.parameters.sorted { $0.key < $1.key }.map { name, value in
                "; \(name)=\"" + value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
            }
            try expectEqual(MediaType(parsing: type.essence + written.joined()), type, "a media type, written and read")
        }
        if let disposition = ContentDisposition(parsing: text) { _ = disposition.filename }
        let attachment = ContentDisposition.attachment(named: text)
        try expect(attachment.utf8.allSatisfy { (0x20...0x7E).contains($0) }, "an attachment's header: \(attachment)")
        if !text.isEmpty {
            guard let read = ContentDisposition(parsing: attachment) else {
                throw Disagreement("an attachment's header is none: \(attachment)")
            }
            try expectEqual(read.filename, text, "an attachment's name, written and read")
        }
        for length in [0, 1, 100, Int.max - 1] {
            if case .bytes(let range) = ByteRange(text, length: length) {
                try expect(!range.isEmpty && range.lowerBound >= 0 && range.upperBound <= length, "a range: \(range) of \(length)")
            }
        }
        let now = Timestamp(microseconds: 1_790_000_000_000_000)
        if let seconds = HTTPDateParser.epochSeconds(text, now: 1_790_000_000) {
            try expect((-62_198_755_200...253_402_300_800).contains(seconds), "a date: \(seconds)")
            if seconds >= -62_167_219_200 {
                try expectEqual(
                    HTTPDateParser.epochSeconds(HTTPDate(epochSeconds: seconds).description, now: 0), min(seconds, 253_402_300_799),
                    "a date, written and read")
            }
        }
        for name in ["Retry-After", "retry-after-ms"] {
            if let wait = RetryAfter(HTTPClientHeaders([.init(name, text)]), wall: now) {
                try expect(wait.nanoseconds >= 0, "a negative wait: \(wait)")
            }
        }
        let headers = S3ResponseHeaders(
            HTTPClientHeaders(["Content-Range", "Content-Length", "ETag", "Date", "Last-Modified", "x-amz-meta-a"].map { .init($0, text) }))
        if let range = headers.contentRange {
            try expect(range.bytes.lowerBound >= 0 && range.bytes.upperBound <= range.length, "a range: \(range)")
        }
        _ = (headers.entityTag, headers.date, headers.contentLength, try? headers.head(length: 1))
        _ = (S3Time.timestamp(iso8601: text), AWSTimeText.parse(text))
        if !text.unicodeScalars.contains("\r"), !text.unicodeScalars.contains("\n") {
            let encoded = S3MetadataText.encode(text)
            try expect(encoded.utf8.allSatisfy { (0x20...0x7E).contains($0) }, "metadata of S3: \(encoded)")
            try expectEqual(Array(S3MetadataText.decode(encoded).utf8), Array(text.utf8), "metadata of S3, written and read")
        }
        _ = S3MetadataText.decode(text)
        _ = try? RequestTarget(url: text)
        _ = RequestTarget.withoutSecrets(text)
        _ = try? RedisEndpoint(url: text)
        _ = try? PageCursor(text, keyCount: 2)
    }
}
