/// How long a request's body is (RFC 9112, section 6.3).
package enum HTTPBodyFraming: Sendable, Equatable {
    /// The request has no body.
    case none
    /// `Content-Length`, in bytes.
    case length(Int)
    /// `Transfer-Encoding: chunked`.
    case chunked
}

/// A request's head, checked by ``HTTPRequestParser``.
///
/// It keeps one copy of the head's bytes with the offsets of its parts; strings are made only when somebody asks for them.
package struct HTTPRequestHead: Sendable {
    struct Field: Sendable {
        var nameStart: UInt32
        var nameEnd: UInt32
        var valueStart: UInt32
        var valueEnd: UInt32

        var name: Range<Int> { Int(nameStart)..<Int(nameEnd) }
        var value: Range<Int> { Int(valueStart)..<Int(valueEnd) }
    }

    let bytes: [UInt8]
    let fields: [Field]
    let parsedTarget: HTTPTarget
    let hostRange: Range<Int>?

    package let method: HTTPMethod
    package let version: HTTPVersion
    package let framing: HTTPBodyFraming
    /// Whether the client lets the connection live on after this request.
    package let keepAlive: Bool
    /// Whether the client waits for `100 Continue` before it sends the body.
    package let expectsContinue: Bool

    /// The number of header lines.
    package var headerCount: Int { fields.count }

    /// The first value of a header, the name in any case. Bytes that are not UTF-8 become U+FFFD.
    package subscript(name: String) -> String? {
        firstIndex(of: name, from: 0).map { text(fields[$0].value) }
    }

    /// Every value of a header in order, the name in any case.
    package func values(of name: String) -> [String] {
        var values: [String] = []
        var index = 0
        while let found = firstIndex(of: name, from: index) {
            values.append(text(fields[found].value))
            index = found + 1
        }
        return values
    }

    /// All headers in order, names as they were sent.
    package var headers: [(name: String, value: String)] { fields.map { (text($0.name), text($0.value)) } }

    private func firstIndex(of name: String, from start: Int) -> Int? {
        var name = name
        return name.withUTF8 { name in
            bytes.withUnsafeBufferPointer { bytes in
                var index = start
                search: while index < fields.count {
                    let range = fields[index].name
                    index &+= 1
                    guard range.count == name.count else { continue }
                    for i in 0..<name.count
                    where HTTPGrammar.lowercased(bytes[range.lowerBound &+ i]) != HTTPGrammar.lowercased(name[i]) { continue search }
                    return index - 1
                }
                return nil
            }
        }
    }

    func text(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }
}
