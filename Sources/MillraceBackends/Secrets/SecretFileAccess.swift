import Millrace
import MillraceCore

/// The file of a ``FileSecretStore`` on the disk, with its keys. It blocks: for the store's own thread.
struct SecretFileAccess: Sendable {
    /// What was read, and which file that was.
    struct Known: Sendable {
        var file: SecretFile
        /// `nil`: there was no file, and so nothing that a key is needed for.
        var ring: SecretKeyRing?
        var identity: FileIdentity?
    }

    /// Up to where a rotation has come, for tests that end it there.
    enum RotationStep: CaseIterable, Sendable {
        case newKeyWritten
        case storeWritten
        case oldKeysRemoved
    }

    static let byteLimit = 16 << 20

    let path: String
    let keys: SecretKeySource

    /// Reads what is stored.
    func load() throws -> Known {
        var attempt = 1
        while true {
            // Before the contents: a file that is replaced in between is read again next time.
            let identity = try FileIdentity(path)
            guard identity != nil else { return Known(file: SecretFile(), ring: nil, identity: nil) }
            let ring = try keys.read()
            let bytes: [UInt8]
            do throws(MillraceError) { bytes = try BoundedFile.read(path, limit: Self.byteLimit) } catch {
                if error.code == .notFound, attempt < 3 {
                    attempt += 1
                    continue
                }
                throw error
            }
            do throws(SecretFile.Failure) {
                return Known(file: try SecretFile(parsing: bytes, ring), ring: ring, identity: identity)
            } catch {
                // A rotation by another process may have come between the two reads.
                guard case .unknownKey = error, attempt < 3 else { throw error }
                attempt += 1
            }
        }
    }

    /// Changes what is stored, while nobody else does.
    /// - Parameter body: returns whether it has changed anything.
    func change(_ body: (inout SecretFile, SecretKeyRing) throws -> Bool) throws -> Known {
        try Directories.make(Directories.parent(of: path))
        return try FileLock.with(path + ".lock") {
            var known = try load()
            let ring = try known.ring ?? keys.read()
            if try body(&known.file, ring) { known.identity = try write(known.file, ring) }
            known.ring = ring
            return known
        }
    }

    /// Makes a key file where there is none.
    /// - Returns: the path of the new file; `nil`: there was one, or the keys come from elsewhere.
    func makeKeyIfMissing() throws -> String? {
        guard case .file(let keyPath) = keys.place, !BoundedFile.exists(keyPath) else { return nil }
        try Directories.make(Directories.parent(of: path))
        return try FileLock.with(path + ".lock") {
            guard !BoundedFile.exists(path) else {
                throw MillraceError(
                    .storageUnavailable,
                    "the key of the secret store is missing (\(keyPath)), and there are secrets that only it can decrypt (\(path)): restore "
                        + "it from where it was kept, or move \(path) away to begin anew")
            }
            try Directories.make(Directories.parent(of: keyPath))
            do throws(MillraceError) {
                try AtomicFile.create(Array(SecretKeyRing([try SecretKey.random()]).text.utf8), at: keyPath)
            } catch {
                if error.code == .conflict { return nil }
                throw error
            }
            return keyPath
        }
    }

    /// Encrypts everything anew. With a key file, under a new key: first the file gets the new key beside the old ones, then the store is
    /// written, then the file loses the old ones; wherever that ends, the store can be read. With keys from elsewhere, under the newest.
    /// - Returns: the number of secrets and the key's id.
    func rotate(_ reached: (RotationStep) throws -> Void = { _ in }) throws -> (count: Int, keyID: String) {
        try Directories.make(Directories.parent(of: path))
        return try FileLock.with(path + ".lock") {
            var known = try load()
            var ring = try known.ring ?? keys.read()
            if case .file(let keyPath) = keys.place {
                // Of those that an earlier rotation left, only what is in use is kept.
                let used = Set(known.file.entries.values.map(\.keyID)).union([ring.newest.id])
                ring = SecretKeyRing([try SecretKey.random()] + ring.keys.filter { used.contains($0.id) })
                try AtomicFile.write(Array(ring.text.utf8), to: keyPath, isDurable: true)
            } else if ring.keys.count == 1 {
                throw MillraceError(
                    .conflict,
                    "\(keys) holds one key: put a new one before it (`openssl rand -base64 32`, a comma between them), rotate, then remove "
                        + "the old one")
            }
            try reached(.newKeyWritten)
            try known.file.reencrypt(ring)
            _ = try write(known.file, ring)
            try reached(.storeWritten)
            if case .file(let keyPath) = keys.place {
                try AtomicFile.write(Array(SecretKeyRing([ring.newest]).text.utf8), to: keyPath, isDurable: true)
            }
            try reached(.oldKeysRemoved)
            return (known.file.entries.count, ring.newest.id)
        }
    }

    private func write(_ file: SecretFile, _ ring: SecretKeyRing) throws -> FileIdentity? {
        let bytes = try file.encoded(ring.newest)
        guard bytes.count <= Self.byteLimit else {
            throw MillraceError(
                .limitExceeded, "the secret store \(path) would become longer than \(Self.byteLimit) bytes: remove what is not needed")
        }
        try AtomicFile.write(bytes, to: path, isDurable: true)
        return try FileIdentity(path)
    }
}
