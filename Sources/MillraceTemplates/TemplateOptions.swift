/// How templates are read and rendered.
public struct TemplateOptions: Sendable, Equatable {
    /// What a variable, attribute or element that does not exist is.
    public enum Undefined: Sendable, Equatable {
        /// Using it in any way but by `is defined`, `is undefined` or `default` is an error that names it: Jinja2's `StrictUndefined`.
        case strict
        /// It prints as nothing, is false, and is an empty sequence; what else is done with it is an error, as in Jinja2's `Undefined`.
        case lenient
    }

    /// When what is printed is escaped for XML and HTML.
    public enum Autoescape: Sendable, Equatable {
        /// In templates whose names end, before an optional `.j2`, `.jinja` or `.jinja2`, in `.xml`, `.html`, `.htm` or `.xhtml`.
        case byName
        /// In all templates.
        case always
        /// In none, but where a template says so.
        case never
    }

    /// What does not exist. Default: strict, since a prompt in which a variable is silently missing is a defect that nobody sees.
    public var undefined = Undefined.strict
    /// What is escaped. Default: by the template's name.
    public var autoescape = Autoescape.byName
    /// Whether the first newline after a statement or comment is removed. Default: no, as in Jinja2.
    public var trimBlocks = false
    /// Whether white space before a statement or comment is removed, from the beginning of its line. Default: no, as in Jinja2.
    public var lstripBlocks = false
    /// Whether a single newline at the end of a template is kept. Default: no, as in Jinja2.
    public var keepTrailingNewline = false

    /// The documented defaults.
    public init() {}

    /// Whether what is printed in a template of this name is escaped.
    func escapes(_ name: String) -> Bool {
        switch autoescape {
        case .always: return true
        case .never: return false
        case .byName:
            var stem = Substring(name.lowercased())
            for suffix in [".j2", ".jinja", ".jinja2"] where stem.hasSuffix(suffix) {
                stem = stem.dropLast(suffix.count)
                break
            }
            return [".xml", ".html", ".htm", ".xhtml"].contains { stem.hasSuffix($0) }
        }
    }
}
