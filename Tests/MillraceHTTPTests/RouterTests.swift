import MillraceCore
import MillraceHTTP
import Testing

@Suite struct RouterTests {
    static func router() throws -> Router<String> {
        var router = Router<String>()
        for (method, pattern) in [
            (HTTPMethod.get, "/"), (.get, "/healthz"), (.get, "/api/v1/runs"), (.get, "/api/v1/runs/{response_id}"),
            (.get, "/api/v1/runs/{response_id}/events"), (.post, "/api/v1/runs/{id}/cancel"), (.get, "/api/v1/runs/newest"),
            (.post, "/api/v1/runs/{id}"), (.get, "/api/v1/chats/{id}"), (.patch, "/api/v1/chats/{id}"), (.delete, "/api/v1/chats/{id}"),
            (.get, "/a/{x}/c"), (.get, "/a/b/d"), (.get, "/two/{first}/{second}"), (.head, "/own-head"), (.get, "/own-head"),
            (.options, "/own-options"), (.get, "/own-options"), (.get, "/café/{name}"),
        ] { try router.add(method, pattern, "\(method) \(pattern)") }
        return router
    }

    static func match(_ method: HTTPMethod, _ target: String) throws -> Router<String>.Match {
        try router().match(method: method, head: HTTPRequestHeadTests.head(target: target, method: method.rawValue))
    }

    @Test(
        arguments: [
            ("GET", "/", "GET /", [:]), ("GET", "/healthz", "GET /healthz", [:]), ("GET", "/healthz?a=b", "GET /healthz", [:]),
            ("GET", "/%68ealthz", "GET /healthz", [:]), ("GET", "http://b.example/healthz", "GET /healthz", [:]),
            ("GET", "http://b.example", "GET /", [:]), ("HEAD", "/healthz", "GET /healthz", [:]),
            ("HEAD", "/own-head", "HEAD /own-head", [:]),
            ("GET", "/api/v1/runs/r_1", "GET /api/v1/runs/{response_id}", ["response_id": "r_1"]),
            ("HEAD", "/api/v1/runs/r_1", "GET /api/v1/runs/{response_id}", ["response_id": "r_1"]),
            ("GET", "/api/v1/runs/r_1/events", "GET /api/v1/runs/{response_id}/events", ["response_id": "r_1"]),
            ("POST", "/api/v1/runs/r_1/cancel", "POST /api/v1/runs/{id}/cancel", ["id": "r_1"]),
            ("GET", "/api/v1/runs/newest", "GET /api/v1/runs/newest", [:]),
            ("POST", "/api/v1/runs/newest", "POST /api/v1/runs/{id}", ["id": "newest"]),
            ("GET", "/api/v1/runs/newest/events", "GET /api/v1/runs/{response_id}/events", ["response_id": "newest"]),
            ("GET", "/api/v1/runs/a%2Fb", "GET /api/v1/runs/{response_id}", ["response_id": "a/b"]),
            ("GET", "/api/v1/runs/{response_id}", "GET /api/v1/runs/{response_id}", ["response_id": "{response_id}"]),
            ("GET", "/a/b/c", "GET /a/{x}/c", ["x": "b"]), ("GET", "/a/b/d", "GET /a/b/d", [:]),
            ("GET", "/two/1/2", "GET /two/{first}/{second}", ["first": "1", "second": "2"]),
            ("OPTIONS", "/own-options", "OPTIONS /own-options", [:]), ("GET", "/caf%C3%A9/x", "GET /café/{name}", ["name": "x"]),
        ] as [(String, String, String, [String: String])])
    func path_findsItsRoute(method: String, target: String, route: String, parameters: [String: String]) throws {
        let match = try Self.match(HTTPMethod(rawValue: method), target)
        guard case .found(let value, let found) = match else {
            Issue.record("\(match)")
            return
        }
        #expect(value == route)
        #expect(found == parameters)
    }

    @Test func parametersOfAPathThatLedNowhere_areForgotten() throws {
        var router = Router<Int>()
        try router.add(.get, "/b/{y}/q", 1)
        try router.add(.get, "/{x}/{z}/r", 2)
        let match = router.match(method: .get, head: try HTTPRequestHeadTests.head(target: "/b/1/r"))
        guard case .found(2, let parameters) = match else {
            Issue.record("\(match)")
            return
        }
        #expect(parameters == ["x": "b", "z": "1"])
    }

    @Test(arguments: [
        "/healthz/", "/Healthz", "/health", "//healthz", "/api/v1/runs/", "/api/v1/runs//events", "/api/v1/runs/a/b", "/api/v1%2Fruns",
        "/api",
        "/./healthz", "/two//2",
    ])
    func otherPath_isNotFound(target: String) throws {
        guard case .notFound = try Self.match(.get, target) else {
            Issue.record("found \(target)")
            return
        }
    }

    @Test(arguments: [(HTTPMethod.options, "*"), (.connect, "a.example:80")]) func targetThatIsNoPath_isNotFound(
        method: HTTPMethod, target: String
    ) throws {
        guard case .notFound = try Self.match(method, target) else {
            Issue.record("found \(target)")
            return
        }
    }

    @Test(arguments: [
        ("POST", "/healthz", "GET HEAD OPTIONS"), ("OPTIONS", "/healthz", "GET HEAD OPTIONS"), ("BREW", "/", "GET HEAD OPTIONS"),
        ("get", "/", "GET HEAD OPTIONS"), ("PUT", "/api/v1/chats/c", "DELETE GET HEAD OPTIONS PATCH"),
        ("GET", "/api/v1/runs/r/cancel", "OPTIONS POST"), ("HEAD", "/api/v1/runs/r/cancel", "OPTIONS POST"),
        ("DELETE", "/api/v1/runs/newest", "GET HEAD OPTIONS POST"),
    ])
    func otherMethod_isNotAllowed(method: String, target: String, allow: String) throws {
        let match = try Self.match(HTTPMethod(rawValue: method), target)
        guard case .methodNotAllowed(let methods) = match else {
            Issue.record("\(match)")
            return
        }
        #expect(methods.map(\.rawValue).joined(separator: " ") == allow)
    }

    @Test(arguments: [("/a", "/a"), ("/a/{x}", "/a/{x}"), ("/a/{x}/b", "/a/{y}/b")]) func sameRouteTwice_isRefused(
        first: String, second: String
    ) throws {
        var router = Router<Int>()
        try router.add(.get, first, 1)
        try router.add(.post, second, 2)
        #expect(throws: MillraceError.self) { try router.add(.get, second, 3) }
    }

    @Test(arguments: ["", "a", "/{", "/{}", "/{a", "/a}", "/x{a}", "/{a}x", "/{a b}", "/{a}/{a}", "/a%20b", "/a?b"])
    func invalidPattern_isRefused(pattern: String) {
        var router = Router<Int>()
        #expect(throws: MillraceError.self) { try router.add(.get, pattern, 1) }
    }
}
