import MillraceCore

/// A path with parameters, such as `/api/v1/runs/{response_id}/events`.
struct RoutePattern: Sendable {
    enum Segment: Sendable, Equatable {
        case literal(String)
        case parameter(String)
    }

    let text: String
    let segments: [Segment]

    /// - Throws: ``ErrorCode/configuration`` where the text is no pattern.
    init(parsing text: String) throws(MillraceError) {
        guard text.utf8.first == UInt8(ascii: "/") else { throw Self.invalid(text, "it must start with a slash") }
        var segments: [Segment] = []
        var names: Set<String> = []
        for part in text.dropFirst().split(separator: "/", omittingEmptySubsequences: false) {
            guard part.first == "{", part.last == "}" else {
                guard !part.contains(where: { "{}%?#".contains($0) }) else {
                    throw Self.invalid(text, "a literal segment holds a brace or a character that no decoded path segment is compared by")
                }
                segments.append(.literal(String(part)))
                continue
            }
            let name = String(part.dropFirst().dropLast())
            guard !name.isEmpty, name.utf8.allSatisfy({ HTTPGrammar.isLetter($0) || HTTPGrammar.isDigit($0) || $0 == UInt8(ascii: "_") })
            else { throw Self.invalid(text, "a parameter's name must be letters, digits and underscores") }
            guard names.insert(name).inserted else { throw Self.invalid(text, "the parameter \(name) is repeated") }
            segments.append(.parameter(name))
        }
        self.text = text
        self.segments = segments
    }

    private static func invalid(_ text: String, _ why: String) -> MillraceError {
        MillraceError(.configuration, "the route pattern \(text) is invalid: \(why)")
    }

    var parameterNames: [String] {
        segments.compactMap { if case .parameter(let name) = $0 { name } else { nil } }
    }

    var isLiteral: Bool { parameterNames.isEmpty }
}
