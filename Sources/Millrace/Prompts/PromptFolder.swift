public import MillraceCore

/// A handler's prompts as they are now: files that change and versions that are activated take effect while the handler lives.
///
/// ```swift
/// let prompts = try clients.prompts.folder("rag_oss", embedded: RagOssPrompts.files)   // where the handler is made
/// let system = try prompts.render("system.xml.j2", ["question": .string(request.text)], in: context)   // in a run
/// ```
/// A run that renders several prompts takes ``current`` first, so that all are of one moment.
public struct PromptFolder: Sendable {
    private enum Source: Sendable {
        case fixed(PromptSet)
        case library(PromptLibrary, String)
    }
    private let source: Source

    /// Prompts that don't change, for tests and for whoever makes a handler in code.
    /// - Parameters:
    ///   - handler: the handler's name.
    ///   - files: the templates by their names in the handler's folder. What is wrong in them is an error where they are rendered.
    public init(_ handler: String, _ files: [String: String]) {
        let sources = files.map { ($0, PromptSource(name: "\(handler)/\($0)", text: $1, origin: .embedded)) }
        source = .fixed(PromptSet(handler, Dictionary(uniqueKeysWithValues: sources)))
    }

    init(_ library: PromptLibrary, _ handler: String) { source = .library(library, handler) }

    /// The prompts as they are now.
    public var current: PromptSet {
        switch source {
        case .fixed(let set): set
        case .library(let library, let handler): library.set(of: handler)
        }
    }

    /// Renders a prompt as it is now and notes in the run which templates it used: ``PromptSet/render(_:_:in:)``.
    public func render(_ name: String, _ variables: [String: JSONValue] = [:], in context: RunContext) throws(MillraceError) -> String {
        try current.render(name, variables, in: context)
    }
}
