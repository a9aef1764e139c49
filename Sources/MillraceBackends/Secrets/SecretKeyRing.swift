import Glibc
public import MillraceCore

/// The keys of a store: the first, newest one encrypts, the others still decrypt.
struct SecretKeyRing: Sendable {
    let keys: [SecretKey]
    var newest: SecretKey { keys[0] }

    static let keyLimit = 16

    init(_ keys: [SecretKey]) {
        precondition(!keys.isEmpty, "a ring has a key")
        self.keys = keys
    }

    /// Reads keys that stand on lines, or with white space or commas between them; `#` begins a comment.
    /// - Parameter origin: where the text comes from, for the message; the text itself is not quoted.
    init(parsing text: String, origin: String) throws(MillraceError) {
        var keys: [SecretKey] = []
        for line in text.split(whereSeparator: \.isNewline) {
            let words = line.prefix { $0 != "#" }.split { $0 == " " || $0 == "\t" || $0 == "," }
            for word in words {
                guard let key = SecretKey.parse(word) else {
                    throw MillraceError(
                        .storageUnavailable,
                        "\(origin) holds something that is no key of the secret store: expected 32 random bytes in base64 or hexadecimal "
                            + "digits, as `openssl rand -base64 32` prints them; a passphrase is not taken, since it can be guessed")
                }
                if !keys.contains(where: { $0.id == key.id }) { keys.append(key) }
            }
        }
        guard (1...Self.keyLimit).contains(keys.count) else {
            throw MillraceError(
                .storageUnavailable,
                keys.isEmpty
                    ? "\(origin) holds no key of the secret store: put 32 random bytes in base64 there (`openssl rand -base64 32`)"
                    : "\(origin) holds \(keys.count) keys of the secret store: remove old ones until there are \(Self.keyLimit)")
        }
        self.init(keys)
    }

    /// Reads a key file, which nobody but its owner may read.
    static func read(_ path: String) throws(MillraceError) -> SecretKeyRing {
        var status = stat()
        guard stat(path, &status) == 0 else {
            throw MillraceError(
                .storageUnavailable,
                errno == ENOENT
                    ? "the key of the secret store is missing (\(path)): restore it; without it what is stored cannot be read"
                    : "the key of the secret store cannot be read (\(path)): \(String(cString: strerror(errno)))")
        }
        guard status.st_mode & 0o077 == 0 else {
            throw MillraceError(
                .storageUnavailable, "the key of the secret store can be read by other users of this machine: run `chmod 600 \(path)`")
        }
        let bytes: [UInt8]
        do throws(MillraceError) { bytes = try BoundedFile.read(path, limit: 64 << 10) } catch {
            throw MillraceError(.storageUnavailable, error.message)
        }
        return try SecretKeyRing(parsing: String(decoding: bytes, as: UTF8.self), origin: "the file \(path)")
    }

    func key(_ id: String) -> SecretKey? { keys.first { $0.id == id } }

    /// The text of a key file, newest key first.
    var text: String {
        "# Keys of Millrace's secret store, newest first. Whoever has them can read every secret.\n"
            + keys.map { $0.base64 + "\n" }.joined()
    }
}

/// Where a ``FileSecretStore`` has its keys from. It prints without them.
public struct SecretKeySource: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    enum Place: Sendable {
        case file(String)
        case ring(SecretKeyRing, origin: String)
    }
    let place: Place

    /// A file with one key a line, newest first, each 32 random bytes in base64 or hexadecimal digits. Its mode must be 0600 or stricter.
    public static func file(_ path: String) -> SecretKeySource { SecretKeySource(place: .file(path)) }

    /// Keys out of a variable of the environment or the like: white space or commas between them, newest first.
    /// - Parameters:
    ///   - text: the keys, in the same form as in a file.
    ///   - origin: what messages call it, such as `MILLRACE_SECRETS_KEY`.
    /// - Throws: ``ErrorCode/storageUnavailable`` for text that holds no key, or something else.
    public static func text(_ text: String, origin: String) throws(MillraceError) -> SecretKeySource {
        SecretKeySource(place: .ring(try SecretKeyRing(parsing: text, origin: origin), origin: origin))
    }

    /// Where the keys come from, such as `the file data/secrets.key`.
    public var description: String {
        switch place {
        case .file(let path): "the file \(path)"
        case .ring(_, let origin): origin
        }
    }
    /// As ``description``.
    public var debugDescription: String { description }
    /// Nothing: `dump` must not show keys.
    public var customMirror: Mirror { Mirror(self, children: [:]) }

    func read() throws(MillraceError) -> SecretKeyRing {
        switch place {
        case .file(let path): try SecretKeyRing.read(path)
        case .ring(let ring, _): ring
        }
    }
}
