import Millrace
import MillraceAWS
import MillraceBackends

/// What lies behind the seams, as the settings say: each is there, or missing for a stated reason.
struct Backends: Sendable {
    /// A bucket that objects are kept in.
    struct Bucket: Sendable {
        let client: S3Client
        let name: String
    }

    let aws: AWSAssembly
    /// Finds the secrets that the settings name.
    let resolver: SecretResolver
    var objects: (any ObjectStore)?
    var search: (any SearchEngine)?
    var secrets: (any SecretStore)?
    var cache: (any Cache)?
    var documents: ProcessDocumentExtractor?
    /// Why what is missing is missing, by the name of its group in the settings.
    var unavailable: [String: String] = [:]
    /// The base URLs of the servers behind them, by the name of the group.
    var urls: [String: String] = [:]
    /// What a probe asks.
    var bucket: Bucket?
    var openSearch: OpenSearchClient?

    init(aws: AWSAssembly, resolver: SecretResolver) {
        self.aws = aws
        self.resolver = resolver
    }

    /// Finishes what is queued and lets go of files, so that another server can open them.
    func close() async {
        if let engine = search as? SQLiteSearchEngine { await engine.close() }
    }
}
