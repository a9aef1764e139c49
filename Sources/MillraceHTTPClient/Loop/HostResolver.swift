import Glibc
package import MillraceCore
import MillraceEventLoop

/// Looks host names up on threads of its own, so that neither a loop nor a cancelled caller waits for the system's resolver.
///
/// All who ask for one name at a time share one look-up, so that a name server that does not answer costs one thread a name, however many
/// requests wait or were cancelled. Answers are kept; one that has become old is still used while it is looked up anew.
package final class HostResolver: Sendable {
    package typealias Lookup = @Sendable (_ host: String) -> Result<[String], MillraceError>

    /// The resolver that all clients of the process share, over `getaddrinfo`.
    package static let shared = HostResolver()

    /// How long an answer counts as fresh, in nanoseconds: the system does not say how long its name server's answer lasts.
    private static let freshNanoseconds: Int64 = 60_000_000_000
    /// How long an old answer is still used while it is looked up anew.
    private static let usableNanoseconds: Int64 = 600_000_000_000
    /// How many names are kept.
    private static let mostNames = 1024

    private struct Answer {
        let addresses: [String]
        let time: Int64
    }

    private struct State {
        var answers: [String: Answer] = [:]
        var waiting: [String: [LookupWaiter]] = [:]
        var queue: [String] = []
        var threads = 0
    }

    private let state = Locked(State())
    private let lookup: Lookup
    private let mostThreads: Int

    /// - Parameters:
    ///   - mostThreads: how many names are looked up at once; more wait (default: 16).
    ///   - lookup: gives a name's numeric addresses; called on a thread of its own, where it may block.
    package init(mostThreads: Int = 16, lookup: @escaping Lookup = HostResolver.system) {
        self.mostThreads = mostThreads
        self.lookup = lookup
    }

    /// Who waits for an answer. `deliver` is called once at most, on any thread.
    package final class LookupWaiter: Sendable {
        private let deliver: Locked<(@Sendable (Result<[String], MillraceError>) -> Void)?>
        init(_ deliver: @escaping @Sendable (Result<[String], MillraceError>) -> Void) { self.deliver = Locked(deliver) }
        func take(_ result: Result<[String], MillraceError>) {
            let deliver = deliver.withLock { deliver in
                defer { deliver = nil }
                return deliver
            }
            deliver?(result)
        }
        fileprivate func forget() { deliver.withLock { $0 = nil } }
    }

    /// Takes a question back: nothing is delivered afterwards, and nothing is kept for it. The look-up itself goes on for others.
    package func forget(_ waiter: LookupWaiter, _ host: String) {
        waiter.forget()
        state.withLock { $0.waiting[host]?.removeAll { $0 === waiter } }
    }

    /// The addresses of a name if they are known, and otherwise a waiter to whom they are delivered.
    package func resolve(
        _ host: String, _ deliver: @escaping @Sendable (Result<[String], MillraceError>) -> Void
    ) -> (known: [String]?, waiter: LookupWaiter?) {
        let now = EventLoop.clock()
        return state.withLock { state in
            if let answer = state.answers[host], now - answer.time < Self.usableNanoseconds {
                if now - answer.time > Self.freshNanoseconds, state.waiting[host] == nil { begin(host, [], &state) }
                return (answer.addresses, nil)
            }
            let waiter = LookupWaiter(deliver)
            if state.waiting[host] != nil {
                state.waiting[host]?.append(waiter)
            } else {
                begin(host, [waiter], &state)
            }
            return (nil, waiter)
        }
    }

    private func begin(_ host: String, _ waiters: [LookupWaiter], _ state: inout State) {
        state.waiting[host] = waiters
        state.queue.append(host)
        guard state.threads < mostThreads else { return }
        do {
            try NamedThread(name: "resolve") { [self] in work() }.detach()
            state.threads += 1
        } catch {
            // Without a thread the name waits for the next that ends; with none at all nobody would ever answer.
            guard state.threads == 0 else { return }
            state.queue.removeLast()
            for waiter in state.waiting.removeValue(forKey: host) ?? [] { waiter.take(.failure(error)) }
        }
    }

    /// Looks names up until none waits.
    private func work() {
        while let host = state.withLock({ state -> String? in
            guard !state.queue.isEmpty else {
                state.threads -= 1
                return nil
            }
            return state.queue.removeFirst()
        }) {
            let result = lookup(host)
            let now = EventLoop.clock()
            let waiters = state.withLock { state in
                if case .success(let addresses) = result {
                    if state.answers.count >= Self.mostNames, state.answers[host] == nil {
                        state.answers = state.answers.filter { now - $0.value.time < Self.freshNanoseconds }
                        if state.answers.count >= Self.mostNames { state.answers = [:] }
                    }
                    state.answers[host] = Answer(addresses: addresses, time: now)
                }
                return state.waiting.removeValue(forKey: host) ?? []
            }
            for waiter in waiters { waiter.take(result) }
        }
    }

    /// The system's resolver: `/etc/hosts`, DNS, and what else `nsswitch.conf` names (RFC 3493, section 6.1).
    package static let system: Lookup = { host in
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_ADDRCONFIG
        var list: UnsafeMutablePointer<addrinfo>?
        let status = getaddrinfo(host, nil, &hints, &list)
        guard status == 0 else {
            let reason = String(cString: gai_strerror(status))
            return .failure(
                MillraceError(
                    .unreachable, "the host name '\(host)' is not known (\(reason)): check the address and the name server",
                    isRetryable: status != EAI_NONAME))
        }
        defer { freeaddrinfo(list) }
        var addresses: [String] = []
        var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        var next = list
        while let entry = next {
            if getnameinfo(entry.pointee.ai_addr, entry.pointee.ai_addrlen, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST) == 0 {
                let bytes = text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
                let address = String(decoding: bytes, as: UTF8.self)
                if !addresses.contains(address) { addresses.append(address) }
            }
            next = entry.pointee.ai_next
        }
        return .success(addresses)
    }
}
