import Millrace
import MillraceAWS
import MillraceBackends
import MillraceCore
import MillraceHTTPClient

/// Makes what lies behind the seams out of the settings. What cannot be used is left out with its reason, so that a server starts all the same.
///
/// Nobody is asked here: whether a server answers shows at the first call, on `/readyz` and in `millrace doctor`.
struct BackendAssembly {
    let settings: ServerSettings
    /// How services are reached.
    let transport: any HTTPTransport
    /// The same without retries, for endpoints of the machine itself.
    let plain: any HTTPTransport
    let blocking: BlockingExecutor
    var logger = Logger.silent
    /// Whether nothing is to be made on the disk: for `millrace doctor`.
    var isLooking = false

    private var keepsNothing: Bool { settings.dataDirectory == ":memory:" }

    private func path(_ given: String?, _ name: String) -> String { given ?? settings.dataDirectory + "/" + name }

    func make() -> Backends {
        let aws = AWSAssembly(settings.aws, transport: transport, plain: plain, blocking: blocking)
        var missing: [String: String] = [:]
        func attempt<T>(_ name: String, _ make: () throws -> T?) -> T? {
            do { return try make() } catch {
                missing[name] = (error as? MillraceError)?.message ?? "\(error)"
                return nil
            }
        }
        let secrets = attempt("secrets") { try secretStore(aws) }
        let secretsURL =
            settings.secrets.type == .secretsManager ? (try? aws.endpoint(.secretsManager, .init()).url(of: .secretsManager)) : nil
        let resolver = SecretResolver(
            secrets, reason: missing["secrets"] ?? "no secret store is configured",
            environment: { [settings] in settings.aws.variables.values[$0] })
        var backends = Backends(aws: aws, resolver: resolver)
        backends.secrets = secrets
        if secrets != nil { backends.urls["secrets"] = secretsURL }
        if let objects = attempt("objects", { try objectStore(aws) }) {
            backends.objects = objects.store
            backends.urls["objects"] = objects.url
            backends.bucket = objects.bucket
        }
        if let search = attempt("search", { try searchEngine(aws, resolver) }) {
            backends.search = search.engine
            backends.urls["search"] = search.url
            backends.openSearch = search.client
        }
        backends.cache = attempt("cache") { try cache(resolver) }
        backends.documents = attempt("documents") { try ProcessDocumentExtractor(settings.documents.options) }
        backends.unavailable = missing
        if secrets == nil, missing["secrets"] == nil {
            // By choice, so that it is nothing to warn about.
            backends.unavailable["secrets"] = "this server keeps nothing, and so no secrets: name a file with secrets.path"
        }
        for (name, reason) in missing.sorted(by: { $0.key < $1.key }) {
            logger.warning("a backend is not available", ["backend": .string(name), "reason": .string(reason)])
        }
        return backends
    }

    // MARK: Secrets

    private func secretStore(_ aws: AWSAssembly) throws -> (any SecretStore)? {
        // A server that keeps nothing has no place for a file.
        if keepsNothing, settings.secrets.type == .file, settings.secrets.path == nil { return nil }
        return try SecretStoreAssembly.make(settings, logger: logger) { _ in SecretsManagerClient(try aws.client(.secretsManager)) }.store
    }

    // MARK: Objects

    private func objectStore(
        _ aws: AWSAssembly
    ) throws -> (store: any ObjectStore, url: String?, bucket: Backends.Bucket?)? {
        let settings = settings.objects
        switch settings.kind {
        case .directory:
            if keepsNothing, settings.path == nil { return (InMemoryObjectStore(), nil, nil) }
            if isLooking { return nil }
            let durability: DirectoryObjectStore.Durability = self.settings.store.synchronous == .full ? .full : .normal
            return (
                try DirectoryObjectStore(path: path(settings.path, "objects"), executor: blocking, durability: durability), nil, nil
            )
        case .s3:
            guard let bucket = settings.bucket else {
                throw MillraceError(.configuration, "objects.type is s3, and no bucket is named: set objects.bucket")
            }
            let place = AWSAssembly.Place(region: settings.region, profile: settings.profile, url: settings.endpoint)
            let client = try aws.client(.s3, place)
            var own = S3Client.Settings()
            own.addressing =
                switch settings.addressing {
                case .auto: .automatic
                case .path: .path
                case .virtual: .virtualHosted
                }
            own.partBytes = settings.partBytes
            let s3 = try S3Client(client, settings: own)
            let store = try S3ObjectStore(s3, bucket: bucket, prefix: settings.prefix)
            return (store, client.url, Backends.Bucket(client: s3, name: bucket))
        }
    }

    // MARK: Search

    private func searchEngine(
        _ aws: AWSAssembly, _ resolver: SecretResolver
    ) throws -> (engine: any SearchEngine, url: String?, client: OpenSearchClient?)? {
        let settings = settings.search
        switch settings.kind {
        case .sqlite:
            if isLooking { return nil }
            let path = keepsNothing && settings.path == nil ? ":memory:" : path(settings.path, "search.sqlite")
            var configuration = SQLiteSearchEngine.Configuration()
            configuration.vectorMemoryBytes = settings.vectorMemoryBytes
            do { return (try SQLiteSearchEngine(path: path, configuration: configuration), nil, nil) } catch let error as MillraceError {
                throw MillraceError(error.code, "\(path): \(error.message)")
            }
        case .opensearch:
            guard let url = settings.url else {
                throw MillraceError(.configuration, "search.type is opensearch, and no server is named: set search.url")
            }
            let service = settings.service == .aoss ? AWSService.openSearchServerless : .openSearch
            let client: AWSServiceClient
            switch settings.authentication {
            case .sigv4: client = try aws.client(service, .init(region: settings.region, profile: settings.profile, url: url))
            case .none: client = self.client(of: url, service, .none)
            case .basic:
                guard let user = settings.user, let reference = settings.password else {
                    throw MillraceError(.configuration, "search.auth basic needs search.user and search.password")
                }
                let password = try password(reference, "search.password", resolver)
                client = self.client(of: url, service, .basic(user: user, password: { try await password.value() }))
            }
            var own = OpenSearchEngineSettings()
            own.indexPrefix = settings.indexPrefix
            own.shards = settings.shards
            own.vectorEngine = settings.vectorEngine
            let openSearch = OpenSearchClient(client)
            return (try OpenSearchEngine(openSearch, settings: own), client.url, openSearch)
        }
    }

    private func client(
        of url: String, _ service: AWSService, _ authentication: AWSServiceClient.Authentication
    ) -> AWSServiceClient {
        // Without signatures the region means nothing.
        AWSServiceClient(
            service, endpoint: AWSEndpointSettings(region: "us-east-1", url: url), authentication: authentication, transport: transport)
    }

    private func password(_ reference: String, _ key: String, _ resolver: SecretResolver) throws(MillraceError) -> Credential {
        do { return try resolver.credential(reference) } catch { throw MillraceError(error.code, "\(key): \(error.message)") }
    }

    // MARK: Cache

    private func cache(_ resolver: SecretResolver) throws -> (any Cache)? {
        let settings = settings.cache
        switch settings.kind {
        case .memory: return MemoryCache(byteLimit: settings.bytes, valueByteLimit: settings.valueBytes)
        case .directory:
            if isLooking { return nil }
            if keepsNothing, settings.path == nil {
                return MemoryCache(byteLimit: settings.bytes, valueByteLimit: settings.valueBytes)
            }
            return try DirectoryCache(
                directory: path(settings.path, "cache"), byteLimit: settings.bytes, valueByteLimit: settings.valueBytes, logger: logger)
        case .redis: return try redis(resolver)
        }
    }

    private func redis(_ resolver: SecretResolver) throws -> RedisCache {
        let settings = settings.cache
        guard let url = settings.url else {
            throw MillraceError(.configuration, "cache.type is redis, and no server is named: set cache.url")
        }
        let place = try RedisEndpoint(url: url)
        let password = try settings.password.map { try self.password($0, "cache.password", resolver) }
        let endpoint = RedisEndpoint(
            place.place, user: settings.user ?? place.user, password: password ?? place.password, database: place.database)
        return try RedisCache(endpoint, keyPrefix: settings.prefix, valueByteLimit: settings.valueBytes, logger: logger)
    }
}
