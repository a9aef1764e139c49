import Millrace
import MillraceBackends
import MillraceCore

/// The settings of what lies behind the seams.
extension SettingTable {
    static let backends = aws + objects + content + search + cache + documents + ingestion

    private static let aws: [SettingDescriptor] = [
        .optionalText("aws.region", "MILLRACE_AWS_REGION", \.aws.region, "AWS's region, if not AWS_REGION's or the profile's"),
        .optionalText("aws.profile", "MILLRACE_AWS_PROFILE", \.aws.profile, "the profile of AWS's configuration, if not AWS_PROFILE's"),
        .optionalText(
            "aws.endpoint", "MILLRACE_AWS_ENDPOINT", \.aws.endpoint, "a base URL for all of AWS's services, instead of the region's",
            check: SettingChecks.url),
        .optionalText(
            "aws.bedrockEndpoint", "MILLRACE_AWS_BEDROCK_ENDPOINT", \.aws.bedrockEndpoint, "a base URL for Bedrock's runtime",
            check: SettingChecks.url),
        .optionalText("aws.s3Endpoint", "MILLRACE_AWS_S3_ENDPOINT", \.aws.s3Endpoint, "a base URL for S3", check: SettingChecks.url),
        .optionalText(
            "aws.secretsManagerEndpoint", "MILLRACE_AWS_SECRETS_MANAGER_ENDPOINT", \.aws.secretsManagerEndpoint,
            "a base URL for Secrets Manager", check: SettingChecks.url),
        .optionalText(
            "aws.dynamoDBEndpoint", "MILLRACE_AWS_DYNAMODB_ENDPOINT", \.aws.dynamoDBEndpoint, "a base URL for DynamoDB",
            check: SettingChecks.url),
        .optionalText("aws.stsEndpoint", "MILLRACE_AWS_STS_ENDPOINT", \.aws.stsEndpoint, "a base URL for STS", check: SettingChecks.url),
        .bool("aws.fips", "MILLRACE_AWS_FIPS", \.aws.usesFIPS, "use AWS's FIPS endpoints"),
        .bool("aws.dualStack", "MILLRACE_AWS_DUAL_STACK", \.aws.usesDualStack, "use AWS's dual-stack endpoints, with IPv6"),
    ]

    private static let objects: [SettingDescriptor] = [
        .choice(
            "objects.type", "MILLRACE_OBJECTS_TYPE", ObjectStoreSettings.Kind.allCases.map { ($0.rawValue, $0) }, \.objects.kind,
            "where uploaded files are kept", name: { $0.rawValue }),
        .optionalText(
            "objects.path", "MILLRACE_OBJECTS_PATH", \.objects.path, "the directory of type directory, if not objects in the data directory"
        ),
        .optionalText("objects.bucket", "MILLRACE_OBJECTS_BUCKET", \.objects.bucket, "the bucket of type s3"),
        .text(
            "objects.prefix", "MILLRACE_OBJECTS_PREFIX", \.objects.prefix, "what every key in the bucket begins with, such as millrace/",
            check: { _ in nil }),
        .optionalText("objects.region", "MILLRACE_OBJECTS_REGION", \.objects.region, "the bucket's region, if not aws.region"),
        .optionalText(
            "objects.endpoint", "MILLRACE_OBJECTS_ENDPOINT", \.objects.endpoint, "the base URL of a server that speaks S3's protocol",
            check: SettingChecks.url),
        .optionalText(
            "objects.profile", "MILLRACE_OBJECTS_PROFILE", \.objects.profile,
            "the profile with the bucket's credentials, if not aws.profile"),
        .choice(
            "objects.addressing", "MILLRACE_OBJECTS_ADDRESSING", ObjectStoreSettings.Addressing.allCases.map { ($0.rawValue, $0) },
            \.objects.addressing, "where the bucket's name stands in a URL: auto is in the host at AWS, in the path elsewhere",
            name: { $0.rawValue }),
        .integer(
            "objects.partBytes", "MILLRACE_OBJECTS_PART_BYTES", (5 << 20)...(5 << 30), \.objects.partBytes,
            "bytes of a part of a multipart upload; shorter objects are stored by one request"),
    ]

    private static let content: [SettingDescriptor] = [
        .integer(
            "content.uploadBytes", "MILLRACE_CONTENT_UPLOAD_BYTES", 0...1_099_511_627_776, \.content.uploadBytes,
            "bytes of an uploaded file"
        ),
        .integer(
            "content.searchableBytes", "MILLRACE_CONTENT_SEARCHABLE_BYTES", 0...1_073_741_824, \.content.searchableBytes,
            "bytes of an uploaded text that is searched for the passages that a question is about"),
    ]

    private static let search: [SettingDescriptor] = [
        .choice(
            "search.type", "MILLRACE_SEARCH_TYPE", SearchSettings.Kind.allCases.map { ($0.rawValue, $0) }, \.search.kind,
            "what searches documents", name: { $0.rawValue }),
        .optionalText(
            "search.path", "MILLRACE_SEARCH_PATH", \.search.path, "the file of type sqlite, if not search.sqlite in the data directory"),
        .integer(
            "search.vectorMemoryBytes", "MILLRACE_SEARCH_VECTOR_MEMORY_BYTES", 0...1_099_511_627_776, \.search.vectorMemoryBytes,
            "bytes of memory for the vectors of type sqlite; an index with more is read from the file at every search"),
        .optionalText(
            "search.url", "MILLRACE_SEARCH_URL", \.search.url, "the base URL of type opensearch", check: SettingChecks.url),
        .choice(
            "search.auth", "MILLRACE_SEARCH_AUTH", SearchSettings.Authentication.allCases.map { ($0.rawValue, $0) },
            \.search.authentication, "how the OpenSearch server knows who asks", name: { $0.rawValue }),
        .optionalText("search.user", "MILLRACE_SEARCH_USER", \.search.user, "the user of basic authentication"),
        .optionalText(
            "search.password", "MILLRACE_SEARCH_PASSWORD", \.search.password,
            "where the password of basic authentication is: env:NAME, file:PATH or secret:NAME", check: SettingChecks.secretReference),
        .choice(
            "search.service", "MILLRACE_SEARCH_SERVICE", SearchSettings.Service.allCases.map { ($0.rawValue, $0) }, \.search.service,
            "what signatures are for: es is OpenSearch Service, aoss is OpenSearch Serverless", name: { $0.rawValue }),
        .optionalText("search.region", "MILLRACE_SEARCH_REGION", \.search.region, "the region that signatures are for, if not aws.region"),
        .optionalText(
            "search.profile", "MILLRACE_SEARCH_PROFILE", \.search.profile, "the profile with the credentials, if not aws.profile"),
        .text(
            "search.indexPrefix", "MILLRACE_SEARCH_INDEX_PREFIX", \.search.indexPrefix,
            "what the names of indexes begin with at the OpenSearch server", check: { _ in nil }),
        .integer(
            "search.shards", "MILLRACE_SEARCH_SHARDS", 1...1024, \.search.shards, "shards of a new index at the OpenSearch server"),
        .choice(
            "search.vectorEngine", "MILLRACE_SEARCH_VECTOR_ENGINE",
            OpenSearchEngineSettings.VectorEngine.allCases.map { ($0.rawValue, $0) }, \.search.vectorEngine,
            "what finds near vectors in a new index at the OpenSearch server", name: { $0.rawValue }),
        .choice(
            "search.language", "MILLRACE_SEARCH_LANGUAGE",
            SearchIndexDefinition.TextField.Analysis.allCases.map { ($0.rawValue, $0) }, \.search.language,
            "the language of new collections and of uploaded files: its stop words and endings; standard has none", name: { $0.rawValue }),
        .optionalText(
            "search.embedder", "MILLRACE_SEARCH_EMBEDDER", \.search.embedder,
            "the embedder by which documents of collections and passages of uploaded files are found by meaning, too"),
    ]

    private static let cache: [SettingDescriptor] = [
        .choice(
            "cache.type", "MILLRACE_CACHE_TYPE", CacheSettings.Kind.allCases.map { ($0.rawValue, $0) }, \.cache.kind,
            "where handlers keep what can be made again", name: { $0.rawValue }),
        .integer(
            "cache.bytes", "MILLRACE_CACHE_BYTES", 0...1_099_511_627_776, \.cache.bytes, "bytes that are kept in memory or in the directory"
        ),
        .integer("cache.valueBytes", "MILLRACE_CACHE_VALUE_BYTES", 0...1_073_741_824, \.cache.valueBytes, "bytes of one value"),
        .optionalText(
            "cache.path", "MILLRACE_CACHE_PATH", \.cache.path, "the directory of type directory, if not cache in the data directory"),
        .optionalText(
            "cache.url", "MILLRACE_CACHE_URL", \.cache.url, "the server of type redis: redis://HOST:PORT/DATABASE or unix:///PATH",
            check: SettingChecks.redisURL),
        .optionalText("cache.user", "MILLRACE_CACHE_USER", \.cache.user, "the user at the Redis server"),
        .optionalText(
            "cache.password", "MILLRACE_CACHE_PASSWORD", \.cache.password,
            "where the password for the Redis server is: env:NAME, file:PATH or secret:NAME", check: SettingChecks.secretReference),
        .text(
            "cache.prefix", "MILLRACE_CACHE_PREFIX", \.cache.prefix, "what every key begins with at the Redis server", check: { _ in nil }),
    ]
}

extension SettingChecks {
    static let url: @Sendable (String) -> String? = { text in
        ModelServerSettings.problem(url: text) == nil
            ? nil : "an http or https URL without credentials and query, such as https://HOST:PORT"
    }

    static let redisURL: @Sendable (String) -> String? = { text in
        do throws(MillraceError) {
            return try RedisEndpoint(url: text).password == nil
                ? nil : "a URL without a password: say where it is with cache.password, such as env:NAME"
        } catch {
            return text.hasPrefix("rediss:")
                ? "a URL without TLS, which this system's hiredis does not have: redis:// in a network of your own, or a TLS tunnel"
                : "redis://HOST:PORT/DATABASE or unix:///PATH"
        }
    }

    static let secretReference: @Sendable (String) -> String? = { text in
        SecretReference(text) == nil ? "where the secret is, env:NAME, file:PATH or secret:NAME, not the secret itself" : nil
    }
}
