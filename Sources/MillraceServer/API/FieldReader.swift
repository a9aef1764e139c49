import Millrace
import MillraceCore

/// Reads the fields of a JSON object and collects what is wrong with them, so that a client learns of everything at once. Unknown fields
/// are ignored, `null` counts as absent.
struct FieldReader {
    private let members: [String: JSONValue]
    private let prefix: String
    private(set) var problems: [FieldProblem] = []

    /// - Parameter path: where the object stands in the request; empty for the whole body.
    init(_ value: JSONValue, path: String = "") {
        if case .object(let members) = value {
            self.members = members
        } else {
            members = [:]
            problems = [FieldProblem(field: path.isEmpty ? "body" : path, message: "must be an object, not a \(value.kindName)")]
        }
        prefix = path.isEmpty ? "" : path + "."
    }

    /// All members.
    var all: [String: JSONValue] { members }

    /// Notes a problem that the caller found.
    mutating func note(_ field: String, _ message: String) {
        problems.append(FieldProblem(field: prefix + field, message: message))
    }

    /// Takes over what is wrong with a nested object.
    mutating func take(_ nested: [FieldProblem]) { problems += nested }

    /// A member of any kind.
    func value(_ name: String) -> JSONValue? {
        guard let value = members[name], !value.isNull else { return nil }
        return value
    }

    /// A string of 1 to `limit` bytes.
    mutating func string(_ name: String, limit: Int = .max, required: Bool = false, mayBeEmpty: Bool = true) -> String? {
        guard let value = value(name) else {
            if required { note(name, "is required") }
            return nil
        }
        guard let string = value.string else {
            note(name, "must be a string, not a \(value.kindName)")
            return nil
        }
        if string.isEmpty, !mayBeEmpty { note(name, "must not be empty") }
        if string.utf8.count > limit { note(name, "must have at most \(limit) bytes, not \(string.utf8.count)") }
        return string
    }

    /// An identifier: 1 to 128 bytes without control characters, spaces, slashes or colons.
    mutating func identifier(_ name: String) -> String? {
        guard let string = string(name) else { return nil }
        if let reason = Self.identifierProblem(string) { note(name, reason) }
        return string
    }

    /// Why a text is no identifier, `nil` when it is one.
    static func identifierProblem(_ text: String) -> String? {
        if text.isEmpty || text.utf8.count > 128 { return "must have 1 to 128 bytes" }
        let isPlain = text.unicodeScalars.allSatisfy {
            !$0.properties.isWhitespace && $0.value >= 0x20 && $0.value != 0x7F && !"/\\:?#\"<>".unicodeScalars.contains($0)
        }
        return isPlain ? nil : "must not contain spaces, control characters, or any of / \\ : ? # \" < >"
    }

    /// An object.
    mutating func object(_ name: String) -> [String: JSONValue]? {
        guard let value = value(name) else { return nil }
        if let object = value.object { return object }
        note(name, "must be an object, not a \(value.kindName)")
        return nil
    }

    /// An array of at most `limit` elements.
    mutating func array(_ name: String, limit: Int) -> [JSONValue]? {
        guard let value = value(name) else { return nil }
        guard let array = value.array else {
            note(name, "must be an array, not a \(value.kindName)")
            return nil
        }
        if array.count > limit { note(name, "must have at most \(limit) elements, not \(array.count)") }
        return array
    }

    /// Throws what was found, if anything.
    func finish() throws(Problem) {
        if !problems.isEmpty { throw Problem.fields(problems) }
    }
}
