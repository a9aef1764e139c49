public import Millrace
package import MillraceCore

/// Secrets in one encrypted file: the store that needs no other service.
///
/// Every value is encrypted with AES-256-GCM under a random nonce, bound to its name and version; the whole file is sealed. Whatever was
/// changed in it by something other than Millrace is refused, never given out. What the file cannot know is that somebody put an older one
/// in its place. Limits: 65,536 bytes a value, 16 MiB the file.
///
/// Processes may share a file (a server and the command line): writers exclude each other by a lock beside it, `PATH.lock`, and a reader sees
/// a change after `checkInterval`, or at once after ``forget(_:)``. A file is replaced whole or not at all.
public final class FileSecretStore: SecretStore {
    /// What a rotation did.
    public struct Rotation: Equatable, Sendable {
        /// How many secrets there are, all encrypted with the new key now.
        public let secretCount: Int
        /// What names the key: the beginning of its SHA-256.
        public let keyID: String
    }

    /// What was read last, and when it was still right; `nil`: it is to be looked at.
    private struct Snapshot: Sendable {
        var known: SecretFileAccess.Known?
        var checkedAt: Int64?
        /// Counts what makes a reading that is under way too old.
        var generation = 0
    }

    private let access: SecretFileAccess
    private let checkNanoseconds: Int64
    private let time: TimeSource
    private let executor: BlockingExecutor
    private let snapshot = Locked(Snapshot())

    /// Creates a store; nothing is read or written yet.
    /// - Parameters:
    ///   - path: the file, such as `data/secrets.enc`; the first secret makes it, and its directory.
    ///   - keys: where the keys come from.
    ///   - checkInterval: how long it goes without looking whether the file has changed (default: 1 s).
    /// - Throws: ``ErrorCode/system`` when its thread cannot be started.
    public convenience init(path: String, keys: SecretKeySource, checkInterval: Duration = .seconds(1)) throws {
        try self.init(path: path, keys: keys, checkInterval: checkInterval, time: .system)
    }

    package init(path: String, keys: SecretKeySource, checkInterval: Duration = .seconds(1), time: TimeSource) throws {
        access = SecretFileAccess(path: path, keys: keys)
        checkNanoseconds = checkInterval.wholeNanoseconds
        self.time = time
        executor = try BlockingExecutor(name: "secrets", threads: 1)
    }

    /// As ``SecretStore/secret(_:)``.
    public func secret(_ name: String) async throws -> Secret {
        try SecretRules.check(name: name)
        let known = try await explained(name) { try await current() }
        return try await explained(name) {
            guard let ring = known.ring, let secret = try known.file.secret(name, ring) else {
                throw MillraceError(.notFound, "there is no secret '\(name)': store it with `millrace secrets set \(name)`")
            }
            return secret
        }
    }

    /// As ``SecretStore/set(_:_:)``. The value is on the disk when it returns; whoever is cancelled meanwhile does not know whether it is.
    @discardableResult
    public func set(_ name: String, _ value: String) async throws -> String {
        try SecretRules.check(name: name)
        try SecretRules.check(value: value, of: name)
        let version = Identifier.make(prefix: "v")
        let changedAt = time.wall()
        try await change(name) { try $0.set(name, value, version: version, changedAt: changedAt, $1.newest) }
        return version
    }

    /// As ``SecretStore/remove(_:)``.
    public func remove(_ name: String) async throws {
        try SecretRules.check(name: name)
        // Without a file there is nothing to remove, and perhaps no key.
        if try await explained(name, { try await current() }).file.entries[name] == nil { return }
        try await change(name) { file, _ in file.remove(name) }
    }

    /// As ``SecretStore/list()``.
    public func list() async throws -> [SecretDescription] {
        let known = try await explained(nil) { try await current() }
        return known.file.entries.map { SecretDescription(name: $0.key, changedAt: $0.value.changedAt, version: $0.value.version) }
            .sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    }

    /// As ``SecretStore/forget(_:)``: the next call looks whether the file has changed.
    public func forget(_ name: String) async { expire() }

    /// Makes a key file (mode 0600) where there is none, and no secrets yet.
    /// - Returns: the path of the new file; `nil`: there was one, or the keys come from elsewhere.
    /// - Throws: ``ErrorCode/storageUnavailable`` where the file of the secrets is there and its key is not.
    public func makeKeyIfMissing() async throws -> String? {
        let access = access
        return try await explained(nil) { try await executor.runUnlessCancelled { try access.makeKeyIfMissing() } }
    }

    /// Encrypts every secret with a new key, which replaces the old ones in the key file; where the keys come from a variable, with its first.
    ///
    /// However it is interrupted, all secrets can be read afterwards. Backups of the secrets' file need the key of their time.
    /// - Throws: ``ErrorCode/conflict`` where the keys come from a variable that holds one key only; ``ErrorCode/storageUnavailable``.
    @discardableResult
    public func rotate() async throws -> Rotation {
        let access = access
        defer { expire() }
        return try await explained(nil) {
            let (count, keyID) = try await executor.runUnlessCancelled { try access.rotate() }
            return Rotation(secretCount: count, keyID: keyID)
        }
    }

    private func expire() {
        snapshot.withLock {
            $0.checkedAt = nil
            $0.generation += 1
        }
    }

    /// What is stored, as far as it is known or else as it is on the disk.
    private func current() async throws -> SecretFileAccess.Known {
        let now = time.monotonic()
        let last = snapshot.withLock { $0 }
        if let known = last.known, let checkedAt = last.checkedAt, now - checkedAt < checkNanoseconds { return known }
        return try await work(last.generation, now) { access, known in
            if let known, try FileIdentity(access.path) == known.identity { return known }
            return try access.load()
        }
    }

    private func change(_ name: String, _ body: @escaping @Sendable (inout SecretFile, SecretKeyRing) throws -> Bool) async throws {
        let generation = snapshot.withLock { $0.generation }
        let now = time.monotonic()
        _ = try await explained(name) { try await work(generation, now) { access, _ in try access.change(body) } }
    }

    /// Works on the store's thread, where one result replaces the other in the order of the work.
    private func work(
        _ generation: Int, _ now: Int64,
        _ body: @escaping @Sendable (SecretFileAccess, SecretFileAccess.Known?) throws -> SecretFileAccess.Known
    ) async throws -> SecretFileAccess.Known {
        let (access, snapshot) = (access, snapshot)
        return try await executor.runUnlessCancelled {
            let known = try body(access, snapshot.withLock { $0.known })
            snapshot.withLock {
                $0.known = known
                $0.checkedAt = $0.generation == generation ? now : nil
            }
            return known
        }
    }

    /// Turns what can go wrong into the errors of the seam.
    private func explained<R>(_ name: String?, _ body: () async throws -> R) async throws -> R {
        let what = name.map { "the secret '\($0)'" } ?? "the secret store"
        do { return try await body() } catch let failure as SecretFile.Failure {
            throw MillraceError(.storageUnavailable, "\(what) cannot be read: " + explanation(failure))
        } catch let error as MillraceError where error.code == .system {
            throw MillraceError(.storageUnavailable, "\(what) cannot be reached: \(error.message)", isRetryable: true)
        }
    }

    private func explanation(_ failure: SecretFile.Failure) -> String {
        switch failure {
        case .isNoStore: "\(access.path) is no file of secrets, or is damaged: restore it from a backup"
        case .unknownFormat(let format): "\(access.path) is of the format '\(format)', which this version of Millrace does not know"
        case .unknownKey(let id):
            "\(access.path) is encrypted with the key \(id), which \(access.keys) does not hold: add that key after the newest one"
        case .changed:
            "\(access.path) was changed by something other than Millrace, or is damaged: restore it from a backup"
        case .noCrypto: "libcrypto cannot decrypt now"
        }
    }
}
