extension HTTPRequestHead {
    private var parsedTarget: HTTPTarget { storage.target }

    /// The request target as it was sent.
    package var target: String { text(parsedTarget.target) }

    package var targetForm: HTTPTargetForm { parsedTarget.form }

    /// Host and port: the target's where it has one, else the `Host` header's (RFC 9112, section 3.2.2). Only HTTP/1.0 may leave it out.
    package var host: String? { storage.authority.map(text) }

    /// ``host`` in lower case and without its port; an IPv6 address keeps its brackets.
    package var hostName: String? {
        hostNameRange.map { range in storage.withBytes { String(decoding: $0[range].map(HTTPGrammar.lowercased), as: UTF8.self) } }
    }

    /// Whether ``hostName`` is one of these, without making a string of it.
    package func isHost(oneOf names: HTTPHostNames) -> Bool {
        guard let range = hostNameRange else { return false }
        return storage.withBytes { names.contains(UnsafeRawBufferPointer(rebasing: $0[range])) }
    }

    private var hostNameRange: Range<Int>? {
        guard let range = storage.authority else { return nil }
        return storage.withBytes { bytes in
            guard !range.isEmpty, bytes[range.upperBound - 1] != UInt8(ascii: "]") else { return range }
            var end = range.upperBound
            while end > range.lowerBound, HTTPGrammar.isDigit(bytes[end - 1]) { end &-= 1 }
            return end > range.lowerBound && bytes[end - 1] == UInt8(ascii: ":") ? range.lowerBound..<(end - 1) : range
        }
    }

    /// The path, percent-decoded: for people and logs. Routes compare ``pathSegments``, which tell `/` from `%2F`.
    package var path: String {
        if parsedTarget.path.isEmpty { return parsedTarget.form == .absolute ? "/" : "" }
        return parsedTarget.pathHasEscapes ? decoded(parsedTarget.path) : text(parsedTarget.path)
    }

    /// The path as it was sent.
    package var rawPath: String {
        parsedTarget.path.isEmpty && parsedTarget.form == .absolute ? "/" : text(parsedTarget.path)
    }

    /// The bytes of ``rawPath``, valid only inside `body`.
    package func withRawPath<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R {
        if parsedTarget.path.isEmpty, parsedTarget.form == .absolute {
            return withUnsafeBytes(of: UInt8(ascii: "/"), body)
        }
        let path = parsedTarget.path
        return storage.withBytes { body(UnsafeRawBufferPointer(rebasing: $0[path])) }
    }

    /// Whether the path holds percent-encodings, so that ``path`` differs from ``rawPath``.
    package var pathHasEscapes: Bool { parsedTarget.pathHasEscapes }

    /// What stands between the path's slashes, each percent-decoded: `/a/b%2Fc` is `["a", "b/c"]`, `/a/` is `["a", ""]`, `/` is `[""]`.
    /// Empty for a target that is no path (`*`, `host:port`).
    package var pathSegments: [String] {
        switch parsedTarget.form {
        case .asterisk, .authority: return []
        case .origin, .absolute: break
        }
        guard !parsedTarget.path.isEmpty else { return [""] }
        var segments: [String] = []
        var start = parsedTarget.path.lowerBound + 1
        storage.withBytes { bytes in
            for i in start..<parsedTarget.path.upperBound where bytes[i] == UInt8(ascii: "/") {
                segments.append(segment(start..<i))
                start = i + 1
            }
        }
        segments.append(segment(start..<parsedTarget.path.upperBound))
        return segments
    }

    /// What follows the first `?`, as it was sent; `nil` without one.
    package var query: String? { parsedTarget.query.map(text) }

    /// The query as `name=value` pairs in order, decoded; `+` is a space, a name without `=` has an empty value, empty pairs are skipped.
    package var queryItems: [(name: String, value: String)] {
        guard let query = parsedTarget.query else { return [] }
        var items: [(name: String, value: String)] = []
        let bytes = storage.withBytes { [UInt8]($0[query]) }
        for pair in bytes.split(separator: UInt8(ascii: "&")) {
            let equals = pair.firstIndex(of: UInt8(ascii: "="))
            func decoded(_ range: Range<Int>) -> String {
                self.decoded((query.lowerBound + range.lowerBound)..<(query.lowerBound + range.upperBound), plusIsSpace: true)
            }
            let name = decoded(pair.startIndex..<(equals ?? pair.endIndex))
            items.append((name, equals.map { decoded(($0 + 1)..<pair.endIndex) } ?? ""))
        }
        return items
    }

    /// The first value of a query parameter, decoded.
    package func queryValue(_ name: String) -> String? {
        parsedTarget.query == nil ? nil : queryItems.first { $0.name == name }?.value
    }

    private func segment(_ range: Range<Int>) -> String { parsedTarget.pathHasEscapes ? decoded(range) : text(range) }

    private func decoded(_ range: Range<Int>, plusIsSpace: Bool = false) -> String {
        storage.withBytes { bytes in
            String(decoding: HTTPPercentEncoding.decode(bytes, range, plusIsSpace: plusIsSpace), as: UTF8.self)
        }
    }
}
