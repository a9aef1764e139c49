package struct Router<Value: Sendable>: Sendable {
    package enum Match: Sendable { case found(Value, parameters: [String: String]); case methodNotAllowed(allow: [HTTPMethod]); case notFound }
    private var routes: [(HTTPMethod, [String], Value)] = []
    package init() {}
    package mutating func add(_ m: HTTPMethod, _ p: String, _ v: Value) throws { routes.append((m, p.split(separator: "/").map(String.init), v)) }
    package func match(method: HTTPMethod, head: HTTPRequestHead) -> Match {
        let segs = head.pathSegments
        var allow: [HTTPMethod] = []
        for (m, p, v) in routes where p.count == segs.count {
            var params: [String: String] = [:]
            var ok = true
            for (a, b) in zip(p, segs) { if a.hasPrefix("{") { params[String(a.dropFirst().dropLast())] = b } else if a != b { ok = false; break } }
            if ok { if m == method || (m == .get && method == .head) { return .found(v, parameters: params) }; allow.append(m) }
        }
        return allow.isEmpty ? .notFound : .methodNotAllowed(allow: allow)
    }
}
package struct MediaType { package var type: String; package var subtype: String
 package init?(parsing s: String) { let p = s.lowercased().split(separator: ";")[0].split(separator: "/"); guard p.count == 2 else { return nil }; type = String(p[0]); subtype = String(p[1]) } }
