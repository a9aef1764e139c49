public import Millrace
public import MillraceAWS
import MillraceCore
package import MillraceHTTPClient

/// The search seam on OpenSearch 2.19 or later: a domain of Amazon OpenSearch Service, or a cluster of one's own.
///
/// A collection of OpenSearch Serverless serves definitions without vectors, if it is of the type "search": the other types take no ids.
public struct OpenSearchEngine: SearchEngine {
    let client: OpenSearchClient
    package let settings: OpenSearchEngineSettings
    let clock: HTTPPolicyClock
    private let isChecked = Locked(false)

    /// Creates the engine; nothing is sent yet.
    /// - Parameters:
    ///   - client: how OpenSearch is reached.
    ///   - settings: how indexes are laid out.
    /// - Throws: ``MillraceError`` with ``ErrorCode/configuration`` for settings that make no sense.
    public init(_ client: OpenSearchClient, settings: OpenSearchEngineSettings = OpenSearchEngineSettings()) throws {
        try self.init(client, settings: settings, clock: .system)
    }

    package init(_ client: OpenSearchClient, settings: OpenSearchEngineSettings, clock: HTTPPolicyClock) throws {
        try settings.validate()
        self.client = client
        self.settings = settings
        self.clock = clock
    }

    /// The index of the definition's name, which is made if need be.
    public func index(_ definition: SearchIndexDefinition) async throws -> any SearchIndex {
        try definition.validate()
        try await check()
        if client.isServerless, definition.vectorDimensions != nil {
            throw MillraceError(
                .invalidInput,
                "the index '\(definition.name)' has vectors, which OpenSearch Serverless keeps only without ids: use a domain of OpenSearch "
                    + "Service")
        }
        let name = indexName(definition.name)
        return try await OpenSearchFailure.translated(definition.name) {
            if try await !isThere(definition, as: name) {
                let layout = OpenSearchIndexLayout(definition: definition, settings: settings, isServerless: client.isServerless)
                do {
                    try await client.createIndex(
                        name, mappings: layout.mappings, settings: layout.indexSettings,
                        aliases: client.isServerless ? [] : [OpenSearchIndex.writeAlias(of: name)])
                } catch let error as AWSServiceError where error.code == "resource_already_exists_exception" {
                    // Somebody else was faster.
                    guard try await isThere(definition, as: name) else { throw error }
                }
            }
            return OpenSearchIndex(engine: self, definition: definition, name: name)
        }
    }

    /// The definition of the index of a name; `nil`: there is none. One that the search seam has not made is refused.
    public func definition(of name: String) async throws -> SearchIndexDefinition? {
        guard (try? SearchIndexDefinition(name: name, textFields: []).validate()) != nil else { return nil }
        try await check()
        return try await OpenSearchFailure.translated(name) { try await foundDefinition(as: indexName(name)) }
    }

    /// The names of all indexes, in the order of their bytes.
    public func names() async throws -> [String] {
        try await OpenSearchFailure.translated {
            let mappings = try await client.mappings(of: settings.indexPrefix + "*", filterPath: "*.mappings._meta")
            return mappings.compactMap { name, mappings in
                OpenSearchIndexLayout.definition(inMappings: mappings).flatMap { indexName($0.name) == name ? $0.name : nil }
            }.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        }
    }

    /// Removes an index with its documents; one that is not there, or that the search seam has not made, is left as it is.
    public func drop(_ name: String) async throws {
        guard (try? SearchIndexDefinition(name: name, textFields: []).validate()) != nil else { return }
        try await OpenSearchFailure.translated(name) {
            do {
                let mappings = try await client.mappings(of: indexName(name))
                guard mappings.values.contains(where: { OpenSearchIndexLayout.definition(inMappings: $0)?.name == name }) else { return }
                try await client.deleteIndex(indexName(name))
            } catch let error as AWSServiceError where error.status == 404 {}
        }
    }

    /// Asks the server what it is, once.
    /// - Throws: ``MillraceError`` with ``ErrorCode/configuration`` when it is none that the engine works with.
    package func check() async throws {
        if client.isServerless || isChecked.withLock({ $0 }) { return }
        let info = try await OpenSearchFailure.translated { try await client.info() }
        guard info.isAtLeast(Self.minimumVersion.major, Self.minimumVersion.minor) else {
            let found = [info.distribution ?? "another product", info.version].filter { !$0.isEmpty }.joined(separator: " ")
            throw MillraceError(
                .configuration,
                "\(client.url) is no OpenSearch of version \(Self.minimumVersion.major).\(Self.minimumVersion.minor) or later, but \(found): "
                    + "upgrade it, or name another url")
        }
        isChecked.withLock { $0 = true }
    }

    private func isThere(_ definition: SearchIndexDefinition, as name: String) async throws -> Bool {
        guard let other = try await foundDefinition(as: name) else { return false }
        guard other == definition else {
            throw MillraceError(
                .conflict,
                "the search index '\(definition.name)' has another definition: drop it and write its documents again, or choose "
                    + "another name")
        }
        return true
    }

    private func foundDefinition(as name: String) async throws -> SearchIndexDefinition? {
        let mappings: JSONValue
        do {
            guard let found = try await client.mappings(of: name)[name] else { return nil }
            mappings = found
        } catch let error as AWSServiceError where error.status == 404 { return nil }
        guard let definition = OpenSearchIndexLayout.definition(inMappings: mappings) else {
            throw MillraceError(
                .conflict, "OpenSearch has an index '\(name)' that Millrace did not make: choose another name, or an index prefix")
        }
        return definition
    }

    private func indexName(_ name: String) -> String { settings.indexPrefix + name }

    /// The first with a depth for hybrid searches, reciprocal rank fusion, and cosine similarity in both vector engines.
    private static let minimumVersion = (major: 2, minor: 19)
}
