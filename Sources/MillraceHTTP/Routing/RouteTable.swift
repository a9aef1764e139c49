import MillraceCore

/// The paths and methods of a ``Router``, each route as a number: without a type parameter, so that it is compiled once for all.
package struct RouteTable: Sendable {
    package enum Match: Sendable {
        case found(Int, parameters: [String: String])
        case methodNotAllowed(allow: [HTTPMethod])
        case notFound
    }

    private struct Route: Sendable {
        let method: HTTPMethod
        let pattern: RoutePattern
        let parameterNames: [String]
        let index: Int
    }

    private struct Node: Sendable {
        var literals: [String: Int] = [:]
        var parameter: Int?
        /// A handful at most: looking through them is cheaper than hashing.
        var routes: [Route] = []
    }

    /// A pattern without parameters: most requests end here, without taking their path apart or making a string of it.
    private struct LiteralPath: Sendable {
        let start: Int
        let count: Int
        let node: Int
    }

    private var nodes = [Node()]
    private var literalPaths: [LiteralPath] = []
    /// The texts of ``literalPaths``, one behind the other.
    private var literalBytes: [UInt8] = []
    private var count = 0

    package init() {}

    /// Adds a route and returns its number, from 0.
    mutating func add(_ method: HTTPMethod, _ pattern: String) throws(MillraceError) -> Int {
        let pattern = try RoutePattern(parsing: pattern)
        var index = 0
        for segment in pattern.segments { index = child(of: index, for: segment) }
        if let other = nodes[index].routes.first(where: { $0.method == method }) {
            throw MillraceError(.configuration, "the routes \(method) \(pattern.text) and \(method) \(other.pattern.text) are the same")
        }
        nodes[index].routes.append(Route(method: method, pattern: pattern, parameterNames: pattern.parameterNames, index: count))
        if pattern.isLiteral, !literalPaths.contains(where: { $0.node == index }) {
            literalPaths.append(LiteralPath(start: literalBytes.count, count: pattern.text.utf8.count, node: index))
            literalBytes += pattern.text.utf8
        }
        count += 1
        return count - 1
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
        if !head.pathHasEscapes, let node = head.withRawPath(literalNode), let route = route(at: node, method) {
            return .found(route, parameters: [:])
        }
        return match(method: method, segments: head.pathSegments)
    }

    private func literalNode(_ path: UnsafeRawBufferPointer) -> Int? {
        literalBytes.withUnsafeBytes { bytes in
            search: for literal in literalPaths where literal.count == path.count {
                for i in 0..<path.count where path[i] != bytes[literal.start &+ i] { continue search }
                return literal.node
            }
            return nil
        }
    }

    func match(method: HTTPMethod, segments: [String]) -> Match {
        var allowed: Set<HTTPMethod> = []
        var captured: [String] = []
        if let (route, names) = find(method, segments[...], from: 0, &captured, &allowed) {
            var parameters: [String: String] = [:]
            for (name, value) in zip(names, captured) { parameters[name] = value }
            return .found(route, parameters: parameters)
        }
        guard !allowed.isEmpty else { return .notFound }
        if allowed.contains(.get) { allowed.insert(.head) }
        allowed.insert(.options)
        return .methodNotAllowed(allow: allowed.sorted { $0.rawValue < $1.rawValue })
    }

    private func route(at node: Int, _ method: HTTPMethod) -> Int? { place(at: node, method).map { nodes[node].routes[$0].index } }

    private func place(at node: Int, _ method: HTTPMethod) -> Int? {
        var get: Int?
        for i in nodes[node].routes.indices {
            if nodes[node].routes[i].method == method { return i }
            if method == .head, nodes[node].routes[i].method == .get { get = i }
        }
        return get
    }

    /// Depth first, literals before parameters; goes back where a literal leads to nothing for the method. The depth is bounded by the
    /// longest pattern, and each level branches in two at most.
    private func find(
        _ method: HTTPMethod, _ segments: ArraySlice<String>, from index: Int, _ captured: inout [String], _ allowed: inout Set<HTTPMethod>
    ) -> (route: Int, names: [String])? {
        guard let segment = segments.first else {
            if let place = place(at: index, method) {
                let route = nodes[index].routes[place]
                return (route.index, route.parameterNames)
            }
            allowed.formUnion(nodes[index].routes.map(\.method))
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
