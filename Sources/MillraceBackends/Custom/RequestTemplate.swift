public import Millrace
public import MillraceCore

/// A JSON value whose strings hold placeholders, filled in for each request.
///
/// | placeholder | becomes |
/// |---|---|
/// | `{{prompt}}` | the whole conversation as text |
/// | `{{message}}` | the last user's text |
/// | `{{messages}}` | the array of `{"role", "content"}`; only as the whole of a string |
/// | `{{system}}` | the instructions above the conversation |
/// | `{{model}}` | the model's name at the API |
/// | `{{max_tokens}}`, `{{temperature}}` | the numbers |
/// | `{{stop}}` | the array of texts at which to stop; only as the whole of a string |
///
/// A string that is one placeholder and nothing else becomes the value itself: a number, an array. One without a value takes its member or
/// element with it; within a longer string it is empty. Without `{{system}}` in the template, instructions are the first of the messages,
/// with the role `system`, and stand above the prompt or message. Nothing is put into JSON as text: what users write cannot change the
/// request's form.
public struct RequestTemplate: Equatable, Sendable {
    enum Placeholder: String, CaseIterable, Sendable {
        case prompt, system, message, messages, model, temperature, stop
        case maxTokens = "max_tokens"

        /// Whether it stands for an array, which cannot be part of a text.
        var isArray: Bool { self == .messages || self == .stop }
    }

    private indirect enum Node: Equatable, Sendable {
        case constant(JSONValue)
        case value(Placeholder)
        case text([TextTemplate.Piece])
        case array([Node])
        case object([String: Node])
    }

    private let root: Node
    private let used: Set<Placeholder>

    /// Reads a template.
    /// - Throws: ``ErrorCode/configuration`` for an unknown placeholder, with the name that was probably meant; for one at a place where it
    ///   cannot be; for a template that is no object or array, or that has no place for what the user says.
    public init(_ value: JSONValue) throws(MillraceError) {
        guard value.object != nil || value.array != nil else {
            throw MillraceError(.configuration, "the request template is a \(value.kindName): it must be an object or an array")
        }
        var used: Set<Placeholder> = []
        root = try Self.node(value, "$", &used)
        self.used = used
        guard !used.isDisjoint(with: [.prompt, .message, .messages]) else {
            throw MillraceError(
                .configuration, "the request template has no place for what is asked: put {{messages}}, {{prompt}} or {{message}} into it")
        }
    }

    /// The body for a request.
    /// - Parameter model: the model's name at the API; `nil`: `{{model}}` has no value.
    public func body(for request: ModelRequest, model: String?) -> JSONValue {
        var text = ConversationText(request)
        var (prompt, message) = (text.prompt, text.message)
        if !used.contains(.system), let system = text.system {
            (prompt, message) = ("\(system)\n\n\(prompt)", "\(system)\n\n\(message)")
            text.turns.insert(.init(role: "system", text: system), at: 0)
        }
        let values: [Placeholder: JSONValue] = [
            .prompt: .string(prompt), .message: .string(message), .messages: text.messages,
        ].merging(
            [
                (.system, text.system.map { .string($0) }), (.model, model.map { .string($0) }),
                (.maxTokens, request.maxTokens.map { .integer($0) }), (.temperature, request.temperature.map { .double($0) }),
                (.stop, request.stopSequences.isEmpty ? nil : .array(request.stopSequences.map { .string($0) })),
            ].compactMap { name, value in value.map { (name, $0) } }, uniquingKeysWith: { _, last in last })
        return Self.fill(root, values) ?? .null
    }

    // MARK: Reading

    private static func node(_ value: JSONValue, _ path: String, _ used: inout Set<Placeholder>) throws(MillraceError) -> Node {
        switch value {
        case .string(let text):
            let pieces = try TextTemplate.pieces(text, "the request template at \(path)", known: Placeholder.allCases.map(\.rawValue))
            let placeholders = pieces.compactMap { piece in
                if case .placeholder(let name) = piece { Placeholder(rawValue: name) } else { nil }
            }
            used.formUnion(placeholders)
            if pieces.count == 1, let only = placeholders.first { return .value(only) }
            if let array = placeholders.first(where: \.isArray) {
                throw MillraceError(
                    .configuration,
                    "the request template at \(path) puts {{\(array.rawValue)}} into a longer text: it is an array and must be the whole string"
                )
            }
            return placeholders.isEmpty ? .constant(value) : .text(pieces)
        case .array(let elements):
            var nodes: [Node] = []
            for (index, element) in elements.enumerated() { nodes.append(try node(element, "\(path)[\(index)]", &used)) }
            return .array(nodes)
        case .object(let members):
            var nodes: [String: Node] = [:]
            for (name, member) in members.sorted(by: { $0.key < $1.key }) {
                guard name.firstRange(of: "{{") == nil else {
                    throw MillraceError(
                        .configuration, "the request template at \(path) has a placeholder in the name '\(name)': use it in a value")
                }
                nodes[name] = try node(member, "\(path).\(name)", &used)
            }
            return .object(nodes)
        default: return .constant(value)
        }
    }

    // MARK: Filling

    private static func fill(_ node: Node, _ values: [Placeholder: JSONValue]) -> JSONValue? {
        switch node {
        case .constant(let value): value
        case .value(let placeholder): values[placeholder]
        case .text(let pieces):
            .string(
                TextTemplate.fill(pieces) { name in
                    guard let value = Placeholder(rawValue: name).flatMap({ values[$0] }) else { return "" }
                    return value.string ?? value.text
                })
        case .array(let nodes): .array(nodes.compactMap { fill($0, values) })
        case .object(let nodes): .object(nodes.compactMapValues { fill($0, values) })
        }
    }
}

/// A text with `{{name}}` placeholders, taken apart once.
enum TextTemplate {
    enum Piece: Equatable, Sendable {
        case text(String)
        case placeholder(String)
    }

    /// - Parameter place: where the text stands, for errors.
    /// - Throws: ``ErrorCode/configuration``.
    static func pieces(_ text: String, _ place: String, known: [String]) throws(MillraceError) -> [Piece] {
        var pieces: [Piece] = []
        var rest = text[...]
        while let start = rest.firstRange(of: "{{") {
            if start.lowerBound > rest.startIndex { pieces.append(.text(String(rest[..<start.lowerBound]))) }
            guard let end = rest[start.upperBound...].firstRange(of: "}}") else {
                throw MillraceError(.configuration, "\(place) has a placeholder that is not closed by }}")
            }
            let written = rest[start.upperBound..<end.lowerBound]
            let name = String(written.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
            guard known.contains(name) else {
                let near = Suggestion.closest(to: name, among: known).map { "did you mean {{\($0)}}? " } ?? ""
                let all = known.sorted().map { "{{\($0)}}" }.joined(separator: ", ")
                throw MillraceError(.configuration, "\(place) has the unknown placeholder {{\(name)}}: \(near)known are \(all)")
            }
            pieces.append(.placeholder(name))
            rest = rest[end.upperBound...]
        }
        if !rest.isEmpty { pieces.append(.text(String(rest))) }
        return pieces
    }

    static func fill(_ pieces: [Piece], _ value: (String) -> String) -> String {
        pieces.map { piece in
            switch piece {
            case .text(let text): text
            case .placeholder(let name): value(name)
            }
        }.joined()
    }
}
