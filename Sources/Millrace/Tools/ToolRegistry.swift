public import MillraceCore

/// The tools of a server: its own, and those that a team registers. Which of them a model may call, configuration says.
///
/// ```swift
/// let server = try Server(settings: settings) { registry, clients in
///     try registry.tools.register(weather)
/// }
/// ```
/// `chat` offers those that `chatConfig.tools` names.
public struct ToolRegistry: Sendable {
    private var tools: [String: Tool] = [:]
    /// Tools that could not be made, and why.
    private var missing: [String: String] = [:]

    /// No tools.
    public init() {}

    /// The names of the tools that there are, sorted, those that cannot be used now among them.
    public var names: [String] { (Array(tools.keys) + missing.keys).sorted() }

    /// Registers a tool.
    /// - Throws: ``ErrorCode/conflict`` for a name that is taken.
    public mutating func register(_ tool: Tool) throws(MillraceError) {
        guard tools[tool.name] == nil, missing[tool.name] == nil else {
            throw MillraceError(.conflict, "two tools are called '\(tool.name)'")
        }
        tools[tool.name] = tool
    }

    /// Notes that a tool of that name lacks something: naming it in the configuration is right, and it is not offered.
    public mutating func omit(_ name: String, reason: String) {
        if tools[name] == nil { missing[name] = reason }
    }

    /// The tool of that name; `nil`: there is none, or it cannot be used.
    public subscript(name: String) -> Tool? { tools[name] }

    /// The tools of these names, each once, in that order. What there is not, or lacks something, is left out.
    public func tools(named names: [String]) -> [Tool] {
        var seen: Set<String> = []
        return names.compactMap { name in seen.insert(name).inserted ? tools[name] : nil }
    }

    /// Why a tool cannot be used; `nil`: it can, or there is none of that name.
    public func reasonForOmission(of name: String) -> String? { missing[name] }

    /// What is wrong with a name in a configuration; `nil`: there is such a tool.
    package func problem(with name: String) -> String? {
        guard tools[name] == nil, missing[name] == nil else { return nil }
        let meant = Suggestion.phrase(for: name, among: names)
        return "there is no tool '\(name.prefix(64))'" + (meant.isEmpty ? ": there are \(names.joined(separator: ", "))" : meant)
    }
}
