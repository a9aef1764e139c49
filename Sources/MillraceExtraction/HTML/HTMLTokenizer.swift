/// Cuts HTML that comes in pieces into tags and text, as forgiving as browsers are (HTML Living Standard, section 13.2.5, simplified: attributes
/// are passed over). A value without I/O.
struct HTMLTokenizer {
    enum Token: Equatable {
        /// A tag's name in lower case.
        case start(String)
        case end(String)
        /// Text with its references resolved, in pieces.
        case text([UInt8])
    }

    private var bytes: [UInt8] = []
    private var position = 0
    private var isLast = false
    /// The element whose content is no markup.
    private var raw: (name: [UInt8], resolves: Bool)?
    /// A tag or a comment that is longer than is waited for.
    private var skipping: Skipping?

    private enum Skipping {
        /// With the quotation mark of an open value, and the last byte that was no white space.
        case tag(quote: UInt8?, last: UInt8)
        case comment, declaration
    }

    /// The most that is held for one tag; what is longer is passed over.
    private static let longestTag = 64 << 10

    /// Takes the next text, in UTF-8.
    mutating func receive(_ text: [UInt8]) {
        bytes.removeFirst(position)
        position = 0
        bytes += text
    }

    /// Says that no more comes.
    mutating func finish() { isLast = true }

    /// The next token; `nil`: more text has to come, or there is none.
    mutating func next() -> Token? {
        while position < bytes.count {
            if skipping != nil {
                guard skip() else { return nil }
                continue
            }
            if let raw {
                if let token = rawText(raw.name, resolves: raw.resolves) { return token }
                if self.raw != nil { return nil }
                continue
            }
            guard bytes[position] == UInt8(ascii: "<") else { return text() }
            switch markup() {
            case .token(let token): return token
            case .passed: continue
            case .waits: return nil
            }
        }
        return nil
    }

    private enum Outcome { case token(Token), passed, waits }

    // MARK: Text

    /// Text up to the next tag; a reference that is cut off waits.
    private mutating func text() -> Token? {
        var end = position
        while end < bytes.count, bytes[end] != UInt8(ascii: "<") { end += 1 }
        guard let token = resolved(to: end, isCut: end == bytes.count) else { return nil }
        return token
    }

    private mutating func resolved(to end: Int, isCut: Bool) -> Token? {
        var out: [UInt8] = []
        out.reserveCapacity(end - position)
        while position < end {
            let byte = bytes[position]
            if byte != UInt8(ascii: "&") {
                out.append(byte)
                position += 1
                continue
            }
            if isCut, !isLast, end - position <= HTMLEntities.longest + 1,
                !bytes[(position + 1)..<end].contains(where: { !Self.isName($0) })
            {
                break
            }
            position = HTMLReference.resolve(bytes, from: position, to: end, into: &out)
        }
        return out.isEmpty ? nil : .text(out)
    }

    private static func isName(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "#") || (0x30...0x39).contains(byte) || isLetter(byte)
    }

    static func isLetter(_ byte: UInt8) -> Bool { (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) }

    // MARK: Raw text

    /// The content of a script, a style, a title or a text area, up to its end tag.
    private mutating func rawText(_ name: [UInt8], resolves: Bool) -> Token? {
        var end = position
        while end < bytes.count {
            if bytes[end] == UInt8(ascii: "<") {
                guard let isEnd = isEndTag(at: end, name) else { break }
                if isEnd { break }
            }
            end += 1
        }
        let isAtEndTag = end < bytes.count && isEndTag(at: end, name) == true
        if end > position {
            if resolves { return resolved(to: end, isCut: !isAtEndTag) }
            defer { position = end }
            return .text(Array(bytes[position..<end]))
        }
        if isAtEndTag {
            raw = nil
        } else if isLast {
            raw = nil
            position = bytes.count
        }
        return nil
    }

    /// Whether the end tag of that name begins here; `nil`: more has to come.
    private func isEndTag(at start: Int, _ name: [UInt8]) -> Bool? {
        let tag = [UInt8(ascii: "<"), UInt8(ascii: "/")] + name
        for (offset, expected) in tag.enumerated() {
            guard start + offset < bytes.count else { return isLast ? false : nil }
            let byte = bytes[start + offset]
            guard byte == expected || offset > 1 && byte | 0x20 == expected else { return false }
        }
        guard start + tag.count < bytes.count else { return isLast ? false : nil }
        return !Self.isLetter(bytes[start + tag.count])
    }

    // MARK: Markup

    private mutating func markup() -> Outcome {
        guard position + 1 < bytes.count else { return isLast ? literal() : .waits }
        let second = bytes[position + 1]
        if second == UInt8(ascii: "!") { return declaration() }
        if second == UInt8(ascii: "?") {
            skipping = .declaration
            return .passed
        }
        var start = position + 1
        let isEnd = second == UInt8(ascii: "/")
        if isEnd {
            start += 1
            guard start < bytes.count else { return isLast ? literal() : .waits }
        }
        guard Self.isLetter(bytes[start]) else {
            // "</ x>" is a comment; "<3" is text.
            guard isEnd else { return literal() }
            skipping = .declaration
            return .passed
        }
        var end = start
        while end < bytes.count, !Self.endsName(bytes[end]) { end += 1 }
        guard end < bytes.count || isLast else {
            guard end - start > Self.longestTag else { return .waits }
            position = end
            skipping = .tag(quote: nil, last: 0)
            return .passed
        }
        let name = bytes[start..<min(end, start + 64)].map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }
        position = end
        skipping = .tag(quote: nil, last: 0)
        // The rest of the tag says nothing more to us.
        let text = String(decoding: name, as: UTF8.self)
        if !isEnd {
            switch text {
            case "script", "style", "xmp", "iframe", "noembed", "noframes": raw = (name, false)
            case "title", "textarea": raw = (name, true)
            default: break
            }
        }
        return .token(isEnd ? .end(text) : .start(text))
    }

    private static func endsName(_ byte: UInt8) -> Bool { byte <= 0x20 || byte == UInt8(ascii: ">") || byte == UInt8(ascii: "/") }

    private mutating func literal() -> Outcome {
        position += 1
        return .token(.text([UInt8(ascii: "<")]))
    }

    private mutating func declaration() -> Outcome {
        let opening = Array("<!--".utf8)
        let rest = bytes[position...].prefix(4)
        guard rest.count == 4 || isLast || !opening.starts(with: rest) else { return .waits }
        if rest.elementsEqual(opening) {
            position += 4
            // "<!-->" and "<!--->" are whole comments.
            skipping = .comment
            position -= 2
        } else {
            skipping = .declaration
        }
        return .passed
    }

    /// Passes over the rest of what is skipped.
    /// - Returns: whether its end was found.
    private mutating func skip() -> Bool {
        switch skipping {
        case .tag(var quote, var last):
            while position < bytes.count {
                let byte = bytes[position]
                position += 1
                if let open = quote {
                    if byte == open { quote = nil }
                } else if byte == UInt8(ascii: ">") {
                    skipping = nil
                    return true
                } else if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'"), last == UInt8(ascii: "=") {
                    // Elsewhere it begins no value.
                    quote = byte
                }
                if byte > 0x20 { last = byte }
            }
            skipping = .tag(quote: quote, last: last)
        case .comment:
            while position < bytes.count {
                guard let dash = bytes[position...].firstIndex(of: UInt8(ascii: "-")) else {
                    position = bytes.count
                    break
                }
                position = dash
                guard dash + 2 < bytes.count else {
                    if isLast { position = bytes.count }
                    return false
                }
                if bytes[dash + 1] == UInt8(ascii: "-"), bytes[dash + 2] == UInt8(ascii: ">") {
                    position = dash + 3
                    skipping = nil
                    return true
                }
                position += 1
            }
        case .declaration:
            guard let end = bytes[position...].firstIndex(of: UInt8(ascii: ">")) else {
                position = bytes.count
                return false
            }
            position = end + 1
            skipping = nil
            return true
        case nil: return true
        }
        return false
    }
}
