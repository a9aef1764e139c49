public import MillraceCore

extension OpenSearchClient {
    /// Makes an index.
    /// - Parameters:
    ///   - mappings: what its documents look like; `nil`: found out from the documents.
    ///   - settings: such as `number_of_shards` and `analysis`.
    ///   - aliases: further names.
    /// - Throws: ``AWSServiceError`` with code `resource_already_exists_exception` when there is one of that name.
    public func createIndex(
        _ name: String, mappings: JSONValue? = nil, settings: JSONValue? = nil, aliases: [String] = []
    ) async throws {
        var body: [String: JSONValue] = [:]
        body["mappings"] = mappings
        body["settings"] = settings
        if !aliases.isEmpty { body["aliases"] = .object(Dictionary(aliases.map { ($0, [:]) }, uniquingKeysWith: { first, _ in first })) }
        _ = try await json(.json("PUT", Self.path(name), .object(body)))
    }

    /// Whether there is an index of that name.
    public func indexExists(_ name: String) async throws -> Bool {
        do {
            _ = try await json(AWSRequest("HEAD", Self.path(name)))
            return true
        } catch let error as AWSServiceError where error.status == 404 { return false }
    }

    /// The mappings of indexes, by name.
    /// - Parameters:
    ///   - pattern: an index's name, or a pattern with `*`.
    ///   - filterPath: which members of the answer to send, such as `*.mappings._meta`; `nil`: all.
    /// - Throws: ``AWSServiceError`` with status 404 when there is no index of that name; a pattern may match none.
    public func mappings(of pattern: String, filterPath: String? = nil) async throws -> [String: JSONValue] {
        var request = AWSRequest("GET", Self.path(pattern, "/_mapping"))
        if let filterPath { request.query = [("filter_path", filterPath)] }
        return (try await json(request).object ?? [:]).compactMapValues { $0["mappings"] }
    }

    /// Removes an index with its documents.
    /// - Throws: ``AWSServiceError`` with code `index_not_found_exception` when there is none of that name.
    public func deleteIndex(_ name: String) async throws {
        _ = try await json(AWSRequest("DELETE", Self.path(name)))
    }

    /// The names of the indexes that a pattern with `*` matches, sorted.
    public func indexNames(matching pattern: String = "*") async throws -> [String] {
        var request = AWSRequest("GET", "/_cat/indices/" + URIEncoding.encode(pattern))
        request.query = [("format", "json"), ("h", "index")]
        return (try await json(request).array ?? []).compactMap { $0["index"]?.string }.sorted()
    }

    /// Returns when searches see all that was written before. Serverless collections have no such call.
    public func refresh(_ index: String) async throws {
        var request = AWSRequest("POST", Self.path(index, "/_refresh"))
        request.isRepeatable = true
        _ = try await json(request)
    }

    /// Makes or replaces a search pipeline.
    /// - Parameter body: such as `{"phase_results_processors": […]}`.
    public func putSearchPipeline(_ name: String, _ body: JSONValue) async throws {
        _ = try await json(.json("PUT", "/_search/pipeline/" + URIEncoding.encode(name), body))
    }

    /// Removes a search pipeline.
    public func deleteSearchPipeline(_ name: String) async throws {
        _ = try await json(AWSRequest("DELETE", "/_search/pipeline/" + URIEncoding.encode(name)))
    }
}
