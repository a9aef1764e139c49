import Millrace
import MillraceCore
import MillraceHTTP

/// What is wrong with one field of a request.
struct FieldProblem: Equatable, Sendable {
    /// The field's path, such as `parts[0].content`.
    var field: String
    var message: String
}

/// An error as a client gets it: `application/problem+json` (RFC 9457).
struct Problem: Error, Equatable {
    var status: HTTPStatus
    var detail: String
    var errors: [FieldProblem] = []
    var headers: [(name: String, value: String)] = []
    /// More members, such as the known handlers.
    var extra: [String: JSONValue] = [:]

    init(_ status: HTTPStatus, _ detail: String, errors: [FieldProblem] = [], headers: [(name: String, value: String)] = []) {
        self.status = status
        self.detail = detail
        self.errors = errors
        self.headers = headers
    }

    /// A request whose fields are wrong: 422 that names each.
    static func fields(_ errors: [FieldProblem]) -> Problem {
        Problem(
            .unprocessableContent, errors.map { "\($0.field): \($0.message)" }.joined(separator: "; "), errors: errors)
    }

    /// What any error becomes. The text of an error that is not ours stays in the log.
    static func of(_ error: any Error) -> Problem {
        if let problem = error as? Problem { return problem }
        guard let error = error as? MillraceError else {
            return Problem(.internalServerError, "the server failed; its log has the details under this request id")
        }
        var problem = Problem(ProblemStatus.of(error.code), error.message)
        if error.details["idempotency_key"] != nil {
            // The key was used with another body: a fault of this request, not of the state of things.
            problem.status = .unprocessableContent
            problem.errors = [FieldProblem(field: "Idempotency-Key", message: error.message)]
        }
        if problem.status == .internalServerError { problem.detail = "the server failed; its log has the details under this request id" }
        if let field = error.details["field"]?.string { problem.errors = [FieldProblem(field: field, message: error.message)] }
        if problem.status == .tooManyRequests || problem.status == .serviceUnavailable { problem.headers.append(("Retry-After", "1")) }
        return problem
    }

    /// The response. `instance` is the request's id.
    func response(requestID: String) -> HTTPResponse {
        var body = ByteBuffer()
        body.appendJSONObject { object in
            object.member("type", "about:blank")
            object.member("title", "\(status.reasonPhrase)")
            object.member("status", status.code)
            object.member("detail", detail)
            object.member("instance", requestID)
            if !errors.isEmpty {
                object.member("errors", array: errors) { error, object in
                    object.member("field", error.field)
                    object.member("message", error.message)
                }
            }
            for (name, value) in extra.sorted(by: { $0.key < $1.key }) { object.member(named: name, json: value) }
        }
        var response = HTTPResponse(status, headers: ["Content-Type": "application/problem+json"], body: .bytes(body.bytes))
        for header in headers { try? response.headers.add(header.name, header.value) }
        return response
    }

    static func == (left: Problem, right: Problem) -> Bool {
        left.status == right.status && left.detail == right.detail && left.errors == right.errors && left.extra == right.extra
            && left.headers.map(\.name) == right.headers.map(\.name) && left.headers.map(\.value) == right.headers.map(\.value)
    }
}
