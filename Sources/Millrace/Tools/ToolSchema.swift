import MillraceCore

/// The JSON Schema of a tool's arguments, as far as it is checked here: what a model writes need not follow it.
///
/// Checked are `type`, `enum`, `const`, `properties`, `required`, `additionalProperties`, `items`, `minItems`, `maxItems`, `minLength`,
/// `maxLength`, `minimum`, `maximum`, `exclusiveMinimum`, `exclusiveMaximum` and `anyOf`. `title`, `description`, `default`, `examples`,
/// `format`, `deprecated`, `$comment` and `$schema` say something to the model only. Any other keyword is refused when the tool is made.
///
/// Source: JSON Schema 2020-12, "Validation" (draft-bhutton-json-schema-validation-01) and "Core", section 10.
public struct ToolSchema: Equatable, Sendable {
    private static let annotations: Set<String> = [
        "title", "description", "default", "examples", "format", "deprecated", "$comment", "$schema",
    ]
    private static let types: Set<String> = ["null", "boolean", "integer", "number", "string", "array", "object"]
    private static let numbers: Set<String> = ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"]
    private static let counts: Set<String> = ["minItems", "maxItems", "minLength", "maxLength"]
    private static let deepest = 32

    private let json: JSONValue

    /// Reads a schema.
    /// - Throws: ``ErrorCode/invalidInput`` for one that is not of an object, or has a keyword that is not checked, naming it.
    public init(_ json: JSONValue) throws(MillraceError) {
        guard json["type"]?.string == "object" else {
            throw MillraceError(.invalidInput, #"the schema of its arguments must have "type": "object""#)
        }
        try Self.check(json, at: "", depth: 0)
        self.json = json
    }

    /// What is wrong with arguments, as a sentence for whoever wrote them; `nil`: nothing.
    public func problem(with arguments: JSONValue) -> String? { Self.problem(arguments, json, "the arguments") }

    /// The arguments with numbers such as `2.0` as the integers that they are: whoever asks for an integer gets one.
    package static func normalized(_ value: JSONValue) -> JSONValue {
        switch value {
        case .double(let number): Int(exactly: number).map { .integer($0) } ?? value
        case .array(let elements): .array(elements.map(normalized))
        case .object(let members): .object(members.mapValues(normalized))
        default: value
        }
    }

    // MARK: The schema itself

    private static func check(_ schema: JSONValue, at place: String, depth: Int) throws(MillraceError) {
        func wrong(_ what: String) -> MillraceError {
            MillraceError(.invalidInput, "the schema of its arguments\(place.isEmpty ? "" : " at \(place)") \(what)")
        }
        guard let members = schema.object else { throw wrong("is no object") }
        guard depth < deepest else { throw wrong("is nested too deep") }
        for (name, value) in members.sorted(by: { $0.key < $1.key }) {
            switch name {
            case "type":
                let names = value.string.map { [$0] } ?? value.array?.compactMap(\.string) ?? []
                guard !names.isEmpty, names.count == value.array?.count ?? 1, names.allSatisfy(types.contains) else {
                    throw wrong("has a type that there is not: \(value.text)")
                }
            case "enum": guard value.array?.isEmpty == false else { throw wrong("has an enum without values") }
            case "properties":
                guard let properties = value.object else { throw wrong("has properties that are no object") }
                for (key, property) in properties { try check(property, at: place + "/\(key)", depth: depth + 1) }
            case "required":
                guard let names = value.array, names.allSatisfy({ $0.string != nil }) else { throw wrong("has a wrong list of required") }
            case "additionalProperties":
                if value.bool == nil { try check(value, at: place + "/additionalProperties", depth: depth + 1) }
            case "items": try check(value, at: place + "/items", depth: depth + 1)
            case "anyOf":
                guard let schemas = value.array, !schemas.isEmpty else { throw wrong("has an anyOf without schemas") }
                for (number, schema) in schemas.enumerated() { try check(schema, at: place + "/anyOf/\(number)", depth: depth + 1) }
            case "const": break
            case _ where numbers.contains(name): guard value.double != nil else { throw wrong("has a \(name) that is no number") }
            case _ where counts.contains(name):
                guard value.integer.map({ $0 >= 0 }) == true else { throw wrong("has a \(name) that is no count") }
            case _ where annotations.contains(name): break
            default: throw wrong("has '\(name)', which is not checked: leave it out, and check it in the tool")
            }
        }
    }

    // MARK: Arguments

    private static func problem(_ value: JSONValue, _ schema: JSONValue, _ place: String) -> String? {
        if let type = schema["type"] {
            let names = type.string.map { [$0] } ?? type.array?.compactMap(\.string) ?? []
            guard names.contains(where: { isType(value, $0) }) else {
                return "\(place) must be \(names.map(article).joined(separator: " or ")), not \(article(value.kindName))"
            }
        }
        if let values = schema["enum"]?.array, !values.contains(where: { isSame($0, value) }) {
            return "\(place) must be one of \(values.map(\.text).joined(separator: ", ")), not \(shown(value))"
        }
        if let wanted = schema["const"], !isSame(wanted, value) { return "\(place) must be \(wanted.text), not \(shown(value))" }
        if let schemas = schema["anyOf"]?.array {
            let found = schemas.map { problem(value, $0, place) }
            if !found.contains(nil), let first = found.first { return first }
        }
        return number(value, schema, place) ?? text(value, schema, place) ?? list(value, schema, place) ?? object(value, schema, place)
    }

    private static func isType(_ value: JSONValue, _ name: String) -> Bool {
        switch name {
        case "null": value.isNull
        case "boolean": value.bool != nil
        // 2.0 is an integer (Core, 4.2.3).
        case "integer": value.integer != nil || value.double.flatMap { Int(exactly: $0) } != nil
        case "number": value.double != nil
        case "string": value.string != nil
        case "array": value.array != nil
        default: value.object != nil
        }
    }

    private static func isSame(_ left: JSONValue, _ right: JSONValue) -> Bool {
        if let left = left.double, let right = right.double { return left == right }
        return left == right
    }

    private static func number(_ value: JSONValue, _ schema: JSONValue, _ place: String) -> String? {
        guard let number = value.double else { return nil }
        func bound(_ name: String) -> (Double, String)? { schema[name].flatMap { json in json.double.map { ($0, json.text) } } }
        if let (least, text) = bound("minimum"), number < least { return "\(place) must be at least \(text), not \(value.text)" }
        if let (most, text) = bound("maximum"), number > most { return "\(place) must be at most \(text), not \(value.text)" }
        if let (least, text) = bound("exclusiveMinimum"), number <= least { return "\(place) must be more than \(text), not \(value.text)" }
        if let (most, text) = bound("exclusiveMaximum"), number >= most { return "\(place) must be less than \(text), not \(value.text)" }
        return nil
    }

    private static func text(_ value: JSONValue, _ schema: JSONValue, _ place: String) -> String? {
        guard let text = value.string else { return nil }
        // Characters are Unicode's scalars (Validation, 6.3).
        let length = text.unicodeScalars.count
        if let least = schema["minLength"]?.integer, length < least {
            return "\(place) must have at least \(count(least, "character")), not \(length)"
        }
        if let most = schema["maxLength"]?.integer, length > most {
            return "\(place) must have at most \(count(most, "character")), not \(length)"
        }
        return nil
    }

    private static func list(_ value: JSONValue, _ schema: JSONValue, _ place: String) -> String? {
        guard let elements = value.array else { return nil }
        if let least = schema["minItems"]?.integer, elements.count < least {
            return "\(place) must have at least \(count(least, "element")), not \(elements.count)"
        }
        if let most = schema["maxItems"]?.integer, elements.count > most {
            return "\(place) must have at most \(count(most, "element")), not \(elements.count)"
        }
        guard let items = schema["items"] else { return nil }
        for (number, element) in elements.enumerated() {
            if let problem = problem(element, items, "\(name(place))[\(number)]") { return problem }
        }
        return nil
    }

    private static func object(_ value: JSONValue, _ schema: JSONValue, _ place: String) -> String? {
        guard let members = value.object else { return nil }
        let properties = schema["properties"]?.object ?? [:]
        let path = name(place)
        func inside(_ key: String) -> String { path.isEmpty ? shown(key) : "\(path).\(shown(key))" }
        for required in schema["required"]?.array?.compactMap(\.string) ?? [] where members[required] == nil {
            return "\(inside(required)) is missing"
        }
        for (key, member) in members.sorted(by: { $0.key < $1.key }) {
            if let property = properties[key] {
                if let problem = problem(member, property, inside(key)) { return problem }
            } else if schema["additionalProperties"] == .bool(false) {
                let known = properties.keys.sorted()
                let meant = Suggestion.phrase(for: key, among: known)
                let others = known.isEmpty ? "there are no arguments" : "there are \(known.joined(separator: ", "))"
                return "\(inside(key)) is not known\(meant.isEmpty ? "; \(others)" : meant)"
            } else if let others = schema["additionalProperties"], others.object != nil {
                if let problem = problem(member, others, inside(key)) { return problem }
            }
        }
        return nil
    }

    // MARK: Words

    /// A place as the beginning of a path: the arguments themselves have no name.
    private static func name(_ place: String) -> String { place == "the arguments" ? "" : place }
    private static func shown(_ value: JSONValue) -> String { shown(value.text) }
    private static func shown(_ text: String) -> String { text.count > 80 ? "\(text.prefix(80))…" : text }
    private static func count(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }
    private static func article(_ type: String) -> String {
        type == "null" ? "null" : "aeiou".contains(type.prefix(1)) ? "an \(type)" : "a \(type)"
    }
}
