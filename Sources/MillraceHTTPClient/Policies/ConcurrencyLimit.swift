/// At most so many exchanges at once, and a bounded queue in the order of arrival for the others. A pure machine.
///
/// A permit that is given back goes to the first in the queue directly, so that nobody who arrives later can overtake.
struct ConcurrencyLimit: Equatable, Sendable {
    /// A place in the queue. Never used again.
    struct Ticket: Hashable, Sendable {
        fileprivate let number: UInt64
    }

    enum Arrival: Equatable {
        case admitted
        case queued(Ticket)
        case queueFull
    }

    private let most: Int
    private let longestQueue: Int
    /// Permits in use.
    private(set) var inUse = 0
    private var tickets: UInt64 = 0
    /// In the order of arrival, so also of their numbers; those before `first` are gone.
    private var queue: [Ticket] = []
    private var first = 0

    init(_ settings: HTTPPolicySettings.Limit) {
        most = settings.exchanges
        longestQueue = settings.queue
    }

    /// How many wait.
    var waiting: Int { queue.count - first }

    /// A request wants a permit.
    mutating func requestArrived() -> Arrival {
        if inUse < most {
            inUse += 1
            return .admitted
        }
        guard waiting < longestQueue else { return .queueFull }
        tickets += 1
        queue.append(Ticket(number: tickets))
        return .queued(Ticket(number: tickets))
    }

    /// A permit has been given back.
    /// - Returns: the waiter that has the permit now.
    mutating func permitReturned() -> Ticket? {
        guard first < queue.count else {
            inUse -= 1
            return nil
        }
        let next = queue[first]
        first += 1
        if first == queue.count {
            queue.removeAll(keepingCapacity: true)
            first = 0
        } else if first >= 64, first * 2 >= queue.count {
            queue.removeFirst(first)
            first = 0
        }
        return next
    }

    /// A waiter was cancelled or has waited for too long.
    /// - Returns: whether it has left the queue; `false` when it has its permit already, or has left before.
    mutating func waiterLeft(_ ticket: Ticket) -> Bool {
        var low = first
        var high = queue.count
        while low < high {
            let middle = (low + high) / 2
            if queue[middle].number < ticket.number { low = middle + 1 } else { high = middle }
        }
        guard low < queue.count, queue[low] == ticket else { return false }
        queue.remove(at: low)
        return true
    }
}
