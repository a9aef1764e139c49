import Millrace
package import MillraceCore

/// How the search seam's indexes are laid out in OpenSearch. It matters when an index is made; those that are there stay as they are.
public struct OpenSearchEngineSettings: Equatable, Sendable {
    /// What finds near vectors.
    public enum VectorEngine: String, Equatable, Sendable, CaseIterable {
        /// Lucene's HNSW graph, in the heap; good up to some million vectors.
        case lucene
        /// Faiss' HNSW graph, outside of the heap; for more.
        case faiss
    }

    /// What stands before the names of the indexes, so that several applications share a cluster: nothing, or up to 64 lower-case ASCII
    /// letters, digits, `-` and `_`, a letter first (default: nothing).
    public var indexPrefix = ""
    /// How many shards an index has (default: 1). With more, each finds as many candidates by itself, and words are weighed by each shard's
    /// own counts.
    public var shards = 1
    /// How many copies of each shard there are beside it; `nil`: as the cluster says (default).
    public var replicas: Int?
    /// What finds near vectors (default: Lucene).
    public var vectorEngine = VectorEngine.lucene
    /// How many neighbours each vector of the graph has (default: 16).
    public var graphDegree = 16
    /// How many candidates are looked at for a new vector's neighbours (default: 128).
    public var graphCandidates = 128
    /// How long a collection of OpenSearch Serverless takes until searches see what was written: it has no call to wait for it
    /// (default: 30 s).
    public var serverlessRefreshWait: Duration = .seconds(30)
    /// Creates the defaults.
    public init() {}

    /// - Throws: ``MillraceError`` with ``ErrorCode/configuration`` that names every setting that makes no sense.
    package func validate() throws(MillraceError) {
        var problems: [String] = []
        func require(_ holds: Bool, _ problem: String) { if !holds { problems.append(problem) } }
        let isLetter = { (byte: UInt8) in (97...122).contains(byte) }
        require(
            indexPrefix.utf8.count <= 64 && indexPrefix.utf8.first.map(isLetter) != false
                && indexPrefix.utf8.allSatisfy { isLetter($0) || (48...57).contains($0) || $0 == 45 || $0 == 95 },
            "indexPrefix must be up to 64 lower-case letters, digits, '-' and '_', a letter first")
        require((1...1024).contains(shards), "shards must be 1 to 1024")
        require((0...100).contains(replicas ?? 0), "replicas must be 0 to 100")
        require((2...512).contains(graphDegree), "graphDegree must be 2 to 512")
        require((2...4096).contains(graphCandidates), "graphCandidates must be 2 to 4096")
        require(serverlessRefreshWait >= .zero, "serverlessRefreshWait must not be negative")
        if !problems.isEmpty { throw MillraceError(.configuration, "the search engine OpenSearch: " + problems.joined(separator: "; ")) }
    }
}
