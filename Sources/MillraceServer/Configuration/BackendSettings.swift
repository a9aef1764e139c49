public import Millrace
public import MillraceBackends

/// How AWS is reached. What is not given comes from AWS's own variables (`AWS_REGION`, `AWS_PROFILE`, `AWS_ENDPOINT_URL_S3` and the others) and
/// from the profile files; credentials come from there alone.
public struct AWSSettings: Equatable, Sendable {
    /// The region, such as `eu-central-1` (default: AWS's variables, then the profile's).
    public var region: String?
    /// The profile of `~/.aws/config` and `~/.aws/credentials` (default: `AWS_PROFILE`, then `default`).
    public var profile: String?
    /// A base URL for all services instead of the region's (default: none).
    public var endpoint: String?
    /// A base URL for Bedrock's runtime (default: none).
    public var bedrockEndpoint: String?
    /// A base URL for S3 (default: none).
    public var s3Endpoint: String?
    /// A base URL for Secrets Manager (default: none).
    public var secretsManagerEndpoint: String?
    /// A base URL for DynamoDB (default: none).
    public var dynamoDBEndpoint: String?
    /// A base URL for STS (default: none).
    public var stsEndpoint: String?
    /// Whether the FIPS endpoints are used (default: false).
    public var usesFIPS = false
    /// Whether the dual-stack endpoints, with IPv6, are used (default: false).
    public var usesDualStack = false

    /// The environment's variables, AWS's own among them (default: the process's; the loader adds those of `.env`).
    public var variables = AWSVariables.process

    /// Settings with their defaults.
    public init() {}
}

/// Where uploaded files and other objects are kept.
public struct ObjectStoreSettings: Equatable, Sendable {
    /// What keeps them.
    public enum Kind: String, Sendable, CaseIterable {
        /// Files in a directory.
        case directory
        /// A bucket of S3, or of a server that speaks its protocol.
        case s3
    }
    /// How a bucket is addressed.
    public enum Addressing: String, Sendable, CaseIterable {
        /// In the host at AWS, in the path elsewhere.
        case auto
        /// In the path: `https://HOST/BUCKET/KEY`.
        case path
        /// In the host: `https://BUCKET.HOST/KEY`.
        case virtual
    }

    /// What keeps them (default: directory).
    public var kind = Kind.directory
    /// The directory (default: `objects` in the data directory).
    public var path: String?
    /// The bucket.
    public var bucket: String?
    /// What every key in the bucket begins with, such as `millrace/` (default: nothing).
    public var prefix = ""
    /// The bucket's region (default: `aws.region`).
    public var region: String?
    /// The server's base URL (default: `aws.s3Endpoint`, then the region's).
    public var endpoint: String?
    /// The profile whose credentials are used (default: `aws.profile`).
    public var profile: String?
    /// How the bucket is addressed (default: auto).
    public var addressing = Addressing.auto
    /// How long a part of a multipart upload is, in bytes; shorter objects are stored by one request (default: 8 MiB).
    public var partBytes = 8 << 20

    /// Settings with their defaults.
    public init() {}
}

/// What files may be uploaded, and how they are read.
public struct ContentSettings: Equatable, Sendable {
    /// How long an uploaded file may be, in bytes (default: 100 MiB).
    public var uploadBytes = 100 << 20
    /// How long a text may be to be searched for the passages that a question is about, in bytes (default: 32 MiB).
    public var searchableBytes = 32 << 20

    /// Settings with their defaults.
    public init() {}
}

/// Where documents are searched.
public struct SearchSettings: Equatable, Sendable {
    /// What searches.
    public enum Kind: String, Sendable, CaseIterable {
        /// SQLite's full-text search and stored vectors, in a file.
        case sqlite
        /// An OpenSearch server, domain or serverless collection.
        case opensearch
    }
    /// How an OpenSearch server knows who asks.
    public enum Authentication: String, Sendable, CaseIterable {
        /// It does not ask.
        case none
        /// By user and password.
        case basic
        /// By signatures with AWS's credentials.
        case sigv4
    }
    /// Which of AWS's services an OpenSearch server is.
    public enum Service: String, Sendable, CaseIterable {
        /// A domain of OpenSearch Service.
        case es
        /// A collection of OpenSearch Serverless.
        case aoss
    }

    /// What searches (default: sqlite).
    public var kind = Kind.sqlite
    /// The database file (default: `search.sqlite` in the data directory).
    public var path: String?
    /// How much memory the vectors of all indexes may take, in bytes; others are read from the file at every search (default: 512 MiB).
    public var vectorMemoryBytes = 512 << 20
    /// The OpenSearch server's base URL.
    public var url: String?
    /// How it knows who asks (default: none).
    public var authentication = Authentication.none
    /// The user of basic authentication.
    public var user: String?
    /// Where the password of basic authentication is: `env:NAME`, `file:PATH` or `secret:NAME`.
    public var password: String?
    /// Which service signatures are for (default: es).
    public var service = Service.es
    /// The region that signatures are for (default: `aws.region`).
    public var region: String?
    /// The profile whose credentials are used (default: `aws.profile`).
    public var profile: String?
    /// What the names of indexes begin with at the server (default: `millrace-`).
    public var indexPrefix = "millrace-"
    /// How many shards a new index has at the server (default: 1). With several, each finds candidates and weighs words by itself.
    public var shards = 1
    /// What finds near vectors in a new index at the server (default: lucene).
    public var vectorEngine = OpenSearchEngineSettings.VectorEngine.lucene
    /// The language of new collections and of uploaded files (default: english). A collection keeps the one that it was made with.
    public var language = SearchIndexDefinition.TextField.Analysis.english
    /// The embedder by which documents of collections and passages of uploaded files are found by meaning, too (default: none, by words only).
    public var embedder: String?

    /// Settings with their defaults.
    public init() {}
}

/// Where handlers keep what can be made again.
public struct CacheSettings: Equatable, Sendable {
    /// What keeps it.
    public enum Kind: String, Sendable, CaseIterable {
        /// The process's memory.
        case memory
        /// Files in a directory.
        case directory
        /// A Redis server.
        case redis
    }

    /// What keeps it (default: memory).
    public var kind = Kind.memory
    /// How much is kept in memory or in the directory, in bytes (default: 64 MiB).
    public var bytes = 64 << 20
    /// How long a value may be, in bytes (default: 1 MiB).
    public var valueBytes = 1 << 20
    /// The directory (default: `cache` in the data directory).
    public var path: String?
    /// The Redis server: `redis://HOST:PORT/DATABASE` or `unix:///PATH`, without a password.
    public var url: String?
    /// The user at the Redis server (default: none).
    public var user: String?
    /// Where the password for the Redis server is: `env:NAME`, `file:PATH` or `secret:NAME` (default: none).
    public var password: String?
    /// What every key begins with at the Redis server (default: `millrace:`).
    public var prefix = "millrace:"

    /// Settings with their defaults.
    public init() {}
}
