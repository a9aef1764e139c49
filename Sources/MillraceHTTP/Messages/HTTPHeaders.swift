package import MillraceCore

/// The headers of a response: an ordered list, because order and repeats (`Set-Cookie`) matter on the wire.
///
/// They are kept as the lines that are sent, so that constant ones are formatted once and copied as a whole. Nothing that could end a line gets
/// in, so that a value that came from a client cannot split a response.
package struct HTTPHeaders: Sendable, Equatable {
    package struct Field: Sendable, Equatable {
        package let name: String
        package let value: String
    }

    /// `name: value CRLF` for each header.
    private(set) var lines: [UInt8] = []
    /// Whether there are some that only the server says: see ``HTTPResponseHead/headers``.
    private(set) var holdsReserved = false

    package init() {}

    /// The headers one by one.
    package var fields: [Field] {
        var fields: [Field] = []
        forEachLine { name, value, _ in
            fields.append(Field(name: String(decoding: name, as: UTF8.self), value: String(decoding: value, as: UTF8.self)))
        }
        return fields
    }

    /// Appends a header.
    /// - Throws: ``ErrorCode/invalidInput`` where the name is no token or the value holds a control character other than a tab.
    package mutating func add(_ name: String, _ value: String) throws(MillraceError) {
        var (name, value) = (name, value)
        guard !name.isEmpty, name.withUTF8({ $0.allSatisfy(HTTPGrammar.isToken) }) else {
            throw MillraceError(.invalidInput, "a response header's name must be a token (RFC 9110, section 5.6.2)")
        }
        guard value.withUTF8({ $0.allSatisfy { $0 == HTTPGrammar.tab || !HTTPGrammar.isControl($0) } }) else {
            throw MillraceError(
                .invalidInput, "the value of a response header holds a control character", details: ["header": .string(name)])
        }
        lines.reserveCapacity(lines.count + name.utf8.count + value.utf8.count + 4)
        name.withUTF8 {
            holdsReserved = holdsReserved || Self.isReserved(UnsafeRawBufferPointer($0))
            lines.append(contentsOf: $0)
        }
        lines.append(UInt8(ascii: ":"))
        lines.append(HTTPGrammar.space)
        value.withUTF8 { lines.append(contentsOf: $0) }
        lines.append(HTTPGrammar.carriageReturn)
        lines.append(HTTPGrammar.lineFeed)
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
        guard self[name] != nil else { return }
        var kept = HTTPHeaders()
        forEachLine { other, _, line in
            guard !Self.equals(other, name) else { return }
            kept.lines += line
            kept.holdsReserved = kept.holdsReserved || Self.isReserved(other)
        }
        self = kept
    }

    /// The first value of a header, the name in any case.
    package subscript(name: String) -> String? {
        var found: String?
        forEachLine { other, value, _ in
            if found == nil, Self.equals(other, name) { found = String(decoding: value, as: UTF8.self) }
        }
        return found
    }

    /// Appends the lines, without those that only the server says.
    func write(to buffer: inout ByteBuffer) {
        guard holdsReserved else {
            buffer.append(lines)
            return
        }
        forEachLine { name, _, line in
            if !Self.isReserved(name) { buffer.append(line) }
        }
    }

    /// Calls `body` with each header's name, value and line. A name is a token, so the first colon ends it.
    private func forEachLine(_ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Void) {
        lines.withUnsafeBytes { lines in
            var start = 0
            while start < lines.count {
                var colon = start
                while lines[colon] != UInt8(ascii: ":") { colon &+= 1 }
                var end = colon &+ 2
                while lines[end] != HTTPGrammar.carriageReturn { end &+= 1 }
                body(
                    UnsafeRawBufferPointer(rebasing: lines[start..<colon]), UnsafeRawBufferPointer(rebasing: lines[(colon + 2)..<end]),
                    UnsafeRawBufferPointer(rebasing: lines[start..<(end + 2)]))
                start = end &+ 2
            }
        }
    }

    private static func equals(_ left: UnsafeRawBufferPointer, _ right: String) -> Bool {
        left.count == right.utf8.count && zip(left, right.utf8).allSatisfy { HTTPGrammar.lowercased($0) == HTTPGrammar.lowercased($1) }
    }

    private static func isReserved(_ name: UnsafeRawBufferPointer) -> Bool {
        let range = 0..<name.count
        switch name.count {
        case 4: return HTTPGrammar.matches(name, range, "date")
        case 10: return HTTPGrammar.matches(name, range, "connection")
        case 12: return HTTPGrammar.matches(name, range, "x-request-id")
        case 14: return HTTPGrammar.matches(name, range, "content-length")
        case 17: return HTTPGrammar.matches(name, range, "transfer-encoding")
        default: return false
        }
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
