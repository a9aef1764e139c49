/// How a response's body ends (RFC 9112, section 6).
package enum HTTPFraming: Sendable, Equatable {
    /// No body and nothing said about one: 1xx, 204, 304, and HEAD of a response of unknown length.
    case none
    /// `Content-Length`, in bytes.
    case length(Int)
    /// `Transfer-Encoding: chunked`. HTTP/1.0 cannot read it and gets ``untilClose``.
    case chunked
    /// The end of the connection ends the body.
    case untilClose

    /// What the response to HEAD says: GET's length where it is known, and nothing else, since no body follows.
    package var ofHeadRequest: HTTPFraming {
        if case .length = self { self } else { .none }
    }

    /// What is really sent for a status and to a client of that version.
    func effective(_ status: HTTPStatus, _ version: HTTPVersion) -> HTTPFraming {
        if status.forbidsBody { return .none }
        return self == .chunked && version == .http10 ? .untilClose : self
    }
}
