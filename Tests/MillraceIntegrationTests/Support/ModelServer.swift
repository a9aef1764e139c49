import Glibc
import MillraceCore

/// One of the servers in `Providers`, in a process of its own: answers as model services do, and tells what it sees.
///
/// Directives in the prompt say how it answers and misbehaves; they are described in `Providers/model_server.py`. The process ends with
/// ``stop()``, with the value, or, as its standard input ends, with the test process.
final class ModelServer: Sendable {
    /// What the server saw, at a time of its own.
    struct Observation: Sendable, CustomStringConvertible {
        /// Nanoseconds of CLOCK_MONOTONIC, which is one clock for all processes of the machine.
        let nanoseconds: Int64
        /// What happened, such as `request_accepted`, `hanging` or `client_closed`.
        let event: String
        /// All fields, such as `request`, `tokens`, `tag`.
        let fields: JSONValue
        /// The request's tag, given by `#tag=NAME` in its prompt.
        let tag: String?

        init?(line: some StringProtocol) {
            guard let fields = try? JSONValue(parsing: String(line)), let time = fields["t"]?.integer, let event = fields["event"]?.string
            else { return nil }
            nanoseconds = Int64(time)
            self.event = event
            self.fields = fields
            tag = fields["tag"]?.string
        }

        /// How many tokens the server had sent.
        var tokens: Int? { fields["tokens"]?.integer }
        /// The connection's number; requests with the same one shared a connection.
        var connection: Int? { fields["connection"]?.integer }
        var description: String { fields.text }
    }

    private struct State {
        var firstLine: String?
        var rest: [UInt8] = []
        var observations: [Observation] = []
        var hasEnded = false
    }

    /// The API key that clients must send.
    static let key = "test-key"
    /// The address without a path: `http://127.0.0.1:PORT`, or `https://localhost:PORT` of `h2_server.py`.
    let url: String
    let port: Int
    /// A file with the certificate authority to trust; only of `h2_server.py`.
    let authorityFile: String?
    private let state: Monitor<State>
    private let processID: pid_t
    private let inputEnd: Int32
    private let reader: Locked<NamedThread?>

    /// The current time on the clock of ``Observation/nanoseconds``.
    static var now: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    /// Starts a server and waits until it listens; `nil` where Python is missing, which is said aloud.
    /// - Parameters:
    ///   - arguments: more arguments, such as `--bodies` for observations with the requests' bodies.
    ///   - script: `model_server.py`, which any Python 3.11 can run, or `h2_server.py`.
    ///   - key: the API key that clients must send.
    static func start(_ arguments: [String] = [], script: String = "model_server.py", key: String = key) throws -> ModelServer? {
        let own = script == "model_server.py" ? nil : Counterpart.python
        let python = own ?? (access(Counterpart.python, X_OK) == 0 ? Counterpart.python : "python3")
        guard Command.exists([python, "-c", own == nil ? "import asyncio" : "import h2"]) else {
            Counterpart.leftOut("Python for \(script)")
            return nil
        }
        return try ModelServer([python, Counterpart.provider(script), "--log", "-", "--until-eof", "--key", key] + arguments)
    }

    private init(_ command: [String]) throws {
        let (input, output) = (try Pipe(), try Pipe())
        defer {
            close(input.readEnd)
            close(output.writeEnd)
        }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, input.readEnd, 0)
        posix_spawn_file_actions_adddup2(&actions, output.writeEnd, 1)
        var pointers: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) } + [nil]
        defer { for pointer in pointers { free(pointer) } }
        var process = pid_t()
        let error = posix_spawnp(&process, command[0], &actions, nil, &pointers, environ)
        guard error == 0 else {
            close(input.writeEnd)
            close(output.readEnd)
            throw ClientFailure("cannot start \(command[0]): \(String(cString: strerror(error)))")
        }
        let state = Monitor(State())
        let outputEnd = output.readEnd
        processID = process
        inputEnd = input.writeEnd
        self.state = state
        reader = Locked(try NamedThread(name: "model-server") { Self.read(outputEnd, into: state) })
        // A first line that does not come is a server that has ended, and said why on standard error.
        let firstLine = state.wait(nanoseconds: 30_000_000_000) { $0.firstLine ?? ($0.hasEnded ? "" : nil) } ?? ""
        let words = firstLine.split(separator: " ")
        port = words.first.flatMap { Int($0) } ?? 0
        authorityFile = words.count > 1 ? String(words[1]) : nil
        url = authorityFile == nil ? "http://127.0.0.1:\(port)" : "https://localhost:\(port)"
        guard port > 0 else {
            stop()
            throw ClientFailure("\(command.joined(separator: " ")) did not say its port but '\(firstLine)'")
        }
    }

    deinit { stop() }

    /// All observations so far, in their order.
    func observations() -> [Observation] {
        var copy: [Observation] = []
        state.update { state in
            copy = state.observations
            return false
        }
        return copy
    }

    /// Blocks until the server has seen something, and returns the first such observation, past or to come.
    /// - Parameters:
    ///   - event: what happened, such as `client_closed`.
    ///   - tag: only of requests with this `#tag`.
    ///   - seconds: how long to wait at most.
    /// - Throws: when it does not happen in time; with all observations of that tag.
    func waitFor(_ event: String, tag: String? = nil, seconds: Int64 = 20) throws -> Observation {
        var looked = 0
        let found = state.wait(nanoseconds: seconds * 1_000_000_000) { state -> Observation? in
            defer { looked = state.observations.count }
            return state.observations[looked...].first { $0.event == event && (tag == nil || $0.tag == tag) }
        }
        guard let found else {
            let seen = observations().filter { tag == nil || $0.tag == tag }.suffix(20)
            throw ClientFailure("no \(event) of \(tag ?? "any request") in \(seconds) s, but \(seen.map(\.description))")
        }
        return found
    }

    /// How many requests with this tag the server has accepted. It is asked: what it has written may not have been read yet.
    func requestCount(tag: String) throws -> Int {
        let client = try TCPClient(port: port)
        let all = try client.ask("GET", "/_observations").json["observations"]?.array ?? []
        return all.count { $0["event"] == "request_accepted" && $0["tag"]?.string == tag }
    }

    /// Ends the process at once, in the middle of whatever it says.
    func kill() { Glibc.kill(processID, SIGKILL) }

    /// Ends the process by ending its standard input, and waits for it. Calling it again does nothing.
    func stop() {
        let running = reader.withLock { reader in
            defer { reader = nil }
            return reader
        }
        guard let running else { return }
        close(inputEnd)
        if state.wait(nanoseconds: 5_000_000_000, { $0.hasEnded ? true : nil }) == nil { kill() }
        while waitpid(processID, nil, 0) < 0, errno == EINTR {}
        running.join()
    }

    /// Reads lines to the end of the pipe: the first says where the server listens, the others are observations.
    private static func read(_ descriptor: Int32, into state: Monitor<State>) {
        defer { close(descriptor) }
        var chunk = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            state.updateAndWakeAll { state in
                guard count > 0 else {
                    state.hasEnded = true
                    return
                }
                state.rest += chunk[..<count]
                var lines = state.rest.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
                state.rest = Array(lines.removeLast())
                for line in lines {
                    let text = String(decoding: line, as: UTF8.self)
                    if state.firstLine == nil {
                        state.firstLine = text
                    } else if let observation = Observation(line: text) {
                        state.observations.append(observation)
                    }
                }
            }
            if count <= 0 { return }
        }
    }
}
