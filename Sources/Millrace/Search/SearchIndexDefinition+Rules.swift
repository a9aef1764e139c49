import MillraceCore

/// What every engine holds definitions and documents to, so that they refuse alike.
extension SearchIndexDefinition {
    /// The most bytes of a keyword.
    package static let longestKeyword = 8192
    /// The most bytes of a document's fields as JSON.
    package static let longestDocument = 4 << 20
    /// The most bytes of an id.
    package static let longestID = 512

    /// - Throws: ``ErrorCode/invalidInput`` for the first rule that the definition breaks.
    package func validate() throws(MillraceError) {
        guard Self.isName(name, isIndex: true) else {
            throw .invalidSearch("the index name '\(name)' is not 1 to 128 lower-case letters, digits, '-' and '_', a letter first")
        }
        guard textFields.count <= 64, filterFields.count <= 128 else {
            throw .invalidSearch("the index '\(name)' has more than 64 text fields or 128 fields to filter by")
        }
        var names = Set(filterFields.keys)
        for name in textFields.map(\.name) + filterFields.keys where !Self.isName(name, isIndex: false) {
            throw .invalidSearch("the field name '\(name)' is not 1 to 128 letters, digits, '-' and '_', a letter first")
        }
        for field in textFields {
            guard names.insert(field.name).inserted else {
                throw .invalidSearch("the index '\(name)' defines the field '\(field.name)' twice")
            }
            guard field.boost > 0, field.boost.isFinite else {
                throw .invalidSearch("the boost of the field '\(field.name)' is not above 0")
            }
        }
        if let dimensions = vectorDimensions, !(1...16_000).contains(dimensions) {
            throw .invalidSearch("vectors have 1 to 16,000 dimensions, not \(dimensions)")
        }
    }

    private static func isName(_ name: String, isIndex: Bool) -> Bool {
        guard let first = name.utf8.first, (1...128).contains(name.utf8.count) else { return false }
        let isLetter = { (byte: UInt8) in (97...122).contains(byte) || !isIndex && (65...90).contains(byte) }
        return isLetter(first) && name.utf8.allSatisfy { isLetter($0) || (48...57).contains($0) || $0 == 45 || $0 == 95 }
    }

    /// Why a document cannot be stored, `nil` when it can.
    /// - Parameter byteCount: the length of the document's fields as JSON.
    package func problem(of document: SearchDocument, byteCount: Int) -> String? {
        guard (1...Self.longestID).contains(document.id.utf8.count) else { return "an id has 1 to \(Self.longestID) bytes" }
        guard byteCount <= Self.longestDocument else { return "the fields are longer than \(Self.longestDocument) bytes as JSON" }
        for field in textFields {
            switch document.fields[field.name] {
            case nil, .null, .string: break
            case .some(let other): return "the field '\(field.name)' is searched by words and needs a string, not \(other.kindName)"
            }
        }
        for (name, kind) in filterFields {
            for value in document.filterValues(of: name) {
                if let problem = kind.problem(of: value) { return "the field '\(name)' \(problem)" }
            }
        }
        return document.vector.flatMap(problem(ofVector:))
    }

    /// Why a vector is none of the index's, `nil` when it is.
    package func problem(ofVector vector: [Float]) -> String? {
        guard let vectorDimensions else { return "the index '\(name)' has no vectors" }
        guard vector.count == vectorDimensions else { return "the vector has \(vector.count) dimensions, not \(vectorDimensions)" }
        guard vector.allSatisfy(\.isFinite) else { return "the vector has a number that is not finite" }
        return vector.contains { $0 != 0 } ? nil : "the vector is zero, which has no direction"
    }
}

extension SearchIndexDefinition.FieldKind {
    /// Why a value is none of this kind, `nil` when it is.
    package func problem(of value: JSONValue) -> String? {
        switch (self, value) {
        case (.keyword, .string(let text)):
            let longest = SearchIndexDefinition.longestKeyword
            return text.utf8.count <= longest ? nil : "has a keyword of more than \(longest) bytes"
        case (.integer, .integer), (.double, .integer), (.boolean, .bool): return nil
        case (.double, .double(let number)): return number.isFinite ? nil : "has a number that is not finite"
        default: return "holds values of the kind \(rawValue), not \(value.kindName)"
        }
    }
}

extension SearchDocument {
    /// The values that a filter compares with: none, one, or those of a list.
    package func filterValues(of field: String) -> [JSONValue] {
        switch fields[field] {
        case nil, .null: []
        case .array(let values): values
        case .some(let value): [value]
        }
    }
}

extension MillraceError {
    package static func invalidSearch(_ message: String) -> MillraceError { MillraceError(.invalidInput, message) }
}
