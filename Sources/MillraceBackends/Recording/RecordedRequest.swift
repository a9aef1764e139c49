import FoundationEssentials
import MillraceCore
import MillraceHTTPClient

/// A body as recordings hold it and compare it: JSON by its value, so that spaces and the order of members make no difference.
enum RecordedBody: Equatable, Sendable {
    case none
    case json(JSONValue)
    case text(String)
    case binary([UInt8])

    init(_ bytes: [UInt8]) {
        if bytes.isEmpty {
            self = .none
        } else if [UInt8(ascii: "{"), UInt8(ascii: "[")].contains(bytes[0]), let value = try? JSONValue(parsing: bytes) {
            self = .json(value)
        } else if let text = String(validating: bytes, as: UTF8.self) {
            self = .text(text)
        } else {
            self = .binary(bytes)
        }
    }

    /// The bytes that are hashed.
    var canonicalBytes: [UInt8] {
        switch self {
        case .none: []
        case .json(let value): Array(value.text.utf8)
        case .text(let text): Array(text.utf8)
        case .binary(let bytes): bytes
        }
    }
}

/// A request as a recording holds it. There is no place for a secret: of header fields and of the URL's query only the names are kept.
struct RecordedRequest: Equatable, Sendable {
    var method: String
    /// Scheme, host, path, and the names of the query: `https://api.example.com/v1/chat?key&version`.
    var url: String
    var path: String
    /// In lower case, in the order of the request.
    var headerNames: [String]
    var body: RecordedBody

    init(method: String, url: String, headers: HTTPClientHeaders, body: [UInt8]) {
        self.method = method
        (self.url, path) = Self.withoutSecrets(url)
        headerNames = headers.fields.map { $0.name.lowercased() }
        self.body = RecordedBody(body)
    }

    /// The method and path, as people name a request.
    var title: String { "\(method) \(path)" }

    /// Whether a recording of `other` answers this: header fields and the host are not compared, a key or a port may differ.
    func matches(_ other: RecordedRequest) -> Bool { method == other.method && path == other.path && body == other.body }

    /// The name of the file for the request's `number`th occurrence, from 1.
    func fileName(number: Int) -> String { "\(stem)-\(number).jsonl" }

    /// `post-v1-chat-completions-HASH`: for people, and distinct for what does not match.
    var stem: String {
        var slug = ""
        for byte in title.lowercased().utf8.prefix(60) {
            let isPlain = (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte)
            if isPlain { slug.unicodeScalars.append(Unicode.Scalar(byte)) } else if !slug.hasSuffix("-") { slug += "-" }
        }
        while slug.hasSuffix("-") { slug.removeLast() }
        return "\(slug)-\(hash)"
    }

    /// FNV-1a with 64 bits (Fowler, Noll and Vo; draft-eastlake-fnv) over method, path and body. It names files; what it finds is compared.
    var hash: String {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in Array("\(title)\n".utf8) + body.canonicalBytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    private static func withoutSecrets(_ url: String) -> (url: String, path: String) {
        let whole = url.prefix { $0 != "#" }
        let query = whole.firstIndex(of: "?").map { whole[whole.index(after: $0)...] }
        let rest = whole.prefix { $0 != "?" }
        let authorityStart = rest.firstRange(of: "://")?.upperBound ?? rest.startIndex
        let pathStart = rest[authorityStart...].firstIndex(of: "/") ?? rest.endIndex
        let authority = rest[authorityStart..<pathStart].split(separator: "@", omittingEmptySubsequences: false).last ?? ""
        let path = pathStart == rest.endIndex ? "/" : String(rest[pathStart...])
        let names = (query ?? "").split(separator: "&").map { String($0.prefix { $0 != "=" }) }
        return (rest[..<authorityStart] + authority + path + (names.isEmpty ? "" : "?" + names.joined(separator: "&")), path)
    }
}

extension RecordedRequest {
    /// The values in a request that a recording must not hold anywhere: of header fields and query members whose names speak of secrets.
    static func secrets(url: String, headers: HTTPClientHeaders) -> [(name: String, value: String)] {
        let words = ["auth", "key", "token", "secret", "password", "signature", "cookie", "credential"]
        func isSecret(_ name: String) -> Bool { words.contains { name.lowercased().contains($0) } }
        var secrets = headers.fields.filter { isSecret($0.name) }.map { field in
            // Of `Bearer SECRET`, the part behind the scheme.
            (name: field.name, value: String(field.value.split(separator: " ").last ?? ""))
        }
        let query = url.prefix { $0 != "#" }.drop { $0 != "?" }.dropFirst()
        for member in query.split(separator: "&") {
            let parts = member.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 2, isSecret(String(parts[0])) { secrets.append((String(parts[0]), String(parts[1]))) }
        }
        // Shorter ones would be found by chance.
        return secrets.filter { $0.value.utf8.count >= 8 }
    }
}
