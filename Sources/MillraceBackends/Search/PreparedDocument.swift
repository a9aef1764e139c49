import Millrace
import MillraceCore
import MillraceDatabase

/// A document as its tables take it.
struct PreparedDocument: Sendable {
    var id: String
    var fields: String
    /// The terms of each text field.
    var terms: [String]
    /// The values to filter by, each with its field's number.
    var values: [(field: Int, value: FilterValue)]
    var vector: UnitVector?

    var byteCount: Int { fields.utf8.count + terms.reduce(0) { $0 + $1.utf8.count } + (vector?.values.count ?? 0) * 4 }

    /// - Parameter fields: the document's fields as JSON.
    init(_ document: SearchDocument, fields: String, _ definition: SearchIndexDefinition, _ analysis: SearchAnalysis) throws(MillraceError)
    {
        id = document.id
        self.fields = fields
        terms = try Self.terms(document.fields, definition, analysis)
        values = []
        for (number, name) in definition.filterFieldNames.enumerated() {
            guard let kind = definition.filterFields[name] else { continue }
            for value in document.filterValues(of: name) {
                if let value = FilterValue(value, kind) { values.append((number, value)) }
            }
        }
        vector = document.vector.map(UnitVector.init)
    }

    /// The terms of each text field; the same again for the same fields, so that they can be taken out of the full-text table.
    static func terms(
        _ fields: [String: JSONValue], _ definition: SearchIndexDefinition, _ analysis: SearchAnalysis
    ) throws(MillraceError) -> [String] {
        var terms: [String] = []
        for field in definition.textFields { terms.append(try analysis.terms(fields[field.name]?.string ?? "", field.analysis)) }
        return terms
    }
}
