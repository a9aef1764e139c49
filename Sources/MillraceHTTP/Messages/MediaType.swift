/// The value of a `Content-Type` header (RFC 9110, section 8.3.1). Type, subtype and parameter names are kept in lower case.
package struct MediaType: Sendable, Equatable {
    package let type: String
    package let subtype: String
    /// Parameter values as they were sent, quotes and backslashes removed.
    package let parameters: [String: String]

    /// `nil` where the text is no media type, or names a parameter twice.
    package init?(parsing text: String) {
        var rest = Substring(text).utf8
        Self.skipWhitespace(&rest)
        guard let type = Self.token(&rest), rest.popFirst() == UInt8(ascii: "/"), let subtype = Self.token(&rest) else { return nil }
        var parameters: [String: String] = [:]
        while true {
            Self.skipWhitespace(&rest)
            guard let semicolon = rest.popFirst() else { break }
            guard semicolon == UInt8(ascii: ";") else { return nil }
            Self.skipWhitespace(&rest)
            // The grammar lets a parameter be missing between two semicolons.
            if rest.isEmpty || rest.first == UInt8(ascii: ";") { continue }
            guard let name = Self.token(&rest)?.lowercased(), rest.popFirst() == UInt8(ascii: "="),
                let value = rest.first == UInt8(ascii: "\"") ? Self.quoted(&rest) : Self.token(&rest),
                parameters.updateValue(value, forKey: name) == nil
            else { return nil }
        }
        self.type = type.lowercased()
        self.subtype = subtype.lowercased()
        self.parameters = parameters
    }

    /// Type and subtype, such as `application/json`.
    package var essence: String { "\(type)/\(subtype)" }

    private static func skipWhitespace(_ rest: inout Substring.UTF8View) { rest = rest.drop(while: HTTPGrammar.isWhitespace) }

    private static func token(_ rest: inout Substring.UTF8View) -> String? {
        let token = rest.prefix(while: HTTPGrammar.isToken)
        guard !token.isEmpty else { return nil }
        rest = rest[token.endIndex...]
        return String(Substring(token))
    }

    private static func quoted(_ rest: inout Substring.UTF8View) -> String? {
        var value: [UInt8] = []
        rest.removeFirst()
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "\""): return String(decoding: value, as: UTF8.self)
            case UInt8(ascii: "\\"):
                guard let escaped = rest.popFirst(), !HTTPGrammar.isControl(escaped) || escaped == HTTPGrammar.tab else { return nil }
                value.append(escaped)
            case HTTPGrammar.tab: value.append(byte)
            case let byte where HTTPGrammar.isControl(byte): return nil
            default: value.append(byte)
            }
        }
        return nil
    }
}
