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
        return ["index": .object(index), "analysis": Self.analysis]
    }

    /// The mappings, with the definition as their `_meta`.
    var mappings: JSONValue {
        var fields: [String: JSONValue] = [:]
        for field in definition.textFields {
            fields[field.name] = ["type": "text", "analyzer": .string(Self.analyzer(field.analysis))]
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

    private static func analyzer(_ analysis: SearchIndexDefinition.TextField.Analysis) -> String { "millrace_\(analysis.rawValue)" }

    /// Both analyses. The standard tokenizer (Unicode Standard Annex #29) keeps together what stands around some marks inside of a word
    /// ("don't", "3.14", "a_b"): a character filter takes these marks for separators, and drops the accents that ASCII folding leaves.
    private static let analysis: JSONValue = {
        func analyzer(_ filters: [JSONValue]) -> JSONValue {
            ["type": "custom", "char_filter": ["millrace_letters"], "tokenizer": "standard", "filter": .array(filters)]
        }
        // The s of a possessive is no word.
        let stopWords = SearchIndexDefinition.englishStopWords.union(["s"]).sorted()
        return [
            "char_filter": ["millrace_letters": ["type": "mapping", "mappings": .array(letterMappings)]],
            "filter": ["millrace_stop_words": ["type": "stop", "stopwords": .array(stopWords.map { .string($0) })]],
            "analyzer": [
                "millrace_standard": analyzer(["lowercase", "asciifolding"]),
                "millrace_english": analyzer(["lowercase", "asciifolding", "millrace_stop_words", "porter_stem"]),
            ],
        ]
    }()

    private static let letterMappings: [JSONValue] = {
        var mappings: [(from: Int, through: String)] = []
        // The word break property's MidLetter, MidNum, MidNumLet, Single_Quote and ExtendNumLet: a hyphen separates everywhere.
        let joiners: [ClosedRange<Int>] = [
            0x27...0x27, 0x2C...0x2C, 0x2E...0x2E, 0x3A...0x3B, 0x5F...0x5F, 0xB7...0xB7, 0x37E...0x37E, 0x387...0x387, 0x55F...0x55F,
            0x589...0x589, 0x5F4...0x5F4, 0x60C...0x60D, 0x66C...0x66C, 0x7F8...0x7F8, 0x2018...0x2019, 0x2024...0x2024,
            0x2027...0x2027, 0x202F...0x202F, 0x203F...0x2040, 0x2044...0x2044, 0x2054...0x2054, 0xFE10...0xFE10, 0xFE13...0xFE14,
            0xFE33...0xFE34, 0xFE4D...0xFE50, 0xFE52...0xFE52, 0xFE54...0xFE55, 0xFF07...0xFF07, 0xFF0C...0xFF0C, 0xFF0E...0xFF0E,
            0xFF1A...0xFF1B, 0xFF3F...0xFF3F,
        ]
        for mark in joiners.joined() { mappings.append((mark, "-")) }
        for accent in 0x300...0x36F { mappings.append((accent, "")) }
        // Greek letters with an accent or a diaeresis, and the final sigma.
        let greek: KeyValuePairs = [
            0x386: 0x391, 0x388: 0x395, 0x389: 0x397, 0x38A: 0x399, 0x38C: 0x39F, 0x38E: 0x3A5, 0x38F: 0x3A9, 0x390: 0x3B9, 0x3AA: 0x399,
            0x3AB: 0x3A5, 0x3AC: 0x3B1, 0x3AD: 0x3B5, 0x3AE: 0x3B7, 0x3AF: 0x3B9, 0x3B0: 0x3C5, 0x3C2: 0x3C3, 0x3CA: 0x3B9, 0x3CB: 0x3C5,
            0x3CC: 0x3BF, 0x3CD: 0x3C5, 0x3CE: 0x3C9,
        ]
        for (letter, plain) in greek { mappings.append((letter, escaped(plain))) }
        return mappings.map { .string(escaped($0.from) + "=>" + $0.through) }
    }()

    /// A character of the basic plane as the mapping filter writes it.
    private static func escaped(_ scalar: Int) -> String {
        let digits = String(scalar, radix: 16)
        return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
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
