import Millrace
import MillraceCore
import MillraceDatabase

/// The tables of a ``SQLiteSearchEngine``: one that names the indexes, and four for each index.
///
/// Names of indexes and fields are values and never part of SQL: tables are named by the index's number, full-text columns by the field's place.
enum SQLiteSearchSchema {
    static let migrations = SQLiteMigrations([version1, version2])

    // Numbers are not given twice, so that whoever still holds a dropped index cannot meet another one under its number.
    private static let version1 = """
        CREATE TABLE indexes (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            name TEXT NOT NULL UNIQUE,
            definition TEXT NOT NULL,
            generation INTEGER NOT NULL DEFAULT 0,
            vector_count INTEGER NOT NULL DEFAULT 0
        ) STRICT;
        """

    // What ``StemmerFingerprint`` was when the index was made; unknown for those from before this step, until they are next used.
    private static let version2 = "ALTER TABLE indexes ADD COLUMN stems TEXT;"
}

/// The tables of one index.
struct SQLiteSearchTables: Sendable {
    let number: Int64
    /// The documents: `row`, `id`, `fields` as JSON.
    let documents: String
    /// The values to filter by: `field` by its place in the order of the names, `value`, `row`.
    let values: String
    /// The terms of the text fields: a full-text table without content, whose columns are `c0`, `c1`, …
    let words: String
    /// The unit vectors as 32-bit floats, little-endian, with the lengths that the vectors had.
    let vectors: String
    /// The columns of ``words``.
    let columns: [String]
    private let hasVectors: Bool

    init(number: Int64, _ definition: SearchIndexDefinition) {
        self.number = number
        documents = "documents_\(number)"
        values = "values_\(number)"
        words = "words_\(number)"
        vectors = "vectors_\(number)"
        columns = definition.textFields.indices.map { "c\($0)" }
        hasVectors = definition.vectorDimensions != nil
    }

    /// The SQL that makes the tables.
    var creation: String {
        var sql = """
            CREATE TABLE \(documents) (row INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, fields TEXT NOT NULL) STRICT;
            CREATE TABLE \(values) (
                field INTEGER NOT NULL, value ANY NOT NULL, row INTEGER NOT NULL, PRIMARY KEY (field, value, row)
            ) STRICT, WITHOUT ROWID;
            CREATE INDEX \(values)_by_row ON \(values) (row);

            """
        if !columns.isEmpty {
            // The documents hold the texts, so the table keeps none of its own. Terms come folded and are only to be split again.
            sql += """
                CREATE VIRTUAL TABLE \(words) USING fts5(
                    \(columns.joined(separator: ", ")), content = '', tokenize = 'unicode61 remove_diacritics 0');

                """
        }
        if hasVectors {
            sql += "CREATE TABLE \(vectors) (row INTEGER PRIMARY KEY, length REAL NOT NULL, vector BLOB NOT NULL) STRICT;\n"
        }
        return sql
    }

    /// The SQL that empties them.
    var clearing: String {
        var sql = "DELETE FROM \(documents); DELETE FROM \(values);"
        if !columns.isEmpty { sql += "INSERT INTO \(words) (\(words)) VALUES ('delete-all');" }
        if hasVectors { sql += "DELETE FROM \(vectors);" }
        return sql
    }

    /// Inserts a row's terms, or removes them: the table keeps no texts, so it must be told what the row had.
    func wordsStatement(removing: Bool) -> String {
        let names = (removing ? [words] : []) + ["rowid"] + columns
        let places = (removing ? ["'delete'"] : []) + Array(repeating: "?", count: columns.count + 1)
        return "INSERT INTO \(words) (\(names.joined(separator: ", "))) VALUES (\(places.joined(separator: ", ")))"
    }
}

extension SearchIndexDefinition {
    /// The filter fields in the order that numbers them.
    var filterFieldNames: [String] { filterFields.keys.sorted() }

    /// The definition as text: equal where definitions are equal.
    var storedText: String {
        let fields = textFields.map { field -> JSONValue in
            ["name": .string(field.name), "analysis": .string(field.analysis.rawValue), "boost": .double(field.boost)]
        }
        return JSONValue.object([
            "textFields": .array(fields), "filterFields": .object(filterFields.mapValues { .string($0.rawValue) }),
            "vectorDimensions": vectorDimensions.map { .integer($0) } ?? .null,
        ]).text
    }

    /// The definition that was stored; `nil`: it has something that this version does not know.
    init?(name: String, storedText: String) {
        guard let stored = try? JSONValue(parsing: storedText), let textFields = stored["textFields"]?.array,
            let filterFields = stored["filterFields"]?.object
        else { return nil }
        self.init(name: name, textFields: [], vectorDimensions: stored["vectorDimensions"]?.integer)
        for field in textFields {
            guard let name = field["name"]?.string, let boost = field["boost"]?.double,
                let analysis = field["analysis"]?.string.flatMap(TextField.Analysis.init(rawValue:))
            else { return nil }
            self.textFields.append(TextField(name, analysis: analysis, boost: boost))
        }
        for (name, kind) in filterFields {
            guard let kind = kind.string.flatMap(FieldKind.init(rawValue:)) else { return nil }
            self.filterFields[name] = kind
        }
    }
}

/// A value that a filter compares with, as it is stored.
enum FilterValue: SQLiteBindable, Equatable, Sendable {
    case text(String)
    case integer(Int)
    case number(Double)

    /// - Parameter value: of the kind.
    init?(_ value: JSONValue, _ kind: SearchIndexDefinition.FieldKind) {
        switch (kind, value) {
        case (.keyword, .string(let text)): self = .text(text)
        case (.integer, .integer(let number)): self = .integer(number)
        case (.boolean, .bool(let flag)): self = .integer(flag ? 1 : 0)
        case (.double, let number): if let number = number.double { self = .number(number) } else { return nil }
        default: return nil
        }
    }

    func bind(to statement: OpaquePointer, at index: Int32) -> Int32 {
        switch self {
        case .text(let text): text.bind(to: statement, at: index)
        case .integer(let number): number.bind(to: statement, at: index)
        case .number(let number): number.bind(to: statement, at: index)
        }
    }
}
