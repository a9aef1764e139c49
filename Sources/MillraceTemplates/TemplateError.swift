public import MillraceCore

/// What is wrong with a template, or went wrong while it was rendered, and where.
public struct TemplateError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What kind of problem it is. An open set.
    public struct Kind: RawRepresentable, Hashable, Sendable {
        /// The name, such as `syntax`.
        public let rawValue: String
        /// A kind of that name.
        public init(rawValue: String) { self.rawValue = rawValue }

        /// The template is not written as templates are, or uses what is not supported. Known before anything is rendered.
        public static let syntax = Kind(rawValue: "syntax")
        /// A variable, an attribute or an element that does not exist was used.
        public static let undefined = Kind(rawValue: "undefined")
        /// A value is not of the kind that an operation needs.
        public static let value = Kind(rawValue: "value")
        /// A template that is named does not exist, or its name is not allowed.
        public static let notFound = Kind(rawValue: "not_found")
        /// One of ``TemplateLimits`` was reached.
        public static let limit = Kind(rawValue: "limit")
    }

    private final class Storage: Sendable {
        let kind: Kind
        let template: String
        let line: Int
        let column: Int
        let message: String

        init(kind: Kind, template: String, line: Int, column: Int, message: String) {
            self.kind = kind
            self.template = template
            self.line = line
            self.column = column
            self.message = message
        }
    }
    // One word: errors are thrown through deep recursion, and a larger value would take its size from every frame of the stack.
    private let storage: Storage

    init(_ kind: Kind, _ message: String, template: String, line: Int, column: Int) {
        storage = Storage(kind: kind, template: template, line: line, column: column, message: message)
    }

    /// What kind of problem it is.
    public var kind: Kind { storage.kind }
    /// The name of the template that holds the place.
    public var template: String { storage.template }
    /// The line, from 1.
    public var line: Int { storage.line }
    /// The column, from 1, in Unicode scalar values.
    public var column: Int { storage.column }
    /// What is wrong and what to do.
    public var message: String { storage.message }

    /// `NAME:LINE:COLUMN: MESSAGE`
    public var description: String { "\(template):\(line):\(column): \(message)" }

    /// The error as the server knows errors: code `configuration` for what is wrong with the template, `limit_exceeded` for limits.
    public var asMillraceError: MillraceError {
        MillraceError(
            kind == .limit ? .limitExceeded : .configuration, "template \(description)",
            details: ["template": .string(template), "line": .integer(line), "column": .integer(column)])
    }

    /// Compares everything.
    public static func == (left: TemplateError, right: TemplateError) -> Bool {
        left.kind == right.kind && left.template == right.template && left.line == right.line && left.column == right.column
            && left.message == right.message
    }
}
