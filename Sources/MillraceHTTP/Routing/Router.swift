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

    /// Finds a route's place in ``values``.
    package private(set) var table = RouteTable()
    /// What was added, in order.
    package private(set) var values: [Value] = []

    package init() {}

    /// Adds a route.
    /// - Throws: ``ErrorCode/configuration`` where the pattern is invalid, or where the method already has a route for the same paths,
    ///   whatever its parameters are called.
    package mutating func add(_ method: HTTPMethod, _ pattern: String, _ value: Value) throws(MillraceError) {
        let index = try table.add(method, pattern)
        precondition(index == values.count)
        values.append(value)
    }

    /// Finds the route for a request; HEAD is answered by GET's route where it has none of its own.
    package func match(method: HTTPMethod, head: HTTPRequestHead) -> Match {
        switch table.match(method: method, head: head) {
        case .found(let index, let parameters): .found(values[index], parameters: parameters)
        case .methodNotAllowed(let allow): .methodNotAllowed(allow: allow)
        case .notFound: .notFound
        }
    }
}
