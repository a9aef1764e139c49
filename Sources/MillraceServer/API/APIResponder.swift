import Millrace
import MillraceCore
import MillraceHTTP

/// Answers every request: door, route, handler, and a problem for whatever goes wrong.
final class APIResponder: HTTPResponder {
    /// How a route is answered.
    enum Route: Sendable {
        /// At once, on the loop.
        case now(@Sendable (APIRequest) throws -> HTTPResponse)
        /// By a task on the connection's loop.
        case later(@Sendable (APIRequest) async throws -> HTTPResponse)
        /// As ``later(_:)``, with a body of any type and up to so many bytes, which is read as it comes.
        case upload(bodyLimit: Int, @Sendable (APIRequest) async throws -> HTTPResponse)
    }

    private let table: RouteTable
    private let routes: [Route]
    private let door: Door
    private let logger: Logger
    private let bodyLimit: Int
    private let jsonValueLimit: Int
    let bodyMemory: BodyMemory

    init(router: Router<Route>, settings: ServerSettings, logger: Logger) {
        table = router.table
        routes = router.values
        door = Door(settings: settings)
        self.logger = logger
        bodyLimit = settings.limits.bodyBytes
        jsonValueLimit = settings.limits.jsonValues
        bodyMemory = BodyMemory(limit: settings.limits.bodyMemoryBytes)
    }

    func reply(to request: consuming HTTPRequest) -> HTTPReply {
        var api = APIRequest(http: request, principal: .local, jsonValueLimit: jsonValueLimit)
        do {
            return try answer(&api)
        } catch {
            return .now(finish(problem(error, api.http), api.http))
        }
    }

    private func answer(_ request: inout APIRequest) throws -> HTTPReply {
        try door.check(request.head)
        let method = request.head.method
        switch table.match(method: method, head: request.head) {
        case .found(let index, let parameters):
            if !parameters.isEmpty { request.parameters = parameters }
            switch routes[index] {
            case .now(let body):
                try door.checkJSON(request.head)
                return .now(finish(try body(request), request.http))
            case .later(let body):
                try door.checkJSON(request.head)
                return later(bodyLimit: bodyLimit, body, request)
            case .upload(let bodyLimit, let body): return later(bodyLimit: bodyLimit, body, request)
            }
        case .methodNotAllowed(let allow):
            let allowed = allow.map(\.rawValue).joined(separator: ", ")
            if method == .options {
                var response = HTTPResponse(.noContent)
                try? response.headers.set("Allow", allowed)
                return .now(finish(response, request.http, isPreflight: true))
            }
            throw Problem(.methodNotAllowed, "\(method) is not allowed here; allowed: \(allowed)", headers: [("Allow", allowed)])
        case .notFound: throw Problem(.notFound, "there is nothing at \(request.head.rawPath)")
        }
    }

    private func later(bodyLimit: Int, _ body: @escaping @Sendable (APIRequest) async throws -> HTTPResponse, _ api: APIRequest)
        -> HTTPReply
    {
        .later(bodyLimit: bodyLimit) { [self] in
            var api = api
            api.share = BodyMemory.Share(of: bodyMemory)
            do {
                return finish(try await body(api), api.http)
            } catch {
                return finish(problem(error, api.http), api.http)
            }
        }
    }

    private func problem(_ error: any Error, _ request: HTTPRequest) -> HTTPResponse {
        let problem = Problem.of(error)
        if problem.status.code >= 500 {
            logger.error(
                "request failed",
                ["request_id": .string("\(request.id)"), "path": .string(request.head.rawPath), "error": .string("\(error)")])
        }
        return problem.response(requestID: request.id.description)
    }

    private func finish(_ response: HTTPResponse, _ request: HTTPRequest, isPreflight: Bool = false) -> HTTPResponse {
        guard request.head.hasOrigin else { return response }
        var response = response
        door.decorate(&response, for: request.head, isPreflight: isPreflight)
        return response
    }

    func refusal(_ status: HTTPStatus, reason: String, requestID: HTTPRequestID) -> HTTPResponse {
        Problem(status, reason).response(requestID: requestID.description)
    }

    func makeAccessLog() -> any HTTPAccessLog { AccessLog(logger: logger) }
}
