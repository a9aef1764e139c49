import Millrace
import MillraceCore

/// A document in the form that OpenSearch stores.
struct OpenSearchDocument {
    let definition: SearchIndexDefinition

    func source(of document: SearchDocument) -> JSONValue {
        var fields: [String: JSONValue] = [:]
        var other: [String: JSONValue] = [:]
        for (name, value) in document.fields {
            if isMapped(name) { fields[name] = value } else { other[name] = value }
        }
        var source: [String: JSONValue] = ["id": .string(document.id), "fields": .object(fields)]
        if !other.isEmpty { source["other"] = .string(JSONValue.object(other).text) }
        if let vector = document.vector { source["vector"] = Self.json(vector) }
        return .object(source)
    }

    /// - Parameter hit: an object with `_id` and `_source`.
    func document(of hit: JSONValue) throws -> SearchDocument {
        guard let id = hit["_id"]?.string, let source = hit["_source"] else {
            throw MillraceError(.storageUnavailable, "OpenSearch gave a document without '_id' or '_source'")
        }
        var fields = source["fields"]?.object ?? [:]
        if let other = source["other"]?.string {
            let members = try JSONValue(parsing: other).object ?? [:]
            fields.merge(members) { first, _ in first }
        }
        let vector = source["vector"]?.array.map { $0.map { Float($0.double ?? 0) } }
        return SearchDocument(id: id, fields: fields, vector: vector)
    }

    /// Numbers as short as floats can be written; as doubles they would be twice as long.
    static func json(_ vector: [Float]) -> JSONValue { .array(vector.map { .double(Double("\($0)") ?? Double($0)) }) }

    private func isMapped(_ name: String) -> Bool {
        definition.filterFields[name] != nil || definition.textFields.contains { $0.name == name }
    }
}
