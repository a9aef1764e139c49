import Millrace
import MillraceBackends
import MillraceCore

/// Every setting of the server, in the order in which they are documented.
package enum SettingTable {
    package static let all: [SettingDescriptor] = selection + server + limits + runs + store + retention + secrets + http + backends

    /// Variables that the command line reads for itself and a server has no use for.
    package static let clientEnvironmentNames = ["MILLRACE_SERVER"]

    /// What chooses the configuration itself.
    private static let selection: [SettingDescriptor] = [
        .optionalText(
            "env", "MILLRACE_ENV", flag: "env", \.environment, "which section of config.yaml is laid over its base, such as dev or prod",
            check: SettingChecks.environmentName),
        .optionalText(nil, "MILLRACE_CONFIG", flag: "config", \.configFile, "the configuration file, if it is not ./config.yaml"),
    ]

    private static let server: [SettingDescriptor] = [
        .text(
            "server.host", "MILLRACE_HOST", flag: "host", \.host, "the numeric address to listen on", check: SettingChecks.address),
        .integer("server.port", "MILLRACE_PORT", flag: "port", 0...65535, \.port, "the port to listen on, 0 for any free one"),
        .text(
            "server.dataDirectory", "MILLRACE_DATA_DIR", flag: "data-dir", \.dataDirectory,
            "the directory that holds all that is kept, :memory: to keep nothing"),
        .integer("server.loops", "MILLRACE_LOOPS", flag: "loops", 0...1024, \.loops, "event loops, 0 for one a core"),
        .choice(
            "log.level", "MILLRACE_LOG_LEVEL", flag: "log-level", LogLevel.allCases.map { ($0.description, $0) }, \.logLevel,
            "the least level of log lines that are written", name: { $0.description }),
        .choice(
            "log.format", "MILLRACE_LOG_FORMAT", flag: "log-format", LogFormat.allCases.map { ($0.rawValue, $0) }, \.logFormat,
            "how log lines look", name: { $0.rawValue }),
        .bool(
            "server.allowUnauthenticated", "MILLRACE_ALLOW_UNAUTHENTICATED", flag: "allow-unauthenticated", \.allowUnauthenticated,
            "listen on other addresses than loopback without authentication"),
        .list(
            "server.allowedHosts", "MILLRACE_ALLOWED_HOSTS", \.allowedHosts,
            "Host: names that are answered beside localhost, 127.0.0.1 and [::1]", check: SettingChecks.hostName),
        .list(
            "server.corsAllowedOrigins", "MILLRACE_CORS_ALLOWED_ORIGINS", \.corsAllowedOrigins,
            "origins whose pages may call the API, such as https://app.example.com", check: SettingChecks.origin),
        .integer(
            "server.loopBlockWarningMilliseconds", "MILLRACE_LOOP_BLOCK_WARNING_MS", 0...3_600_000, \.loopBlockWarningMilliseconds,
            "how long a handler may hold a loop before the log names it, 0 for never"),
        .integer("server.blockingThreads", "MILLRACE_BLOCKING_THREADS", 1...1024, \.blockingThreads, "threads for blocking work"),
        .seconds(
            "server.lockWaitSeconds", "MILLRACE_LOCK_WAIT_SECONDS", 0...3600, \.lockWaitSeconds,
            "how long a start waits for another process that still uses the data directory, 0 to fail at once"),
        .seconds(
            "server.watchSeconds", "MILLRACE_WATCH_SECONDS", 0...3600, \.watchSeconds,
            "how often the configuration's files are looked at for changes, 0 for never"),
        .optionalText("defaults.task", "MILLRACE_DEFAULT_TASK", \.defaultTask, "the handler of requests that name none"),
        .optionalText(
            "prompts.directory", "MILLRACE_PROMPTS_DIRECTORY", \.promptDirectory,
            "the directory with a folder of prompts for each handler, from the configuration file's directory on, if it is not prompts there",
            check: { $0.isEmpty ? "a path" : nil }),
        .optionalText("defaults.model", "MILLRACE_DEFAULT_MODEL", \.defaultModel, "the model of requests and handlers that name none"),
    ]

    private static let limits: [SettingDescriptor] = [
        .integer("limits.maxConnections", "MILLRACE_MAX_CONNECTIONS", 1...1_000_000, \.limits.maxConnections, "open connections"),
        .integer(
            "limits.requestLineBytes", "MILLRACE_REQUEST_LINE_BYTES", 64...1_048_576, \.limits.requestLineBytes, "bytes of a request line"),
        .integer("limits.headerCount", "MILLRACE_HEADER_COUNT", 1...10_000, \.limits.headerCount, "header fields of a request"),
        .integer("limits.headerBytes", "MILLRACE_HEADER_BYTES", 256...16_777_216, \.limits.headerBytes, "bytes of all header fields"),
        .integer("limits.bodyBytes", "MILLRACE_BODY_BYTES", 0...1_099_511_627_776, \.limits.bodyBytes, "bytes of a request body"),
        .integer(
            "limits.bodyMemoryBytes", "MILLRACE_BODY_MEMORY_BYTES", 1_048_576...1_099_511_627_776, \.limits.bodyMemoryBytes,
            "bytes that the bodies of all requests may hold in memory while they are read, without the first 64 KiB of each"),
        .integer(
            "limits.jsonValues", "MILLRACE_JSON_VALUES", 1000...1_073_741_824, \.limits.jsonValues,
            "values in a JSON body, nested ones among them"),
        .seconds(
            "limits.headerTimeoutSeconds", "MILLRACE_HEADER_TIMEOUT_SECONDS", 0.1...3600, \.limits.headerTimeoutSeconds,
            "seconds until a request's head must be complete"),
        .seconds(
            "limits.idleTimeoutSeconds", "MILLRACE_IDLE_TIMEOUT_SECONDS", 0.1...86400, \.limits.idleTimeoutSeconds,
            "seconds that a connection may stay open between requests"),
        .integer(
            "limits.minBodyBytesPerSecond", "MILLRACE_MIN_BODY_BYTES_PER_SECOND", 0...1_073_741_824, \.limits.minBodyBytesPerSecond,
            "the slowest average rate of a request body"),
        .seconds(
            "limits.bodyGraceSeconds", "MILLRACE_BODY_GRACE_SECONDS", 0...3600, \.limits.bodyGraceSeconds,
            "seconds before the body's rate is looked at"),
        .seconds(
            "limits.bodyStallTimeoutSeconds", "MILLRACE_BODY_STALL_TIMEOUT_SECONDS", 0.1...3600, \.limits.bodyStallTimeoutSeconds,
            "seconds that a request body may bring nothing, however fast it came before"),
        .seconds(
            "limits.writeStallTimeoutSeconds", "MILLRACE_WRITE_STALL_TIMEOUT_SECONDS", 0.1...3600, \.limits.writeStallTimeoutSeconds,
            "seconds that a reader may take nothing before it is closed"),
        .integer(
            "limits.writeBufferBytes", "MILLRACE_WRITE_BUFFER_BYTES", 4096...1_073_741_824, \.limits.writeBufferBytes,
            "bytes that may wait for a reader on one connection"),
        .integer(
            "limits.pageBytes", "MILLRACE_PAGE_BYTES", 1024...1_073_741_824, \.limits.pageBytes,
            "bytes of a page of messages or chats, which ends earlier where they are long"),
    ]

    private static let runs: [SettingDescriptor] = [
        .seconds(
            "runs.longestRunSeconds", "MILLRACE_LONGEST_RUN_SECONDS", 1...604_800, \.runs.longestRunSeconds, "the longest duration of a run"
        ),
        .integer(
            "runs.maxConcurrentRunsPerOwner", "MILLRACE_MAX_CONCURRENT_RUNS_PER_OWNER", 1...1_000_000, \.runs.maxConcurrentRunsPerOwner,
            "runs of one owner at the same time"),
        .integer(
            "runs.reservedSequences", "MILLRACE_RESERVED_SEQUENCES", 1...1_000_000, \.runs.reservedSequences,
            "sequences that a commit reserves ahead: the widest gap that a crash can leave"),
        .integer(
            "runs.uncommittedBytes", "MILLRACE_UNCOMMITTED_BYTES", 4096...1_073_741_824, \.runs.uncommittedBytes,
            "bytes of a run that may wait for their commit before its handler waits"),
        .integer(
            "runs.tailBytes", "MILLRACE_TAIL_BYTES", 0...1_073_741_824, \.runs.tailBytes,
            "bytes of a run's newest events that are kept in memory for its readers"),
        .integer("runs.eventBytes", "MILLRACE_EVENT_BYTES", 1024...1_073_741_824, \.runs.eventBytes, "bytes of one encoded event"),
        .integer("runs.runBytes", "MILLRACE_RUN_BYTES", 4096...1_099_511_627_776, \.runs.runBytes, "bytes of a run's whole log"),
        .seconds(
            "runs.keepAliveSeconds", "MILLRACE_KEEP_ALIVE_SECONDS", 0.1...3600, \.runs.keepAliveSeconds,
            "seconds of silence after which a stream gets a keep-alive comment"),
        .integer(
            "runs.retryMilliseconds", "MILLRACE_RETRY_MS", 0...3_600_000, \.runs.retryMilliseconds,
            "how long readers are told to wait before they reconnect"),
        .integer(
            "runs.idempotencyHours", "MILLRACE_IDEMPOTENCY_HOURS", 1...8760, \.runs.idempotencyHours,
            "hours that an idempotency key is kept"),
        .seconds(
            "runs.cancelGraceSeconds", "MILLRACE_CANCEL_GRACE_SECONDS", 0...3600, \.runs.cancelGraceSeconds,
            "seconds that a cancelled handler has to end by itself"),
        .seconds(
            "runs.drainSeconds", "MILLRACE_DRAIN_SECONDS", 0...86400, \.runs.drainSeconds,
            "seconds that runs have to finish when the server stops"),
        .seconds(
            "runs.commitPatienceSeconds", "MILLRACE_COMMIT_PATIENCE_SECONDS", 0.1...3600, \.runs.commitPatienceSeconds,
            "seconds that readers wait for a commit before they get storage_unavailable"),
    ]

    private static let store: [SettingDescriptor] = [
        .choice(
            "store.synchronous", "MILLRACE_STORE_SYNCHRONOUS", StoreSettings.Synchronous.allCases.map { ($0.rawValue, $0) },
            \.store.synchronous, "when a commit counts as done: full survives a power loss, normal a crash", name: { $0.rawValue }),
        .integer("store.readers", "MILLRACE_STORE_READERS", 1...256, \.store.readers, "connections that read at the same time"),
    ]

    /// The variable that holds the keys of the file of secrets.
    package static let secretsKeyVariable = "MILLRACE_SECRETS_KEY"

    private static let secrets: [SettingDescriptor] = [
        .choice(
            "secrets.type", "MILLRACE_SECRETS_TYPE", SecretStoreSettings.Kind.allCases.map { ($0.rawValue, $0) }, \.secrets.type,
            "what keeps secrets by name: an encrypted file, or AWS Secrets Manager", name: { $0.rawValue }),
        .optionalText(
            "secrets.path", "MILLRACE_SECRETS_PATH", \.secrets.path, "the encrypted file, if it is not secrets.enc in the data directory",
            check: { $0.isEmpty ? "a path" : nil }),
        .optionalText(
            "secrets.keyFile", "MILLRACE_SECRETS_KEY_FILE", \.secrets.keyFile,
            "the file with the keys of the encrypted file, if it is not secrets.key in the data directory",
            check: { $0.isEmpty ? "a path" : nil }),
        SettingDescriptor(
            key: nil, environmentName: secretsKeyVariable, kind: .text,
            documentation: "the keys of the encrypted file instead of a key file, newest first with commas between them, "
                + "as openssl rand -base64 32 prints one",
            isSecret: true,
            check: { text in
                (try? SecretKeySource.text(text, origin: "")) == nil
                    ? "32 random bytes in base64 or hexadecimal digits, as openssl rand -base64 32 prints them, no passphrase" : nil
            },
            write: { if case .text(let text) = $1 { $0.secrets.key = SecretText(text, origin: "the variable \(secretsKeyVariable)") } },
            read: { $0.secrets.key.map { .text($0.value) } }),
        .text(
            "secrets.namePrefix", "MILLRACE_SECRETS_NAME_PREFIX", \.secrets.namePrefix,
            "what stands before every name in Secrets Manager, such as millrace/", check: SettingChecks.secretNamePrefix),
        .seconds(
            "secrets.cacheSeconds", "MILLRACE_SECRETS_CACHE_SECONDS", 0...86400, \.secrets.cacheSeconds,
            "seconds that a value from Secrets Manager is used before it is fetched again"),
        .seconds(
            "secrets.staleSeconds", "MILLRACE_SECRETS_STALE_SECONDS", 0...604_800, \.secrets.staleSeconds,
            "seconds after that in which it is still used while Secrets Manager fails"),
    ]

    private static let http: [SettingDescriptor] = [
        .optionalText(
            "http.caFile", "MILLRACE_HTTP_CA_FILE", \.http.caFile,
            "CA certificates (PEM) to trust instead of the system's in outgoing calls"),
        .integer(
            "http.maxConcurrentRequests", "MILLRACE_HTTP_MAX_CONCURRENT_REQUESTS", 1...1_000_000, \.http.maxConcurrentRequests,
            "outgoing requests at once to one endpoint"),
        .integer(
            "http.queuedRequests", "MILLRACE_HTTP_QUEUED_REQUESTS", 0...1_000_000, \.http.queuedRequests,
            "outgoing requests that may wait for their turn at one endpoint"),
        .seconds(
            "http.queueSeconds", "MILLRACE_HTTP_QUEUE_SECONDS", 0...3600, \.http.queueSeconds,
            "seconds that an outgoing request may wait for its turn"),
        .integer("http.attempts", "MILLRACE_HTTP_ATTEMPTS", 1...100, \.http.attempts, "how often an outgoing request is sent at most"),
        .seconds(
            "http.longestRetryAfterSeconds", "MILLRACE_HTTP_LONGEST_RETRY_AFTER_SECONDS", 0...3600, \.http.longestRetryAfterSeconds,
            "the longest wait that a server's Retry-After may ask for"),
        .seconds(
            "http.circuitOpenSeconds", "MILLRACE_HTTP_CIRCUIT_OPEN_SECONDS", 0.1...3600, \.http.circuitOpenSeconds,
            "seconds that an endpoint which keeps failing is left alone"),
        .optionalText(
            "tokens.vocabularyFile", "MILLRACE_TOKENS_VOCABULARY_FILE", \.tokens.vocabularyFile,
            "a vocabulary (*.tiktoken) to count tokens with, instead of about four characters a token"),
    ]
}
