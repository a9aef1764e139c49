public import MillraceCore

/// The prompts of a server's handlers. For each name the first of these counts that there is: the stored version that is active, the file in
/// the directory `prompts.directory`, the text that the handler has brought along.
///
/// It opens no files and asks no store: whoever does hands over what was read, whole, so that nobody sees half of a change.
public final class PromptLibrary: Sendable {
    /// Texts by handler and by the name in the handler's folder.
    package typealias Sources = [String: [String: PromptSource]]

    private struct State {
        var embedded: Sources = [:]
        var files: Sources = [:]
        var stored: Sources = [:]
        /// All three, one above the other.
        var sets: [String: PromptSet] = [:]

        mutating func update(_ handlers: some Sequence<String>) {
            for handler in handlers {
                var sources = embedded[handler] ?? [:]
                for layer in [files[handler], stored[handler]] { sources.merge(layer ?? [:]) { $1 } }
                sets[handler] = PromptSet(handler, sources)
            }
        }
    }
    private let state = Locked(State())

    /// A library without prompts.
    public init() {}

    /// A handler's prompts.
    /// - Parameters:
    ///   - handler: the handler's name.
    ///   - embedded: the templates that the program has of its own, by their names in the handler's folder (default: none).
    /// - Throws: ``MillraceError`` ``ErrorCode/configuration`` for an embedded template that cannot be read, with line and column, or a name that
    ///   is not allowed.
    public func folder(_ handler: String, embedded: [String: String] = [:]) throws(MillraceError) -> PromptFolder {
        for (name, text) in embedded.sorted(by: { $0.key < $1.key }) {
            if let problem = PromptRules.problem(ofName: name) {
                throw MillraceError(.configuration, "the embedded prompt '\(handler)/\(name)': \(problem)")
            }
            if let problem = PromptRules.problem(in: text, name: name) {
                throw MillraceError(
                    .configuration, "the embedded prompt \(handler)/\(name):\(problem.line):\(problem.column): \(problem.message)")
            }
        }
        let sources = embedded.map { ($0, PromptSource(name: "\(handler)/\($0)", text: $1, origin: .embedded)) }
        state.withLock { state in
            state.embedded[handler, default: [:]].merge(sources) { $1 }
            state.update([handler])
        }
        return PromptFolder(self, handler)
    }

    /// A handler's prompts as they are now.
    package func set(of handler: String) -> PromptSet { state.withLock { $0.sets[handler] } ?? PromptSet(handler, [:]) }

    /// All handlers' prompts as they are now.
    package var sets: [String: PromptSet] { state.withLock { $0.sets } }

    /// The text below the stored one: what counts where nothing is stored or active.
    package func unstored(_ handler: String, _ name: String) -> PromptSource? {
        state.withLock { $0.files[handler]?[name] ?? $0.embedded[handler]?[name] }
    }

    /// Takes other files in place of those before.
    package func replace(files: Sources) {
        state.withLock { state in
            let handlers = Set(state.files.keys).union(files.keys)
            state.files = files
            state.update(handlers)
        }
    }

    /// Uses a stored version, or with `nil` none.
    /// - Parameter name: the handler's name and the name in its folder.
    package func use(stored source: PromptSource?, name: String) {
        guard let (handler, name) = Self.parts(of: name) else { return }
        state.withLock { state in
            state.stored[handler, default: [:]][name] = source
            state.update([handler])
        }
    }

    /// `chat` and `system.xml.j2` of `chat/system.xml.j2`; `nil` where there are not two.
    package static func parts(of name: String) -> (handler: String, name: String)? {
        guard let slash = name.firstIndex(of: "/") else { return nil }
        let (handler, rest) = (name[..<slash], name[name.index(after: slash)...])
        return handler.isEmpty || rest.isEmpty ? nil : (String(handler), String(rest))
    }
}
