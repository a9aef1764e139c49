import Glibc
import MillraceCore
import MillraceHTTPClient

/// A Redis server with the connections to it, and what is known of whether it works. It blocks, for its timeouts at most.
final class RedisServer: Sendable {
    private struct State {
        var idle: [RedisConnection] = []
        var backoff = RedisBackoff()
    }

    private let endpoint: RedisEndpoint
    private let answerByteLimit: Int
    private let connectNanoseconds: Int64
    private let commandNanoseconds: Int64
    private let state = Locked(State())

    init(_ endpoint: RedisEndpoint, answerByteLimit: Int, connectNanoseconds: Int64, commandNanoseconds: Int64) {
        self.endpoint = endpoint
        self.answerByteLimit = answerByteLimit
        self.connectNanoseconds = connectNanoseconds
        self.commandNanoseconds = commandNanoseconds
    }

    /// Whether it failed just before and is left alone.
    var isResting: Bool { state.withLock { $0.backoff.isResting(at: now) } }

    /// Until when work that is queued now must have begun.
    func latestStart() -> Int64 { Self.sum(now, commandNanoseconds) }

    /// Sends a command, on a connection that is left from before where there is one.
    ///
    /// One that broke meanwhile, as all do when the server is started anew, is replaced once: every command that is sent here may be repeated.
    func ask(_ command: [[UInt8]], password: String?, latestStart: Int64) throws(RedisFailure) -> RedisReply {
        guard now <= latestStart else { throw .timedOut }
        let (attempt, idle) = state.withLock { state in
            let attempt = state.backoff.begin(at: now)
            return (attempt, attempt == nil ? nil : state.idle.popLast())
        }
        guard let attempt else { throw .resting }
        do {
            let (connection, reply) = try exchange(command, idle, password)
            state.withLock { state in
                state.idle.append(connection)
                state.backoff.succeeded(attempt)
            }
            return reply
        } catch {
            state.withLock { state in
                if case .tooLong = error {
                    // The server is well; somebody else's value was under the key.
                    state.backoff.succeeded(attempt)
                } else {
                    state.backoff.failed(attempt, at: now)
                    // Whatever it is, it concerns the others as well.
                    state.idle = []
                }
            }
            throw error
        }
    }

    private func exchange(
        _ command: [[UInt8]], _ idle: RedisConnection?, _ password: String?
    ) throws(RedisFailure) -> (RedisConnection, RedisReply) {
        if let idle {
            do { return (idle, try idle.exchange(command, deadline: Self.sum(now, commandNanoseconds))) } catch {
                guard case .lost = error else { throw error }
            }
        }
        let connection = try connect(password, deadline: Self.sum(now, connectNanoseconds))
        return (connection, try connection.exchange(command, deadline: Self.sum(now, commandNanoseconds)))
    }

    private func connect(_ password: String?, deadline: Int64) throws(RedisFailure) -> RedisConnection {
        let connection = try open(deadline)
        var greetings: [[String]] = []
        if let password { greetings.append(["AUTH"] + (endpoint.user.map { [$0] } ?? []) + [password]) }
        if endpoint.database != 0 { greetings.append(["SELECT", "\(endpoint.database)"]) }
        if greetings.isEmpty { greetings = [["PING"]] }
        for greeting in greetings {
            let reply = try connection.exchange(greeting.map { Array($0.utf8) }, deadline: deadline)
            guard case .error(let text) = reply else { continue }
            // A server that does not know AUTH repeats its arguments, cut off somewhere.
            throw .refused(String(text[..<(text.firstRange(of: ", with args")?.lowerBound ?? text.endIndex)]))
        }
        return connection
    }

    private func open(_ deadline: Int64) throws(RedisFailure) -> RedisConnection {
        guard case .tcp(let host, let port) = endpoint.place else {
            return try RedisConnection(endpoint.place, answerByteLimit: answerByteLimit, deadline: deadline)
        }
        var failure = RedisFailure.unreachable("the host name '\(host)' has no address")
        for address in try addresses(of: host, deadline) {
            do {
                return try RedisConnection(.tcp(host: address, port: port), answerByteLimit: answerByteLimit, deadline: deadline)
            } catch { failure = error }
        }
        throw failure
    }

    /// The host's numeric addresses. The system's resolver knows no deadline, so it works on a thread of its own.
    private func addresses(of host: String, _ deadline: Int64) throws(RedisFailure) -> [String] {
        var (numeric4, numeric6) = (in_addr(), in6_addr())
        if inet_pton(AF_INET, host, &numeric4) == 1 || inet_pton(AF_INET6, host, &numeric6) == 1 { return [host] }
        // Known without asking (RFC 6761, section 6.3).
        if host == "localhost" { return ["127.0.0.1", "::1"] }
        let answer = Monitor<Result<[String], MillraceError>?>(nil)
        let (known, waiter) = HostResolver.shared.resolve(host) { result in
            answer.updateAndWakeAll { $0 = result }
        }
        if let known { return known }
        let result = answer.wait(nanoseconds: max(deadline - now, 0)) { $0 }
        guard let result else {
            if let waiter { HostResolver.shared.forget(waiter, host) }
            throw .timedOut
        }
        do throws(MillraceError) { return try result.get() } catch { throw .unreachable(error.message) }
    }

    private var now: Int64 { TimeSource.system.monotonic() }

    private static func sum(_ left: Int64, _ right: Int64) -> Int64 {
        let (sum, overflow) = left.addingReportingOverflow(right)
        return overflow ? .max : sum
    }
}
