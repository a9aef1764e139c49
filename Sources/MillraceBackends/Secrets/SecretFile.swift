import FoundationEssentials
import Millrace
import MillraceCore

/// The contents of a ``FileSecretStore``'s file: each value encrypted by itself, and the whole sealed.
///
/// ```
/// millrace-secrets 1 <key id> <nonce> <tag>
/// {"secrets":{"app/key":{"changed_at":…,"key":"<key id>","nonce":"…","value":"…","version":"v_…"}}}
/// ```
/// A value's context is its name, its version, the time of its change and the number of the format, so no entry can pass for another. The
/// seal is AES-GCM over no text with everything after the first line as its context, so entries cannot be removed or brought back either.
/// What nobody can see from inside is that the whole file is an older one.
struct SecretFile: Equatable, Sendable {
    struct Entry: Equatable, Sendable {
        var version: String
        var changedAt: Timestamp
        var keyID: String
        var box: AESGCM.Box
    }

    /// Why a file is not taken.
    enum Failure: Error, Equatable {
        case isNoStore
        /// Its format is of another version of Millrace.
        case unknownFormat(String)
        /// None of the keys is the one that it was encrypted with.
        case unknownKey(String)
        /// The seal does not fit.
        case changed
        case noCrypto
    }

    private static let magic = "millrace-secrets"
    private static let format = "1"

    var entries: [String: Entry] = [:]

    init() {}

    init(parsing bytes: [UInt8], _ ring: SecretKeyRing) throws(Failure) {
        guard let lineEnd = bytes.firstIndex(of: 0x0A), lineEnd < 200 else { throw .isNoStore }
        let words = String(decoding: bytes[..<lineEnd], as: UTF8.self).split(separator: " ", omittingEmptySubsequences: false)
        guard words.first ?? "" == Self.magic, words.count >= 2 else { throw .isNoStore }
        guard words[1] == Self.format else { throw .unknownFormat(String(words[1].prefix(20))) }
        guard words.count == 5, let nonce = Base16.bytes(words[3]), let tag = Base16.bytes(words[4]) else { throw .changed }
        let id = String(words[2])
        guard let key = ring.key(id) else { throw .unknownKey(id) }
        let body = Array(bytes[(lineEnd + 1)...])
        let seal = AESGCM.Box(nonce: nonce, bytes: tag)
        guard tag.count == AESGCM.tagByteCount else { throw .changed }
        let isWhole: Bool
        do throws(MillraceError) { isWhole = try AESGCM.open(seal, key, context: Self.sealContext(id, body)) != nil } catch {
            throw .noCrypto
        }
        guard isWhole else { throw .changed }
        // Whoever could seal this is Millrace, so the rest is as Millrace writes it.
        guard let json = try? JSONValue(parsing: body), let secrets = json["secrets"]?.object else { throw .isNoStore }
        for (name, json) in secrets {
            guard let version = json["version"]?.string, let changedAt = json["changed_at"]?.integer, let keyID = json["key"]?.string,
                let nonce = json["nonce"]?.string.flatMap({ Data(base64Encoded: $0) }),
                let value = json["value"]?.string.flatMap({ Data(base64Encoded: $0) })
            else { throw .isNoStore }
            entries[name] = Entry(
                version: version, changedAt: Timestamp(microseconds: Int64(changedAt)), keyID: keyID,
                box: AESGCM.Box(nonce: Array(nonce), bytes: Array(value)))
        }
    }

    /// The file's bytes, sealed with a key.
    func encoded(_ key: SecretKey) throws(MillraceError) -> [UInt8] {
        let secrets = entries.mapValues { entry -> JSONValue in
            [
                "version": .string(entry.version), "changed_at": .integer(Int(entry.changedAt.microseconds)), "key": .string(entry.keyID),
                "nonce": .string(Data(entry.box.nonce).base64EncodedString()),
                "value": .string(Data(entry.box.bytes).base64EncodedString()),
            ]
        }
        let body = Array(JSONValue.object(["secrets": .object(secrets)]).text.utf8) + [0x0A]
        let seal = try AESGCM.seal([], key, context: Self.sealContext(key.id, body))
        let line = [Self.magic, Self.format, key.id, Base16.text(seal.nonce), Base16.text(seal.bytes)].joined(separator: " ")
        return Array(line.utf8) + [0x0A] + body
    }

    /// Encrypts a value into its place.
    @discardableResult
    mutating func set(_ name: String, _ value: String, version: String, changedAt: Timestamp, _ key: SecretKey) throws(MillraceError)
        -> Bool
    {
        var text = Array(value.utf8)
        defer { text.wipe() }
        let box = try AESGCM.seal(text, key, context: Self.context(name, version, changedAt))
        entries[name] = Entry(version: version, changedAt: changedAt, keyID: key.id, box: box)
        return true
    }

    mutating func remove(_ name: String) -> Bool { entries.removeValue(forKey: name) != nil }

    /// Decrypts a value; `nil`: there is no secret of that name.
    /// - Throws: ``Failure/unknownKey(_:)``, ``Failure/changed``.
    func secret(_ name: String, _ ring: SecretKeyRing) throws(Failure) -> Secret? {
        guard let entry = entries[name] else { return nil }
        guard let key = ring.key(entry.keyID) else { throw .unknownKey(entry.keyID) }
        var text: [UInt8]?
        do throws(MillraceError) {
            text = try AESGCM.open(entry.box, key, context: Self.context(name, entry.version, entry.changedAt))
        } catch {
            throw .noCrypto
        }
        defer { text?.wipe() }
        guard let value = text.flatMap({ String(validating: $0, as: UTF8.self) }) else { throw .changed }
        return Secret(value: value, version: entry.version)
    }

    /// Encrypts every value anew with the newest key; versions and times stay.
    mutating func reencrypt(_ ring: SecretKeyRing) throws {
        for (name, entry) in entries where entry.keyID != ring.newest.id {
            guard let secret = try secret(name, ring) else { continue }
            try set(name, secret.value, version: entry.version, changedAt: entry.changedAt, ring.newest)
        }
    }

    private static func context(_ name: String, _ version: String, _ changedAt: Timestamp) -> [UInt8] {
        // Names and versions hold no line breaks.
        Array("millrace-secret\n\(format)\n\(name)\n\(version)\n\(changedAt.microseconds)\n".utf8)
    }

    private static func sealContext(_ keyID: String, _ body: [UInt8]) -> [UInt8] {
        Array("\(magic) \(format) \(keyID)\n".utf8) + body
    }
}
