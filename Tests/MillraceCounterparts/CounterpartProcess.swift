import Glibc
import MillraceCore

/// A counterpart that runs beside the tests. It ends with ``stop()``, with the value, or with the test process, whose pipe it watches.
package final class CounterpartProcess: Sendable {
    private struct State {
        var lines: [String] = []
        var rest: [UInt8] = []
        var hasEnded = false
    }

    private let state: Monitor<State>
    private let process: pid_t
    private let inputEnd: Int32
    private let reader: Locked<NamedThread?>

    /// Starts a program, with its standard output and standard error taken as lines.
    package init(_ command: [String], environment: [String: String] = [:], directory: String = "/") throws {
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
        posix_spawn_file_actions_adddup2(&actions, output.writeEnd, 2)
        // A connection that lived on in here would hide from its peer that the tests have closed it.
        ProgramDescriptors.close(from: 3, in: &actions)
        // The shell outlives the test process by as long as it takes to notice, and takes the program with it; it ends with the program. What it
        // says itself ("[1]-  Done") is no line of the program's.
        let guardian = #"""
            set -m; cd "$1"; shift; exec 3<&0; "$@" </dev/null 3<&- & p=$!; exec 2>/dev/null; cat <&3 >/dev/null & w=$!
            wait -n $p $w; kill -9 -$p -$w 2>/dev/null; wait 2>/dev/null
            """#
        let words = ["/bin/bash", "-c", guardian, "counterpart", directory] + command
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        var variables: [UnsafeMutablePointer<CChar>?] = environment.map { strdup("\($0)=\($1)") }
        var place = environ
        while let variable = place.pointee {
            let name = String(cString: variable).prefix { $0 != "=" }
            if environment[String(name)] == nil { variables.append(strdup(variable)) }
            place += 1
        }
        variables.append(nil)
        defer { for pointer in arguments + variables { free(pointer) } }
        // A group of its own: whoever ends the group of the tests (a timeout does) must not end the shell, which would leave the program.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
        posix_spawnattr_setpgroup(&attributes, 0)
        var process = pid_t()
        let error = posix_spawn(&process, words[0], &actions, &attributes, &arguments, &variables)
        guard error == 0 else {
            close(input.writeEnd)
            close(output.readEnd)
            throw CounterpartMissing("cannot start \(command[0]): \(String(cString: strerror(error)))")
        }
        let state = Monitor(State())
        let outputEnd = output.readEnd
        self.process = process
        self.state = state
        inputEnd = input.writeEnd
        reader = Locked(try NamedThread(name: "counterpart") { Self.read(outputEnd, into: state) })
    }

    deinit { stop() }

    /// What it has written so far.
    package var lines: [String] {
        var lines: [String] = []
        state.update {
            lines = $0.lines
            return false
        }
        return lines
    }

    /// Waits for a line, past or to come.
    /// - Throws: when none comes, with the last lines that did.
    package func waitForLine(seconds: Int64 = 60, where matches: (String) -> Bool) throws -> String {
        var looked = 0
        let found: String?? = state.wait(nanoseconds: seconds * 1_000_000_000) { state in
            defer { looked = state.lines.count }
            if let line = state.lines[looked...].first(where: matches) { return .some(line) }
            return state.hasEnded ? .some(nil) : nil
        }
        guard case .some(.some(let line)) = found else {
            throw CounterpartMissing("a counterpart did not say what it should have: \(lines.suffix(20).joined(separator: "\n"))")
        }
        return line
    }

    /// Waits until something listens on a port of the loopback address. There is no event for that in another process: it is tried.
    package func waitForPort(_ port: Int, seconds: Int = 60) throws {
        for _ in 0..<seconds * 50 {
            if Self.canConnect(port) { return }
            var ended = false
            state.update {
                ended = $0.hasEnded
                return false
            }
            if ended { break }
            usleep(20_000)
        }
        throw CounterpartMissing("nothing listens on port \(port): \(lines.suffix(20).joined(separator: "\n"))")
    }

    /// Ends the program and waits for it. Calling it again does nothing.
    package func stop() {
        let running = reader.withLock { reader in
            defer { reader = nil }
            return reader
        }
        guard let running else { return }
        close(inputEnd)
        while waitpid(process, nil, 0) < 0, errno == EINTR {}
        running.join()
    }

    private static func canConnect(_ port: Int) -> Bool {
        let descriptor = Loopback.socket()
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return Loopback.connect(descriptor, port: port)
    }

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
                state.lines += lines.map { String(decoding: $0, as: UTF8.self) }
            }
            if count <= 0 { return }
        }
    }
}
