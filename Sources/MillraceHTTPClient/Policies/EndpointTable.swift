import MillraceCore

/// What the policies know of each endpoint, for a bounded number of endpoints. A pure machine.
///
/// An endpoint keeps its place as long as somebody has a permit of it or waits for one. When there are too many, the one that was idle for
/// longest is forgotten.
struct EndpointTable: Sendable {
    /// The right to one exchange, to be given back once.
    struct Permit: Sendable {
        /// Scheme, host and port.
        let endpoint: String
        fileprivate let index: Int
        fileprivate var call: CircuitBreaker.Call
    }

    /// A place in the queue of an endpoint.
    struct Place: Hashable, Sendable {
        fileprivate let index: Int
        fileprivate let tenancy: Int
        fileprivate let ticket: ConcurrencyLimit.Ticket
    }

    enum Arrival {
        case admitted(Permit)
        case queued(Place, endpoint: String)
        case refused(Refusal)
        /// No endpoint has that alias: call ``requestArrived(at:alias:isRetry:now:)``.
        case unknown
    }

    enum Refusal: Equatable {
        case circuitOpen(endpoint: String, retryAfterNanoseconds: Int64)
        case queueFull(endpoint: String)
        case tooManyEndpoints
    }

    /// Why a retry does not happen.
    enum RetryDenial: String {
        case circuit
        case budget
    }

    /// A circuit that has opened, closed, or lets probes through.
    struct CircuitChange: Equatable {
        let endpoint: String
        let state: CircuitBreaker.State
    }

    private struct Endpoint {
        let name: String
        /// Tells the endpoints apart that have had the same index.
        let tenancy: Int
        var limit: ConcurrencyLimit
        var breaker: CircuitBreaker
        var budget: RetryBudget
        var usedAt: Int64
        var isIdle: Bool { limit.inUse == 0 && limit.waiting == 0 }
    }

    private let settings: HTTPPolicySettings
    private var endpoints: [Endpoint] = []
    private var indices: [String: Int] = [:]
    /// The beginnings of URLs as they were written, so that a URL is taken apart only once.
    private var aliases: [Substring: Int] = [:]
    private var tenancies = 0
    /// Changes of circuits that nobody has taken yet.
    private var changes: [CircuitChange] = []

    init(_ settings: HTTPPolicySettings) { self.settings = settings }

    // MARK: Arrivals

    /// A request wants a permit.
    /// - Parameter isRetry: whether the same request was sent before; it adds nothing to the budget of retries.
    mutating func requestArrived(alias: Substring, isRetry: Bool, now: Int64) -> Arrival {
        guard let index = aliases[alias] else { return .unknown }
        return requestArrived(at: index, isRetry: isRetry, now: now)
    }

    /// A request wants a permit of an endpoint that may be new.
    /// - Parameter alias: how its URL begins; `nil` when that does not tell the endpoint.
    mutating func requestArrived(at name: String, alias: Substring?, isRetry: Bool, now: Int64) -> Arrival {
        guard let index = indices[name] ?? add(name, now: now) else { return .refused(.tooManyEndpoints) }
        // A copy, so that the table does not keep whole URLs alive.
        if let alias, aliases.count < settings.endpoints * 4 { aliases[Substring(String(alias))] = index }
        return requestArrived(at: index, isRetry: isRetry, now: now)
    }

    private mutating func requestArrived(at index: Int, isRetry: Bool, now: Int64) -> Arrival {
        endpoints[index].usedAt = now
        if !isRetry { endpoints[index].budget.requestArrived() }
        // Nobody queues for an endpoint that is left alone anyway.
        if let wait = endpoints[index].breaker.refusal(now: now) {
            return .refused(.circuitOpen(endpoint: endpoints[index].name, retryAfterNanoseconds: wait))
        }
        switch endpoints[index].limit.requestArrived() {
        case .admitted: return enter(index, now: now)
        case .queued(let ticket):
            let place = Place(index: index, tenancy: endpoints[index].tenancy, ticket: ticket)
            return .queued(place, endpoint: endpoints[index].name)
        case .queueFull: return .refused(.queueFull(endpoint: endpoints[index].name))
        }
    }

    /// A waiter that was given a permit comes for it.
    /// - Returns: a refusal when the circuit has opened in the meantime; ``permitReturned(of:)`` is due then.
    mutating func waiterEntered(_ place: Place, now: Int64) -> Arrival { enter(place.index, now: now) }

    private mutating func enter(_ index: Int, now: Int64) -> Arrival {
        let before = endpoints[index].breaker.state
        let arrival = endpoints[index].breaker.callArrived(now: now)
        note(index, before)
        return switch arrival {
        case .admitted(let call): .admitted(Permit(endpoint: endpoints[index].name, index: index, call: call))
        case .refused(let wait): .refused(.circuitOpen(endpoint: endpoints[index].name, retryAfterNanoseconds: wait))
        }
    }

    // MARK: Leaving

    /// A waiter was cancelled or has waited for too long.
    /// - Returns: whether it has left the queue; otherwise it has its permit already.
    mutating func waiterLeft(_ place: Place) -> Bool {
        // Somebody who left before may say so again when the place belongs to another endpoint.
        endpoints[place.index].tenancy == place.tenancy && endpoints[place.index].limit.waiterLeft(place.ticket)
    }

    /// A waiter gives back the permit that it could not use.
    /// - Returns: the waiter that has it now.
    mutating func permitReturned(of place: Place) -> Place? { returnPermit(place.index) }

    /// An exchange is over.
    /// - Returns: the waiter that has its permit now.
    mutating func exchangeEnded(_ permit: Permit) -> Place? {
        endpoints[permit.index].breaker.callEnded(permit.call)
        return returnPermit(permit.index)
    }

    private mutating func returnPermit(_ index: Int) -> Place? {
        endpoints[index].limit.permitReturned().map { Place(index: index, tenancy: endpoints[index].tenancy, ticket: $0) }
    }

    // MARK: Outcomes

    /// The endpoint has answered, and not with an error of its own.
    mutating func exchangeSucceeded(_ permit: inout Permit) {
        let before = endpoints[permit.index].breaker.state
        endpoints[permit.index].breaker.callSucceeded(&permit.call)
        note(permit.index, before)
    }

    /// The endpoint has failed.
    mutating func exchangeFailed(_ permit: inout Permit, now: Int64) {
        let before = endpoints[permit.index].breaker.state
        endpoints[permit.index].breaker.callFailed(&permit.call, now: now)
        note(permit.index, before)
    }

    /// The request is to be sent again after a wait. Unless it is denied, the budget has one retry less.
    mutating func retryWanted(_ permit: Permit, afterNanoseconds wait: Int64, now: Int64) -> RetryDenial? {
        let (then, overflow) = now.addingReportingOverflow(wait)
        if endpoints[permit.index].breaker.refusal(now: overflow ? .max : then) != nil { return .circuit }
        return endpoints[permit.index].budget.retryWanted(now: now) ? nil : .budget
    }

    /// The changes of circuits since the last call.
    mutating func takeChanges() -> [CircuitChange] {
        if changes.isEmpty { return [] }
        defer { changes = [] }
        return changes
    }

    private mutating func note(_ index: Int, _ before: CircuitBreaker.State) {
        let state = endpoints[index].breaker.state
        if state != before { changes.append(CircuitChange(endpoint: endpoints[index].name, state: state)) }
    }

    // MARK: Places

    /// - Returns: `nil` when there is no place, since every endpoint is in use.
    private mutating func add(_ name: String, now: Int64) -> Int? {
        tenancies += 1
        let new = Endpoint(
            name: name, tenancy: tenancies, limit: ConcurrencyLimit(settings.limit), breaker: CircuitBreaker(settings.breaker),
            budget: RetryBudget(settings.budget, now: now), usedAt: now)
        if endpoints.count < settings.endpoints {
            endpoints.append(new)
            indices[name] = endpoints.count - 1
            return endpoints.count - 1
        }
        let idle = endpoints.indices.filter { endpoints[$0].isIdle }
        guard let oldest = idle.min(by: { endpoints[$0].usedAt < endpoints[$1].usedAt }) else { return nil }
        indices[endpoints[oldest].name] = nil
        aliases = aliases.filter { $0.value != oldest }
        endpoints[oldest] = new
        indices[name] = oldest
        return oldest
    }

    /// The state of an endpoint's circuit; closed when nothing is known of it.
    func circuit(of name: String) -> CircuitBreaker.State { indices[name].map { endpoints[$0].breaker.state } ?? .closed }

    /// Permits in use and waiters of an endpoint; `nil` when nothing is known of it.
    func load(of name: String) -> (inUse: Int, waiting: Int)? {
        indices[name].map { (endpoints[$0].limit.inUse, endpoints[$0].limit.waiting) }
    }
}
