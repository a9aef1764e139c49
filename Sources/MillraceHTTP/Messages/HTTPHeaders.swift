package import MillraceCore

/// The headers of a response: an ordered list, because order and repeats (`Set-Cookie`) matter on the wire.
///
/// Nothing that could end a line gets in, so that a value that came from a client cannot split a response.
package struct HTTPHeaders: Sendable, Equatable {
    package struct Field: Sendable, Equatable {
        package let name: String
        package let value: String
    }

    package private(set) var fields: [Field] = []

    package init() {}

    /// Appends a header.
    /// - Throws: ``ErrorCode/invalidInput`` where the name is no token or the value holds a control character other than a tab.
    package mutating func add(_ name: String, _ value: String) throws(MillraceError) {
        guard !name.isEmpty, name.utf8.allSatisfy(HTTPGrammar.isToken) else {
            throw MillraceError(.invalidInput, "a response header's name must be a token (RFC 9110, section 5.6.2)")
        }
        guard value.utf8.allSatisfy({ $0 == HTTPGrammar.tab || !HTTPGrammar.isControl($0) }) else {
            throw MillraceError(
                .invalidInput, "the value of a response header holds a control character", details: ["header": .string(name)])
        }
        fields.append(Field(name: name, value: value))
    }

    /// Replaces every header of that name by one.
    /// - Throws: as ``add(_:_:)``; nothing is replaced then.
    package mutating func set(_ name: String, _ value: String) throws(MillraceError) {
        var changed = self
        changed.remove(name)
        try changed.add(name, value)
        self = changed
    }

    /// Removes every header of that name.
    package mutating func remove(_ name: String) {
        fields.removeAll { HTTPGrammar.equalsIgnoringCase($0.name, name) }
    }

    /// The first value of a header, the name in any case.
    package subscript(name: String) -> String? {
        fields.first { HTTPGrammar.equalsIgnoringCase($0.name, name) }?.value
    }
}

extension HTTPHeaders: ExpressibleByDictionaryLiteral {
    /// Headers that are constants of the program; an invalid one is a defect and traps.
    package init(dictionaryLiteral elements: (StaticString, StaticString)...) {
        for (name, value) in elements {
            do {
                try add(name.description, value.description)
            } catch {
                preconditionFailure("invalid constant header: \(error)")
            }
        }
    }
}
