package import MillraceCore

/// Finds what a method and a path stand for. A value that is filled at start-up and then only read.
///
/// Paths are compared by decoded segment, so `%2F` inside a parameter does not make a new segment. A literal segment beats a parameter;
/// a parameter matches one segment that is not empty; `/a/` is another path than `/a`.
package struct Router<Value: Sendable>: Sendable {
    package enum Match: Sendable {
        case found(Value, parameters: [String: String])
        /// The path is there, not for this method: what `Allow` says, sorted. An OPTIONS request gets this too unless it has a route.
        case methodNotAllowed(allow: [HTTPMethod])
        case notFound
    }

    private struct Route: Sendable {
        let pattern: RoutePattern
        let parameterNames: [String]
        let value: Value
    }

    private struct Node: Sendable {
        var literals: [String: Int] = [:]
        var parameter: Int?
        var routes: [HTTPMethod: Route] = [:]
    }

    private var nodes = [Node()]
    /// Nodes of patterns without parameters by their path: most requests end here without taking their path apart.
    private var literalPaths: [String: Int] = [:]

    package init() {}

    /// Adds a route.
    /// - Throws: ``ErrorCode/configuration`` where the pattern is invalid, or where the method already has a route for the same paths,
    ///   whatever its parameters are called.
    package mutating func add(_ method: HTTPMethod, _ pattern: String, _ value: Value) throws(MillraceError) {
        let pattern = try RoutePattern(parsing: pattern)
        var index = 0
        for segment in pattern.segments { index = child(of: index, for: segment) }
        if let other = nodes[index].routes[method] {
            throw MillraceError(.configuration, "the routes \(method) \(pattern.text) and \(method) \(other.pattern.text) are the same")
        }
        nodes[index].routes[method] = Route(pattern: pattern, parameterNames: pattern.parameterNames, value: value)
        if pattern.isLiteral { literalPaths[pattern.text] = index }
    }

    private mutating func child(of index: Int, for segment: RoutePattern.Segment) -> Int {
        let known =
            switch segment {
            case .literal(let text): nodes[index].literals[text]
            case .parameter: nodes[index].parameter
            }
        if let known { return known }
        let created = nodes.count
        nodes.append(Node())
        switch segment {
        case .literal(let text): nodes[index].literals[text] = created
        case .parameter: nodes[index].parameter = created
        }
        return created
    }

    /// Finds the route for a request; HEAD is answered by GET's route where it has none of its own.
    package func match(method: HTTPMethod, head: HTTPRequestHead) -> Match {
        switch head.targetForm {
        case .asterisk, .authority: return .notFound
        case .origin, .absolute: break
        }
        if !head.pathHasEscapes, let index = literalPaths[head.rawPath], let route = route(at: index, method) {
            return .found(route.value, parameters: [:])
        }
        return match(method: method, segments: head.pathSegments)
    }

    func match(method: HTTPMethod, segments: [String]) -> Match {
        var allowed: Set<HTTPMethod> = []
        var captured: [String] = []
        if let route = find(method, segments[...], from: 0, &captured, &allowed) {
            var parameters: [String: String] = [:]
            for (name, value) in zip(route.parameterNames, captured) { parameters[name] = value }
            return .found(route.value, parameters: parameters)
        }
        guard !allowed.isEmpty else { return .notFound }
        if allowed.contains(.get) { allowed.insert(.head) }
        allowed.insert(.options)
        return .methodNotAllowed(allow: allowed.sorted { $0.rawValue < $1.rawValue })
    }

    private func route(at index: Int, _ method: HTTPMethod) -> Route? {
        nodes[index].routes[method] ?? (method == .head ? nodes[index].routes[.get] : nil)
    }

    /// Depth first, literals before parameters; goes back where a literal leads to nothing for the method. The depth is bounded by the
    /// longest pattern, and each level branches in two at most.
    private func find(
        _ method: HTTPMethod, _ segments: ArraySlice<String>, from index: Int, _ captured: inout [String], _ allowed: inout Set<HTTPMethod>
    ) -> Route? {
        guard let segment = segments.first else {
            if let route = route(at: index, method) { return route }
            allowed.formUnion(nodes[index].routes.keys)
            return nil
        }
        if let next = nodes[index].literals[segment], let route = find(method, segments.dropFirst(), from: next, &captured, &allowed) {
            return route
        }
        if let next = nodes[index].parameter, !segment.isEmpty {
            captured.append(segment)
            if let route = find(method, segments.dropFirst(), from: next, &captured, &allowed) { return route }
            captured.removeLast()
        }
        return nil
    }
}
