public import MillraceCore

/// Where a Redis server is, and who asks.
public struct RedisEndpoint: Sendable {
    /// How the server is reached.
    public enum Place: Equatable, Sendable, CustomStringConvertible {
        /// A host's name or numeric address, and a port.
        case tcp(host: String, port: Int)
        /// The path of a Unix domain socket.
        case unix(path: String)

        /// Such as `127.0.0.1:6379` or `/run/redis/redis.sock`.
        public var description: String {
            switch self {
            case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
            case .unix(let path): path
            }
        }
    }

    /// How the server is reached.
    public var place: Place
    /// The user of an access control list (Redis 6); `nil`: the default one.
    public var user: String?
    /// The password; `nil`: the server asks for none.
    public var password: Credential?
    /// The number of the database (default: 0).
    public var database: Int

    /// Creates an endpoint.
    public init(_ place: Place, user: String? = nil, password: Credential? = nil, database: Int = 0) {
        self.place = place
        self.user = user
        self.password = password
        self.database = database
    }

    /// Reads a URL: `redis://[[user]:password@]host[:port][/database]`, or `unix:///path[?db=database]`, with percent-encoding.
    /// - Throws: ``ErrorCode/configuration`` for any other, without quoting a password; also for `rediss://`, since hiredis 0.14 has no TLS.
    public init(url: String) throws(MillraceError) {
        let expected = "expected redis://[user:password@]host[:port][/database] or unix:///path[?db=database]"
        func refusal(_ problem: String) -> MillraceError { MillraceError(.configuration, "the URL of Redis \(problem): \(expected)") }
        if url.hasPrefix("rediss://") {
            throw MillraceError(
                .configuration,
                "Redis over TLS (rediss://) is not possible with this system's hiredis: use redis:// in a network of your own, a Unix socket, "
                    + "or a TLS tunnel on this machine such as stunnel")
        }
        func number(_ text: some StringProtocol, _ range: ClosedRange<Int>) -> Int? {
            guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int(text), range.contains(number) else { return nil }
            return number
        }
        if url.hasPrefix("unix://") {
            let parts = url.dropFirst("unix://".count).split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
            guard let path = Self.decoded(parts[0]), path.hasPrefix("/"), !path.utf8.contains(0) else { throw refusal("has no path") }
            var database = 0
            if parts.count == 2 {
                guard parts[1].hasPrefix("db="), let found = number(parts[1].dropFirst(3), 0...65535) else {
                    throw refusal("has a query that is not db=N")
                }
                database = found
            }
            self.init(.unix(path: path), database: database)
            return
        }
        guard url.hasPrefix("redis://") else { throw refusal("is none") }
        var rest = url.dropFirst("redis://".count)
        var (user, password): (String?, Credential?) = (nil, nil)
        if let at = rest.lastIndex(of: "@") {
            let parts = rest[..<at].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, let name = Self.decoded(parts[0]), let secret = Self.decoded(parts[1]) else {
                throw refusal("has no password after its user")
            }
            user = name.isEmpty ? nil : name
            password = Credential(secret)
            rest = rest[rest.index(after: at)...]
        }
        var database = 0
        if let slash = rest.firstIndex(of: "/") {
            let text = rest[rest.index(after: slash)...]
            guard text.isEmpty || number(text, 0...65535) != nil else { throw refusal("has a database that is no number") }
            database = number(text, 0...65535) ?? 0
            rest = rest[..<slash]
        }
        var port = 6379
        var host = rest
        if rest.hasPrefix("["), let end = rest.firstIndex(of: "]") {
            host = rest[rest.index(after: rest.startIndex)..<end]
            rest = rest[rest.index(after: end)...]
        } else {
            host = rest.prefix { $0 != ":" }
            rest = rest.dropFirst(host.count)
        }
        if rest.hasPrefix(":") {
            guard let found = number(rest.dropFirst(), 1...65535) else { throw refusal("has a port that is no number from 1 to 65535") }
            port = found
        } else if !rest.isEmpty {
            throw refusal("has something odd after its host")
        }
        guard !host.isEmpty, host.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { throw refusal("has no host") }
        self.init(.tcp(host: String(host), port: port), user: user, password: password, database: database)
    }

    private static func decoded(_ text: some StringProtocol) -> String? {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard rest.count >= 2,
                let decoded = Base16.bytes(String(decoding: rest.prefix(2), as: UTF8.self).lowercased())?.first
            else { return nil }
            bytes.append(decoded)
            rest = rest.dropFirst(2)
        }
        return String(validating: bytes, as: UTF8.self)
    }
}
