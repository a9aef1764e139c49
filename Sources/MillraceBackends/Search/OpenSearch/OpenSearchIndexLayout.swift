import Millrace
import MillraceCore

/// What a definition is in OpenSearch: settings and mappings of an index, with the definition itself beside them.
///
/// A document is an object with the members `id` (for the order of equal scores), `fields` (what is searched and filtered by), `other`
/// (the further members as JSON text, which no server rearranges) and `vector`.
struct OpenSearchIndexLayout {
    let definition: SearchIndexDefinition
    let settings: OpenSearchEngineSettings
    let isServerless: Bool

    static func path(of field: String) -> String { "fields.\(field)" }

    /// The index's settings. A collection chooses shards and limits by itself.
    var indexSettings: JSONValue {
        var index: [String: JSONValue] = [:]
        if !isServerless {
            index["number_of_shards"] = .integer(settings.shards)
            index["number_of_replicas"] = settings.replicas.map { .integer($0) }
            // Both lists of a hybrid search at their longest, and the longest text.
            index["max_result_window"] = .integer(2 * SearchQuery.deepest)
            index["highlight.max_analyzed_offset"] = .integer(SearchIndexDefinition.longestDocument)
        }
        if definition.vectorDimensions != nil { index["knn"] = true }
        return ["index": .object(index), "analysis": OpenSearchAnalysis(definition).settings]
    }

    /// The mappings, with the definition as their `_meta`.
    var mappings: JSONValue {
        var fields: [String: JSONValue] = [:]
        for field in definition.textFields {
            fields[field.name] = ["type": "text", "analyzer": .string(OpenSearchAnalysis.analyzer(field.analysis))]
        }
        for (name, kind) in definition.filterFields {
            fields[name] =
                switch kind {
                case .keyword: ["type": "keyword"]
                case .integer: ["type": "long", "coerce": false]
                case .double: ["type": "double", "coerce": false]
                case .boolean: ["type": "boolean"]
                }
        }
        var properties: [String: JSONValue] = [
            "id": ["type": "keyword"],
            "fields": ["dynamic": false, "properties": .object(fields)],
        ]
        if let dimensions = definition.vectorDimensions {
            properties["vector"] = [
                "type": "knn_vector", "dimension": .integer(dimensions),
                "method": [
                    "name": "hnsw", "space_type": "cosinesimil", "engine": .string(settings.vectorEngine.rawValue),
                    "parameters": ["m": .integer(settings.graphDegree), "ef_construction": .integer(settings.graphCandidates)],
                ],
            ]
        }
        return ["dynamic": false, "_meta": ["millrace": Self.meta(of: definition)], "properties": .object(properties)]
    }

    // MARK: The definition beside the mappings

    private static func meta(of definition: SearchIndexDefinition) -> JSONValue {
        [
            "format": 1, "name": .string(definition.name),
            "textFields": .array(
                definition.textFields.map {
                    ["name": .string($0.name), "analysis": .string($0.analysis.rawValue), "boost": .double($0.boost)]
                }),
            "filterFields": .object(definition.filterFields.mapValues { .string($0.rawValue) }),
            "vectorDimensions": definition.vectorDimensions.map { .integer($0) } ?? 0,
        ]
    }

    /// The definition that an index was made with; `nil`: it is none of ours, or of a later format.
    static func definition(inMappings mappings: JSONValue) -> SearchIndexDefinition? {
        guard let meta = mappings["_meta"]?["millrace"], meta["format"]?.integer == 1, let name = meta["name"]?.string else { return nil }
        var definition = SearchIndexDefinition(name: name, textFields: [])
        for field in meta["textFields"]?.array ?? [] {
            guard let name = field["name"]?.string, let analysis = field["analysis"]?.string.flatMap(TextAnalysis.init(rawValue:)),
                let boost = field["boost"]?.double
            else { return nil }
            definition.textFields.append(.init(name, analysis: analysis, boost: boost))
        }
        for (name, kind) in meta["filterFields"]?.object ?? [:] {
            guard let kind = kind.string.flatMap(SearchIndexDefinition.FieldKind.init(rawValue:)) else { return nil }
            definition.filterFields[name] = kind
        }
        let dimensions = meta["vectorDimensions"]?.integer ?? 0
        definition.vectorDimensions = dimensions > 0 ? dimensions : nil
        return definition
    }

    private typealias TextAnalysis = SearchIndexDefinition.TextField.Analysis
}
