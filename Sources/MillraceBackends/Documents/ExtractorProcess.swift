import CLinux
import Glibc
import Millrace
import MillraceCore

/// A running `millrace-extract` and the pipes to it.
///
/// `@unchecked Sendable`: ``kill()`` is guarded by a lock; all else is done by one piece of work at a time, each of which its caller awaits.
final class ExtractorProcess: @unchecked Sendable {
    /// What came of waiting.
    enum Step: Equatable {
        /// Lines of its output, without their ends.
        case lines([[UInt8]])
        /// All that was given has been taken.
        case wantsInput
        /// It has ended, and this is how.
        case ended(ExtractorEnd)
    }

    private let process: pid_t
    /// Whether its number is still its own.
    private let isAlive = Locked(true)
    /// -1 once closed.
    private var inputEnd: Int32
    private var outputEnd: Int32
    private var errorEnd: Int32
    private var splitter = FrameSplitter()
    private var said: [UInt8] = []
    private var ending: ExtractorEnd?
    private var pending: [UInt8] = []
    private var written = 0
    private var buffer = [UInt8](repeating: 0, count: 64 << 10)

    /// How much of what it writes to standard error is kept.
    private static let errorBytes = 2048

    /// Starts the program in a group of its own, with nothing of this process but the pipes and a file without a name.
    init(program: String, _ arguments: [String], spool directory: String) throws(MillraceError) {
        var opened: [Int32] = []
        // The number of none is below ten, so that none overwrites another when they get their places.
        func keep(_ descriptor: Int32) -> Int32? {
            guard descriptor >= 0 else { return nil }
            let kept = fcntl(descriptor, F_DUPFD_CLOEXEC, 10)
            close(descriptor)
            guard kept >= 0 else { return nil }
            opened.append(kept)
            return kept
        }
        func pipe() -> (Int32, Int32)? {
            guard let pipe = try? Pipe() else { return nil }
            let (first, second) = (keep(pipe.readEnd), keep(pipe.writeEnd))
            if let first, let second { return (first, second) }
            return nil
        }
        guard let spool = keep(SpoolFile.open(in: directory)), let input = pipe(), let output = pipe(), let errors = pipe() else {
            let error = errno
            for descriptor in opened { close(descriptor) }
            throw Self.notStarted(error)
        }
        var process = pid_t()
        let error = Self.spawn(program, arguments, [input.0, output.1, errors.1, spool], &process)
        for descriptor in [input.0, output.1, errors.1, spool] { close(descriptor) }
        (inputEnd, outputEnd, errorEnd) = (input.1, output.0, errors.0)
        self.process = process
        guard error == 0 else {
            for descriptor in [inputEnd, outputEnd, errorEnd] { close(descriptor) }
            throw Self.notStarted(error)
        }
        for descriptor in [inputEnd, outputEnd, errorEnd] { _ = fcntl(descriptor, F_SETFL, O_NONBLOCK) }
    }

    private static func notStarted(_ error: Int32) -> MillraceError {
        MillraceError(
            .extractionFailed, "the program that reads documents cannot be started: \(String(cString: strerror(error)))", isRetryable: true)
    }

    private static func spawn(_ program: String, _ arguments: [String], _ descriptors: [Int32], _ process: inout pid_t) -> Int32 {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for (place, descriptor) in descriptors.enumerated() { posix_spawn_file_actions_adddup2(&actions, descriptor, Int32(place)) }
        cl_spawn_bare(&actions, Int32(descriptors.count))
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var (none, all) = (sigset_t(), sigset_t())
        sigemptyset(&none)
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP))
        // Only where the libraries are, which an installation may need to say.
        let variables = getenv("LD_LIBRARY_PATH").map { ["LD_LIBRARY_PATH=" + String(cString: $0)] } ?? []
        var words: [UnsafeMutablePointer<CChar>?] = ([program] + arguments).map { strdup($0) } + [nil]
        var environment: [UnsafeMutablePointer<CChar>?] = variables.map { strdup($0) } + [nil]
        defer { for pointer in words + environment { free(pointer) } }
        return posix_spawn(&process, program, &actions, &attributes, &words, &environment)
    }

    /// Kills the process and what it has started, from any thread. Its descriptors stay until ``end()``.
    func kill() {
        isAlive.withLock { if $0 { _ = Glibc.kill(-process, SIGKILL) } }
    }

    /// Kills what still runs, waits for it, and closes all.
    func end() {
        _ = reap(killing: true)
        for descriptor in [inputEnd, outputEnd, errorEnd] where descriptor >= 0 { close(descriptor) }
        (inputEnd, outputEnd, errorEnd) = (-1, -1, -1)
    }

    /// Gives it the next bytes, or the end. Only when it wants them.
    func give(_ bytes: [UInt8]?) {
        if let bytes {
            pending = bytes
            written = 0
        } else {
            closeInput()
        }
    }

    /// Whether it takes no bytes any more: all were given, or it has read enough.
    var isInputClosed: Bool { inputEnd < 0 }

    private func closeInput() {
        if inputEnd >= 0 { close(inputEnd) }
        inputEnd = -1
        pending = []
        written = 0
    }

    /// Moves bytes both ways until there is something to say. It blocks.
    /// - Parameter deadline: on the monotonic clock, in nanoseconds.
    /// - Throws: ``ErrorCode/extractionTimeout``.
    func step(deadline: Int64) throws(MillraceError) -> Step {
        while true {
            if let ending { return .ended(ending) }
            let hasInput = written < pending.count
            var ready = [
                pollfd(fd: outputEnd, events: Int16(POLLIN), revents: 0), pollfd(fd: errorEnd, events: Int16(POLLIN), revents: 0),
                pollfd(fd: hasInput ? inputEnd : -1, events: Int16(POLLOUT), revents: 0),
            ]
            // What it has said already comes first; then it may have more bytes.
            let isDone = !hasInput && inputEnd >= 0
            let left = isDone ? 0 : max(deadline - MonotonicClock.now(), 0)
            let count = poll(&ready, 3, Int32(clamping: (left + 999_999) / 1_000_000))
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                if isDone { return .wantsInput }
                throw Self.tookTooLong
            }
            if ready[1].revents != 0 { readErrors() }
            if ready[2].revents != 0 { write() }
            if ready[0].revents != 0, let step = try readOutput(deadline) { return step }
        }
    }

    private static let tookTooLong = MillraceError(
        .extractionTimeout, "the document takes longer to read than it may: split it, or raise the limit")

    private func write() {
        let count = pending.withUnsafeBytes { Glibc.write(inputEnd, $0.baseAddress.map { $0 + written }, $0.count - written) }
        if count > 0 { written += count } else if errno != EINTR, errno != EAGAIN { closeInput() }
    }

    private func readErrors() {
        let count = read(errorEnd, &buffer, buffer.count)
        if count > 0 { said = Array((said + buffer[..<count]).suffix(Self.errorBytes)) }
        guard count == 0 || count < 0 && errno != EINTR && errno != EAGAIN else { return }
        close(errorEnd)
        errorEnd = -1
    }

    private func readOutput(_ deadline: Int64) throws(MillraceError) -> Step? {
        let count = read(outputEnd, &buffer, buffer.count)
        if count < 0, errno == EINTR || errno == EAGAIN { return nil }
        if count > 0 {
            let lines = try splitter.receive(buffer[..<count])
            return lines.isEmpty ? nil : .lines(lines)
        }
        // It has said all that it will, and ends, or else only looks so.
        while !hasEnded() {
            guard MonotonicClock.now() < deadline else { throw Self.tookTooLong }
            usleep(1000)
        }
        while errorEnd >= 0, poll1(errorEnd) { readErrors() }
        ending = reap(killing: false)
        return ending.map { .ended($0) }
    }

    private func poll1(_ descriptor: Int32) -> Bool {
        var ready = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&ready, 1, 0) > 0
    }

    private func hasEnded() -> Bool {
        var information = siginfo_t()
        return waitid(P_PID, id_t(process), &information, Int32(WEXITED | WNOWAIT | WNOHANG)) < 0 && errno != EINTR
            || information.si_signo != 0
    }

    /// Waits for the process and, where this process inherits them, for what it had started.
    private func reap(killing: Bool) -> ExtractorEnd? {
        // The number is free for others once the process was waited for.
        let isMine = isAlive.withLock { $0 }
        guard isMine else { return ending }
        var information = siginfo_t()
        if killing { _ = Glibc.kill(-process, SIGKILL) }
        while waitid(P_PID, id_t(process), &information, Int32(WEXITED | WNOWAIT)) < 0, errno == EINTR {}
        // What it left behind ends with it.
        kill()
        return isAlive.withLock { isAlive in
            isAlive = false
            var found: ExtractorEnd?
            while true {
                var status: Int32 = 0
                let ended = waitpid(-process, &status, 0)
                if ended < 0, errno == EINTR { continue }
                guard ended > 0 else { return found }
                if ended == process { found = ExtractorEnd(status: status, said: String(decoding: said, as: UTF8.self)) }
            }
        }
    }
}

/// Time that only moves forward.
enum MonotonicClock {
    /// In nanoseconds.
    static func now() -> Int64 {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        return Int64(now.tv_sec) * 1_000_000_000 + Int64(now.tv_nsec)
    }
}
