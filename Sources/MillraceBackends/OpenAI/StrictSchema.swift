import MillraceCore

/// Whether a JSON Schema is within the subset that OpenAI's structured outputs follow strictly.
///
/// Source: OpenAI's guide "Structured model outputs", section "Supported schemas": the root is an object and no `anyOf`; every object
/// forbids additional members and requires all that it has; some keywords of composition are not known.
struct StrictSchema {
    private static let unknownKeywords: Set<String> = [
        "allOf", "oneOf", "not", "dependentRequired", "dependentSchemas", "if", "then", "else", "patternProperties",
    ]
    /// Keywords whose value holds named schemas, so that the names below are no keywords.
    private static let namedSchemas: Set<String> = ["properties", "$defs", "definitions"]
    /// Keywords whose value is data and no schema.
    private static let data: Set<String> = ["enum", "const", "default", "examples", "required"]

    static func allows(_ schema: JSONValue) -> Bool {
        schema["type"]?.string == "object" && schema["anyOf"] == nil && meetsRules(schema)
    }

    private static func meetsRules(_ schema: JSONValue) -> Bool {
        if let elements = schema.array { return elements.allSatisfy(meetsRules) }
        guard let members = schema.object else { return true }
        guard unknownKeywords.isDisjoint(with: members.keys) else { return false }
        let isObject =
            members["type"]?.string == "object" || members["type"]?.array?.contains("object") == true || members["properties"] != nil
        if isObject {
            guard members["additionalProperties"] == false else { return false }
            let required = Set((members["required"]?.array ?? []).compactMap(\.string))
            guard required.isSuperset(of: (members["properties"]?.object ?? [:]).keys) else { return false }
        }
        return members.allSatisfy { name, value in
            if data.contains(name) { return true }
            if namedSchemas.contains(name) { return (value.object ?? [:]).values.allSatisfy(meetsRules) }
            return meetsRules(value)
        }
    }
}
