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
    let storage: HTTPHeadStorage

    package var method: HTTPMethod { storage.method }
    package var version: HTTPVersion { storage.version }
    package var framing: HTTPBodyFraming { storage.framing }
    /// Whether the client lets the connection live on after this request.
    package var keepAlive: Bool { !storage.closes && (storage.version == .http11 || storage.keepsAlive) }
    /// Whether the client waits for `100 Continue` before it sends the body.
    package var expectsContinue: Bool {
        // HTTP/1.0 cannot read a 100, and without a body nobody waits for one (RFC 9110, section 10.1.1).
        storage.expects && storage.version == .http11 && storage.framing != .none && storage.framing != .length(0)
    }
    /// Whether there is an `Origin` header, as every request of a page to another origin has.
    package var hasOrigin: Bool { storage.hasOrigin }

    /// The number of header lines.
    package var headerCount: Int { storage.fieldCount }

    /// The first value of a header, the name in any case. Bytes that are not UTF-8 become U+FFFD.
    package subscript(name: String) -> String? {
        storage.firstIndex(of: name, from: 0).map { text(storage.field($0).value) }
    }

    /// Whether the first value of a header, the name in any case, is exactly that.
    package func has(_ name: String, _ value: StaticString) -> Bool {
        guard let index = storage.firstIndex(of: name, from: 0) else { return false }
        let range = storage.field(index).value
        return range.count == value.utf8CodeUnitCount
            && storage.withBytes { bytes in
                for i in 0..<range.count where bytes[range.lowerBound &+ i] != value.utf8Start[i] { return false }
                return true
            }
    }

    /// Every value of a header in order, the name in any case.
    package func values(of name: String) -> [String] {
        var values: [String] = []
        var index = 0
        while let found = storage.firstIndex(of: name, from: index) {
            values.append(text(storage.field(found).value))
            index = found + 1
        }
        return values
    }

    /// All headers in order, names as they were sent.
    package var headers: [(name: String, value: String)] {
        (0..<storage.fieldCount).map { (text(storage.field($0).name), text(storage.field($0).value)) }
    }

    /// The client's id for the request, where it sent one that is well-formed.
    var sentRequestID: HTTPRequestID? {
        guard storage.hasRequestID, let text = self["x-request-id"] else { return nil }
        return HTTPRequestID(text)
    }

    func text(_ range: Range<Int>) -> String {
        storage.withBytes { String(decoding: UnsafeRawBufferPointer(rebasing: $0[range]), as: UTF8.self) }
    }
}
