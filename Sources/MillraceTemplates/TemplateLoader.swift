/// Where templates come from, by name.
///
/// Names are relative paths with `/` between their parts, such as `analysis/user.xml.j2`. They are checked before a loader is asked: it
/// never gets an absolute path, an empty part, `.`, `..`, a backslash or a control character.
public protocol TemplateLoader: Sendable {
    /// The source of a template, or `nil` where there is none of that name.
    /// - Throws: what keeps it from being read; it reaches the template's author as text.
    func source(of name: String) throws -> String?
}

/// Templates that are held in memory, such as those of a folder that was read once.
public struct InMemoryTemplateLoader: TemplateLoader {
    /// The sources by name.
    public var sources: [String: String]

    /// Templates of these names.
    public init(_ sources: [String: String]) { self.sources = sources }

    /// The source of that name.
    public func source(of name: String) -> String? { sources[name] }
}

/// The rules of templates' names.
enum TemplateName {
    /// The most bytes of a name.
    static let mostBytes = 255

    /// Why a name is refused, or `nil` where it is allowed.
    static func problem(_ name: String) -> String? {
        if name.isEmpty { return "a template's name is empty" }
        if name.utf8.count > mostBytes { return "a template's name is longer than \(mostBytes) bytes" }
        if name.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F }) {
            return "the template's name has a control character"
        }
        if name.unicodeScalars.contains("\\") { return "the template's name '\(name)' has a backslash: parts are separated by /" }
        if name.utf8.first == UInt8(ascii: "/") { return "the template's name '\(name)' is an absolute path: names are relative" }
        let parts = name.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        if parts.contains(where: { $0.isEmpty || $0.elementsEqual(".".utf8) || $0.elementsEqual("..".utf8) }) {
            return "the template's name '\(name)' has an empty part, . or ..: names are paths below the templates' folder"
        }
        return nil
    }
}
