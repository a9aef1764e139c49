package import MillraceCore

/// What is kept in versions by name: prompts of handlers, and personas.
public enum PromptKind: String, CaseIterable, Sendable {
    /// A template of a handler, named by the handler and its name in the handler's folder: `chat/system.xml.j2`.
    case prompt
    /// Who an answer should sound like, named by its id.
    case persona
}

/// Which text a run has used: enough to find it again, and to know that it is the same.
public struct PromptReference: Equatable, Hashable, Sendable {
    /// Where a prompt's text came from.
    public enum Origin: String, Sendable {
        /// The program itself.
        case embedded
        /// A file in the directory `prompts.directory`.
        case file
        /// The store, where the API has put it.
        case stored
    }

    /// What it is.
    public var kind: PromptKind
    /// Its name, such as `chat/system.xml.j2`, or a persona's id.
    public var name: String
    /// Which of the stored versions; `nil` for a text that is not stored.
    public var version: Int?
    /// SHA-256 of the text in UTF-8, in hexadecimal.
    public var hash: String
    /// Where it came from.
    public var origin: Origin

    /// Creates a reference.
    public init(kind: PromptKind = .prompt, name: String, version: Int?, hash: String, origin: Origin) {
        self.kind = kind
        self.name = name
        self.version = version
        self.hash = hash
        self.origin = origin
    }

    /// The reference as a run shows it.
    package var json: JSONValue {
        [
            "kind": .string(kind.rawValue), "name": .string(name), "version": version.map { .integer($0) } ?? .null,
            "hash": .string(hash), "origin": .string(origin.rawValue),
        ]
    }

    /// What a message's metadata says of the texts that were used.
    package static func metadata(_ references: [PromptReference]) -> [String: JSONValue] {
        references.isEmpty ? [:] : ["prompts": .array(references.map(\.json))]
    }

    /// Reads what ``json`` gives; `nil` for what this Millrace does not know.
    package init?(json: JSONValue) {
        guard let kind = json["kind"]?.string.flatMap(PromptKind.init(rawValue:)), let name = json["name"]?.string,
            let hash = json["hash"]?.string, let origin = json["origin"]?.string.flatMap(Origin.init(rawValue:))
        else { return nil }
        self.init(kind: kind, name: name, version: json["version"]?.integer, hash: hash, origin: origin)
    }
}
