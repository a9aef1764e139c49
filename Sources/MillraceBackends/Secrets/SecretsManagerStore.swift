public import Millrace
public import MillraceAWS
public import MillraceCore
import MillraceHTTPClient

/// Secrets in AWS Secrets Manager, kept in memory for a while.
///
/// A value is fetched once for many callers and given out for `cacheDuration`; a rotation is seen after that time, or at once after
/// ``forget(_:)``. That there is no such secret is known for 10 s. While the service cannot be reached, a value that was fetched before is given
/// out for `staleDuration` longer, with a warning in the log, and the service is asked again every 10 s; a definite refusal (such as
/// `AccessDeniedException`) ends that at once. Secrets with a binary value can be listed and removed, not read.
public final class SecretsManagerStore: SecretStore {
    private let client: SecretsManagerClient
    private let prefix: String
    private let deletion: SecretsManagerClient.Deletion
    private let cache: Locked<SecretCache>
    private let flights = SingleFlight<Flight, Secret?>()
    private let logger: Logger
    private let time: TimeSource

    private struct Flight: Hashable {
        let name: String
        let number: UInt64
    }

    /// Creates a store.
    /// - Parameters:
    ///   - namePrefix: what stands before every name in Secrets Manager, such as `millrace/`; only such secrets are seen (default: nothing).
    ///   - cacheDuration: how long a value is given out before it is fetched again (default: 5 minutes).
    ///   - staleDuration: how long after that it is still given out while the service fails (default: 1 hour).
    ///   - capacity: how many secrets are kept in memory (default: 1,000).
    ///   - deletion: what ``remove(_:)`` does (default: the secret can be restored for 30 days, also by ``set(_:_:)``).
    ///   - logger: where stale values and failures are logged, by name.
    public convenience init(
        _ client: SecretsManagerClient, namePrefix: String = "", cacheDuration: Duration = .seconds(300),
        staleDuration: Duration = .seconds(3600), capacity: Int = 1000,
        deletion: SecretsManagerClient.Deletion = .recoverable(days: 30), logger: Logger = .silent
    ) {
        self.init(
            client, namePrefix: namePrefix, cacheDuration: cacheDuration, staleDuration: staleDuration, capacity: capacity,
            deletion: deletion, logger: logger, time: .system)
    }

    package init(
        _ client: SecretsManagerClient, namePrefix: String = "", cacheDuration: Duration = .seconds(300),
        staleDuration: Duration = .seconds(3600), capacity: Int = 1000,
        deletion: SecretsManagerClient.Deletion = .recoverable(days: 30), logger: Logger = .silent, time: TimeSource
    ) {
        self.client = client
        prefix = namePrefix
        self.deletion = deletion
        self.logger = logger
        self.time = time
        cache = Locked(
            SecretCache(
                SecretCache.Settings(
                    fresh: cacheDuration.wholeNanoseconds, absent: Self.absentNanoseconds, stale: staleDuration.wholeNanoseconds,
                    pause: Self.pauseNanoseconds, capacity: max(capacity, 1))))
    }

    private static let absentNanoseconds: Int64 = 10_000_000_000
    private static let pauseNanoseconds: Int64 = 10_000_000_000
    private static let pageLimit = 1000

    /// As ``SecretStore/secret(_:)``.
    public func secret(_ name: String) async throws -> Secret {
        let id = try fullName(name)
        let secret: Secret?
        switch next(name) {
        case .give(let known): secret = known
        case .refuse: secret = nil
        case .ask(let flight):
            secret = try await flights.run(Flight(name: name, number: flight)) {
                // Another caller's attempt may have ended just before this one began.
                switch next(name) {
                case .give(let known): known
                case .refuse: nil
                case .ask(let current): try await fetch(name, id, current)
                }
            }
        }
        guard let secret else { throw MillraceError(.notFound, "there is no secret '\(id)' in Secrets Manager") }
        return secret
    }

    /// As ``SecretStore/set(_:_:)``. A secret that is marked for deletion is restored.
    @discardableResult
    public func set(_ name: String, _ value: String) async throws -> String {
        let id = try fullName(name)
        try SecretRules.check(value: value, of: name)
        // Also where it fails: the service may have done it.
        defer { cache.withLock { $0.forget(name) } }
        return try await explained(id, "PutSecretValue and CreateSecret") { try await put(id, .text(value)) }
    }

    /// As ``SecretStore/remove(_:)``.
    public func remove(_ name: String) async throws {
        let id = try fullName(name)
        defer { cache.withLock { $0.forget(name) } }
        try await explained(id, "DeleteSecret") {
            do { try await client.deleteSecret(id, deletion) } catch let error as AWSServiceError where error.isAbsence {
            } catch let error as AWSServiceError where error.isState {
                guard try await isMarkedForDeletion(id) else { throw error }
            }
        }
    }

    /// As ``SecretStore/list()``: all whose names begin with the prefix, without it. Secrets that are marked for deletion are not among them.
    /// - Throws: also ``ErrorCode/limitExceeded`` for more than 100,000 secrets.
    public func list() async throws -> [SecretDescription] {
        var found: [SecretDescription] = []
        var token: String?
        for _ in 0..<Self.pageLimit {
            let page = try await explained(prefix, "ListSecrets") { [token] in
                try await client.listSecrets(namePrefix: prefix.isEmpty ? nil : prefix, token: token)
            }
            // The service's filter takes a prefix of words, in any case.
            for secret in page.secrets where secret.name.hasPrefix(prefix) && secret.name.utf8.count > prefix.utf8.count {
                let name = String(secret.name.dropFirst(prefix.count))
                found.append(SecretDescription(name: name, changedAt: secret.changedAt, version: secret.currentVersion))
            }
            guard let next = page.nextToken, !next.isEmpty else {
                return found.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
            }
            token = next
        }
        throw MillraceError(.limitExceeded, "Secrets Manager has more than \(Self.pageLimit * 100) secrets: configure a longer prefix")
    }

    /// As ``SecretStore/forget(_:)``.
    public func forget(_ name: String) async { cache.withLock { $0.forget(name) } }

    /// Starts the rotation that is configured in Secrets Manager for a secret. Its new version is current some time later.
    /// - Returns: the id of the version to come.
    /// - Throws: ``ErrorCode/conflict`` where no rotation is configured, or one is under way; as ``SecretStore``.
    @discardableResult
    public func rotate(_ name: String) async throws -> String {
        let id = try fullName(name)
        defer { cache.withLock { $0.forget(name) } }
        return try await explained(id, "RotateSecret") {
            guard try await client.describeSecret(id).isRotationEnabled else {
                throw MillraceError(
                    .conflict,
                    "no rotation is configured for the secret '\(id)' in Secrets Manager: configure one there, or set a new value")
            }
            return try await client.rotateSecret(id)
        }
    }

    private func next(_ name: String) -> SecretCache.Action { cache.withLock { $0.wanted(name, at: time.monotonic()) } }

    /// Asks the service. It is asked by one caller at a time for each flight.
    private func fetch(_ name: String, _ id: String, _ flight: UInt64) async throws -> Secret? {
        var isOutage = true
        do {
            let secret = try await explained(id, "GetSecretValue") {
                do { return try await value(id) } catch {
                    isOutage = (error as? AWSServiceError)?.isRetryable ?? ((error as? MillraceError)?.code != .conflict)
                    throw error
                }
            }
            cache.withLock { $0.answered(name, flight, secret, at: time.monotonic()) }
            return secret
        } catch {
            if error is CancellationError || Task.isCancelled {
                cache.withLock { $0.abandoned(name, flight) }
                throw error
            }
            let stale = cache.withLock { $0.failed(name, flight, isOutage: isOutage, at: time.monotonic()) }
            guard let stale else { throw error }
            logger.warning(
                "secret is taken from the cache after its time: Secrets Manager fails",
                ["secret": .string(id), "error": .string("\(error)")])
            return stale
        }
    }

    private func value(_ id: String) async throws -> Secret? {
        do {
            let value = try await client.getSecretValue(id)
            guard case .text(let text) = value.content else {
                throw MillraceError(.conflict, "the secret '\(id)' in Secrets Manager is binary: store it as text to use it here")
            }
            return Secret(value: text, version: value.versionID)
        } catch let error as AWSServiceError {
            if error.isAbsence { return nil }
            if error.isState, try await isMarkedForDeletion(id) { return nil }
            throw error
        }
    }

    private func put(_ id: String, _ content: SecretsManagerValue.Content) async throws -> String {
        do { return try await client.putSecretValue(id, content) } catch let error as AWSServiceError where error.isState {
            guard try await isMarkedForDeletion(id) else { throw error }
            try await client.restoreSecret(id)
        } catch let error as AWSServiceError where error.isAbsence {
            // Between the two calls somebody else may make it.
            do { return try await client.createSecret(id, content) } catch let error as AWSServiceError
                where error.code == "ResourceExistsException"
            {}
        }
        return try await client.putSecretValue(id, content)
    }

    private func isMarkedForDeletion(_ id: String) async throws -> Bool {
        do { return try await client.describeSecret(id).deletedAt != nil } catch let error as AWSServiceError where error.isAbsence {
            return true
        }
    }

    private func fullName(_ name: String) throws(MillraceError) -> String {
        try SecretRules.check(name: name)
        try SecretRules.check(name: prefix + name)
        return prefix + name
    }

    /// Turns what can go wrong into the errors of the seam; what the service said goes into the cause, which no client sees.
    private func explained<R>(_ id: String, _ permission: String, _ body: () async throws -> R) async throws -> R {
        do { return try await body() } catch let error as AWSServiceError {
            let advice =
                switch error.code {
                case "AccessDeniedException": ": its policy must allow \(permission) of secretsmanager for '\(id)'"
                case "DecryptionFailure", "EncryptionFailure": ": its KMS key cannot be used"
                case "ResourceNotFoundException": ": there is no such secret"
                default: ""
                }
            if error.isAbsence { throw MillraceError(.notFound, "there is no secret '\(id)' in Secrets Manager", cause: error) }
            throw MillraceError(
                .storageUnavailable, "Secrets Manager answered \(error.code) for '\(id)'\(advice)", cause: error,
                isRetryable: error.isRetryable)
        } catch let error as MillraceError where !Self.own.contains(error.code) {
            throw MillraceError(
                .storageUnavailable, "Secrets Manager cannot be asked for '\(id)': \(error.message)", cause: error,
                isRetryable: error.isRetryable)
        }
    }

    /// What passes as it is.
    private static let own: Set<ErrorCode> = [.conflict, .notFound, .invalidInput, .storageUnavailable]
}

extension AWSServiceError {
    /// There is no such secret, or it has no current value.
    fileprivate var isAbsence: Bool { code == "ResourceNotFoundException" }
    /// The secret's state forbids the call: it may be marked for deletion.
    fileprivate var isState: Bool { code == "InvalidRequestException" }
}
