import Glibc
import Millrace
import MillraceAWS
import MillraceBackends
import MillraceCore
import MillraceHTTPClient

/// Asks what lies behind the seams whether it can be used: for `millrace doctor`. Nothing is made or changed.
package struct BackendProbe: Sendable {
    package typealias Finding = ModelProbe.Finding
    private typealias Outcome = ModelProbe.Outcome

    private let settings: ServerSettings

    package init(_ settings: ServerSettings) { self.settings = settings }

    /// Asks everything at once, and waits for it. Not on a loop.
    /// - Returns: a line for AWS's credentials where something uses them, and one for each seam.
    package func run() -> [Finding] {
        do {
            return try ProbeContext.with(settings) { context in await findings(context) }
        } catch {
            return [Finding(verdict: .unusable, text: "backends: \((error as? MillraceError)?.message ?? "\(error)")", isDefault: true)]
        }
    }

    private func findings(_ context: ProbeContext) async -> [Finding] {
        async let aws = usesAWS ? identity(context) : nil
        async let objects = objects(context)
        async let search = search(context)
        async let secrets = secrets(context)
        async let cache = cache(context)
        async let documents = documents(context)
        let outcomes = [
            ("aws", await aws), ("objects", await objects), ("search", await search), ("secrets", await secrets), ("cache", await cache),
            ("documents", await documents),
        ]
        return outcomes.compactMap { name, outcome in
            outcome.map { outcome in
                Finding(verdict: outcome.verdict, text: "\(name): \(ModelProbe.printable(outcome.text))", isDefault: false)
            }
        }
    }

    private var usesAWS: Bool {
        func isBedrock(_ model: ModelSettings) -> Bool { if case .bedrock = model.kind { true } else { false } }
        func isBedrock(_ embedder: EmbedderSettings) -> Bool { if case .bedrock = embedder.kind { true } else { false } }
        return settings.objects.kind == .s3 || settings.search.authentication == .sigv4 || settings.secrets.type == .secretsManager
            || settings.models.contains(where: isBedrock) || settings.embedders.contains(where: isBedrock)
    }

    // MARK: AWS

    /// Whose credentials are found, and where. They may suffice although STS cannot be asked.
    private func identity(_ context: ProbeContext) async -> Outcome? {
        let origin: String
        do { origin = try await context.backends.aws.credentials().credentials().origin } catch {
            return (.unusable, (error as? MillraceError)?.message ?? "\(error)")
        }
        do {
            let client = try context.backends.aws.client(.sts)
            let identity = try await STSClient(client).getCallerIdentity()
            return (.ok, "credentials from \(origin): \(identity.arn)")
        } catch let error as AWSServiceError {
            return (.unusable, "credentials from \(origin): \(AWSAdvice.credentials(error) ?? error.description)")
        } catch {
            return (.doubtful, "credentials from \(origin); STS could not be asked whose they are: \(Self.reason(error))")
        }
    }

    // MARK: Seams

    private func objects(_ context: ProbeContext) async -> Outcome? {
        if let reason = context.backends.unavailable["objects"] { return (.unusable, reason) }
        guard let bucket = context.backends.bucket else {
            return settings.dataDirectory == ":memory:" && settings.objects.path == nil
                ? (.doubtful, "in memory, nothing is kept") : directory(settings.objects.path, "objects", key: "objects.path")
        }
        var options = S3ListOptions()
        options.limit = 1
        options.prefix = settings.objects.prefix
        do {
            _ = try await bucket.client.listObjects(bucket.name, options)
            return (.ok, "the bucket '\(bucket.name)' answers")
        } catch let error as AWSServiceError {
            let advice =
                switch error.code {
                case "NoSuchBucket", "NotFound": "there is no bucket '\(bucket.name)': make it, or check objects.bucket"
                case "AccessDenied", "Forbidden":
                    "the credentials may not use the bucket '\(bucket.name)': allow s3:ListBucket, s3:GetObject, s3:PutObject and "
                        + "s3:DeleteObject"
                case "PermanentRedirect", "AuthorizationHeaderMalformed":
                    "the bucket '\(bucket.name)' is in another region: check objects.region"
                default: AWSAdvice.credentials(error) ?? "the bucket '\(bucket.name)' cannot be used"
                }
            return (.unusable, "\(advice) (\(error.description))")
        } catch {
            return (.unusable, Self.unreached(error, key: "objects.endpoint or aws.s3Endpoint", isOwn: settings.objects.profile != nil))
        }
    }

    private func search(_ context: ProbeContext) async -> Outcome? {
        if let reason = context.backends.unavailable["search"] { return (.unusable, reason) }
        guard let client = context.backends.openSearch else {
            if settings.dataDirectory == ":memory:", settings.search.path == nil { return (.doubtful, "in memory, nothing is kept") }
            let path = settings.search.path ?? settings.dataDirectory + "/search.sqlite"
            return database(path, key: "search.path")
        }
        if let finding = await password(settings.search.password, where: settings.search.authentication == .basic, context) {
            return finding
        }
        do {
            if client.isServerless {
                _ = try await client.indexNames(matching: settings.search.indexPrefix + "*")
                return (.ok, "the collection answers")
            }
            let info = try await client.info()
            guard info.distribution == "opensearch" else {
                return (.unusable, "something else than OpenSearch answers there (version \(info.version)): check search.url")
            }
            let status = try await client.health()["status"]?.string ?? "unknown"
            let text = "OpenSearch \(info.version), cluster '\(info.clusterName)' is \(status)"
            return (status == "red" ? .doubtful : .ok, text)
        } catch let error as AWSServiceError {
            let advice: String =
                switch (error.status, settings.search.authentication) {
                case (401, .basic), (403, .basic): "it refuses user and password: check search.user and search.password"
                case (401, .none), (403, .none): "it asks who you are: set search.auth"
                case (401, .sigv4), (403, .sigv4):
                    AWSAdvice.credentials(error) ?? "the credentials do not permit it: extend the domain's access policy"
                case (404, _): "something else than OpenSearch answers there: check search.url"
                default: "the OpenSearch server cannot be used"
                }
            return (.unusable, "\(advice) (\(error.description))")
        } catch { return (.unusable, Self.unreached(error, key: "search.url", isOwn: settings.search.profile != nil)) }
    }

    private func secrets(_ context: ProbeContext) async -> Outcome? {
        if let reason = context.backends.unavailable["secrets"] { return (.unusable, reason) }
        guard let store = context.backends.secrets else { return nil }
        do {
            let count = try await store.list().count
            return (.ok, "\(count) secret\(count == 1 ? "" : "s")")
        } catch let error as MillraceError where error.message.hasPrefix("Secrets Manager answered ") {
            // The store has put what the service said into words of its own.
            let code = error.message.dropFirst("Secrets Manager answered ".count).prefix { $0 != " " }
            let advice = AWSAdvice.credentials(code: String(code), message: error.cause ?? error.message)
            return (.unusable, advice.map { "\($0) (\(error.message))" } ?? error.message)
        } catch { return (.unusable, Self.unreached(error, key: "aws.secretsManagerEndpoint")) }
    }

    private func cache(_ context: ProbeContext) async -> Outcome? {
        if let reason = context.backends.unavailable["cache"] { return (.unusable, reason) }
        switch settings.cache.kind {
        case .memory: return (.ok, "in memory")
        case .directory: return directory(settings.cache.path, "cache", key: "cache.path")
        case .redis:
            guard let cache = context.backends.cache as? RedisCache else { return nil }
            if let finding = await password(settings.cache.password, context) { return finding }
            do {
                try await cache.check()
                return (.ok, "Redis answers")
            } catch {
                var reason = Self.reason(error)
                if reason.hasSuffix(".") { reason.removeLast() }
                let advice =
                    if reason.contains("NOAUTH") {
                        "set cache.password"
                    } else if reason.contains("WRONGPASS") || reason.contains("invalid password") {
                        "check cache.user and cache.password"
                    } else { "start the server, or check cache.url" }
                return (.unusable, "\(reason): \(advice)")
            }
        }
    }

    /// Why a password cannot be had that is kept in the secret store; `nil`: it can, or is elsewhere.
    private func password(_ reference: String?, where isUsed: Bool = true, _ context: ProbeContext) async -> Outcome? {
        guard isUsed, let reference, case .stored(let secret)? = SecretReference(reference) else { return nil }
        do {
            _ = try await context.backends.resolver.value(secret)
            return nil
        } catch let error as MillraceError where error.code == .configuration && context.backends.secrets != nil {
            return (.unusable, error.message)
        } catch {
            return (.unusable, "its password, the secret '\(secret)', cannot be had: see the line 'secrets'")
        }
    }

    /// Reads a document of one line, so that what is wrong with the confinement shows.
    private func documents(_ context: ProbeContext) async -> Outcome? {
        guard let extractor = context.backends.documents else { return (.unusable, context.backends.unavailable["documents"] ?? "") }
        var bytes: [UInt8]? = Array("millrace\n".utf8)
        do {
            let summary = try await extractor.extract(DocumentDescription(title: "doctor.txt"), from: { bytes.take() }) { document in
                while try await document.next() != nil {}
                return document.summary
            }
            let warnings = summary?.warnings ?? []
            return (warnings.isEmpty ? .ok : .doubtful, ([extractor.program] + warnings).joined(separator: "; "))
        } catch { return (.unusable, "\(extractor.program): \(Self.reason(error))") }
    }

    // MARK: Files

    private func directory(_ given: String?, _ name: String, key: String) -> Outcome {
        let path = given ?? settings.dataDirectory + "/" + name
        var status = stat()
        guard stat(path, &status) == 0 else {
            return given == nil
                ? (.ok, "\(path): will be made at the first start")
                : parent(of: path, key: key, found: "\(path): will be made at the first start")
        }
        guard status.st_mode & S_IFMT == S_IFDIR else { return (.unusable, "\(path) is a file: choose another with \(key)") }
        return access(path, R_OK | W_OK | X_OK) == 0
            ? (.ok, "\(path): writable")
            : (.unusable, "\(path): cannot be written: change its owner or mode, or choose another with \(key)")
    }

    private func database(_ path: String, key: String) -> Outcome {
        var status = stat()
        guard stat(path, &status) == 0 else { return parent(of: path, key: key, found: "\(path): will be made at the first start") }
        if status.st_mode & S_IFMT == S_IFDIR { return (.unusable, "\(path) is a directory: choose a file with \(key)") }
        // The file's first bytes (SQLite's "Database File Format", section 1.3).
        if let head = Self.head(of: path, count: 16), !head.isEmpty, head != Array("SQLite format 3\0".utf8) {
            return (.unusable, "\(path) is no database of SQLite: choose another with \(key)")
        }
        return access(path, R_OK | W_OK) == 0
            ? (.ok, "\(path): writable")
            : (.unusable, "\(path): cannot be written: change its owner or mode, or choose another with \(key)")
    }

    private func parent(of path: String, key: String, found: String) -> Outcome {
        var parts = path.split(separator: "/", omittingEmptySubsequences: true)
        let start = path.hasPrefix("/") ? "/" : ""
        while !parts.isEmpty {
            parts.removeLast()
            let parent = parts.isEmpty ? (start.isEmpty ? "." : "/") : start + parts.joined(separator: "/")
            guard access(parent, F_OK) == 0 else { continue }
            return access(parent, W_OK | X_OK) == 0
                ? (.ok, found)
                : (.unusable, "\(path): cannot be made in \(parent): change its owner or mode, or choose another with \(key)")
        }
        return (.ok, found)
    }

    private static func head(of path: String, count: Int) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: count)
        let found = read(descriptor, &bytes, count)
        return found < 0 ? nil : Array(bytes[..<found])
    }

    // MARK: Words

    private static func reason(_ error: any Error) -> String { (error as? MillraceError)?.message ?? "\(error)" }

    /// - Parameter isOwn: whether the credentials are of a profile of its own, of which no other line speaks.
    static func unreached(_ error: any Error, key: String, isOwn: Bool = false) -> String {
        guard let error = error as? MillraceError else { return "\(error)" }
        let isUnsigned =
            error.code == .awsCredentials || error.details["transport_error"] == "aws_credentials"
            || error.cause?.hasPrefix("aws_credentials") == true
        if isUnsigned, !isOwn { return "AWS's credentials cannot be had: see the line 'aws'" }
        if error.code == .timeout { return "it does not answer in time: check \(key) and the network" }
        if error.message.contains("nothing listens") { return "\(error.message): start the server, or check \(key)" }
        if error.code == .unreachable { return "\(error.message) (\(key))" }
        return error.message
    }
}
