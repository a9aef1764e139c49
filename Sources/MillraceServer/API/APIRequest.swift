import Millrace
import MillraceCore
import MillraceHTTP

/// A request that has passed the door: its route's parameters and who asks.
struct APIRequest: Sendable {
    let http: HTTPRequest
    /// The path's parameters by name; set once the route is found.
    var parameters: [String: String] = [:]
    let principal: Principal
    /// How many values a JSON body may have.
    let jsonValueLimit: Int
    /// What the body holds of the memory for bodies; `nil` where a route reads none.
    var share: BodyMemory.Share?

    var head: HTTPRequestHead { http.head }

    /// A path parameter of the route's pattern.
    func parameter(_ name: String) -> String { parameters[name] ?? "" }

    /// The whole body if it has come already, as that of a short request has; `nil` where ``body()`` has to wait.
    /// - Throws: as ``body()``.
    func receivedBody() throws -> [UInt8]? {
        guard let whole = http.body.takeWhole() else { return nil }
        try share?.grow(to: whole.count)
        return whole
    }

    /// The whole body.
    /// - Throws: ``Problem`` 503 when the bodies of all requests are too much together; ``MillraceError`` when the rest cannot be had.
    func body() async throws -> [UInt8] {
        var whole: [UInt8] = []
        while let piece = try await http.body.next(limit: .max) {
            try share?.grow(to: whole.count + piece.count)
            if whole.isEmpty { whole = piece } else { whole += piece }
        }
        return whole
    }

    /// The body as JSON.
    /// - Throws: ``Problem`` 400 for what is not JSON.
    func json() async throws -> JSONValue { try parse(try await body()) }

    /// Parses a JSON body.
    func parse(_ bytes: [UInt8]) throws -> JSONValue {
        if bytes.isEmpty { throw Problem(.badRequest, "the request has no body: send a JSON object") }
        return try JSONValue(parsing: bytes, mostValues: jsonValueLimit)
    }

    /// `limit` (1 to 1,000) and `cursor` of the query.
    func page() throws -> PageRequest {
        var page = PageRequest()
        if let text = head.queryValue("limit") {
            guard let limit = Int(text), (1...1000).contains(limit) else {
                throw Problem.fields([FieldProblem(field: "limit", message: "must be a number from 1 to 1000")])
            }
            page.limit = limit
        }
        page.cursor = head.queryValue("cursor")
        return page
    }
}

extension HTTPResponse {
    private static let jsonHeaders: HTTPHeaders = ["Content-Type": "application/json"]

    /// A JSON object.
    static func json(_ status: HTTPStatus = .ok, _ body: (inout JSONObjectWriter) -> Void) -> HTTPResponse {
        var buffer = ByteBuffer()
        buffer.appendJSONObject(body)
        return HTTPResponse(status, headers: jsonHeaders, body: .bytes(buffer.bytes))
    }
}
