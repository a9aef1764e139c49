import Glibc
import MillraceCore

/// Runs a program once, without a shell, and takes what it prints.
///
/// The program has the environment it is given, no input, no descriptors but the three, and a process group of its own: at the time limit,
/// the output limit or a cancel, the whole group is killed. A thread of its own waits for it.
final class CredentialProcess: Sendable {
    private let command: [String]
    private let environment: [String: String]
    private let timeout: Duration
    private let outputLimit: Int
    /// Where a cancel is written, while the program runs.
    private let wakeEnd = Locked<Int32?>(nil)
    private let isCancelled = Locked(false)

    init(_ command: [String], environment: [String: String], timeout: Duration, outputLimit: Int = 256 << 10) {
        self.command = command
        self.environment = environment
        self.timeout = timeout
        self.outputLimit = outputLimit
    }

    /// What the program printed.
    /// - Throws: ``MillraceError`` with ``ErrorCode/awsCredentials``, which quotes standard error and never the output;
    ///   `CancellationError`.
    func run() async throws -> [UInt8] {
        try await withTaskCancellationHandler {
            try await withUnsafeThrowingContinuation { (continuation: UnsafeContinuation<[UInt8], any Error>) in
                do {
                    let thread = try NamedThread(name: "cred-process") { [self] in continuation.resume(with: Result { try perform() }) }
                    // It ends by itself: the program's time is limited.
                    thread.detach()
                } catch {
                    continuation.resume(throwing: error)
                }
            }
        } onCancel: {
            isCancelled.withLock { $0 = true }
            wakeEnd.withLock { end in
                var byte: UInt8 = 1
                if let end { _ = write(end, &byte, 1) }
            }
        }
    }

    private func failure(_ what: String, isRetryable: Bool = false) -> MillraceError {
        MillraceError(.awsCredentials, "the credential_process '\(command[0])' \(what)", isRetryable: isRetryable)
    }

    private func perform() throws -> [UInt8] {
        let wake = try SpawnedChild.pipe { self.failure($0) }
        wakeEnd.withLock { $0 = wake.writeEnd }
        defer {
            wakeEnd.withLock { $0 = nil }
            wake.close()
        }
        if isCancelled.withLock({ $0 }) { throw CancellationError() }
        var child = try SpawnedChild(program: try program(), command: command, environment: environment) { self.failure($0) }
        defer { child.close() }
        do {
            try wait(for: &child, wake: wake.readEnd)
        } catch {
            child.kill()
            throw error
        }
        guard child.status == 0 else {
            let said = child.errorText
            let how =
                child.status.map { $0 & 0x7F == 0 ? "ended with status \($0 >> 8)" : "was ended by signal \($0 & 0x7F)" } ?? "vanished"
            throw failure(how + (said.isEmpty ? " and said nothing on standard error" : ": \(said)"))
        }
        return child.output
    }

    private func wait(for child: inout SpawnedChild, wake: Int32) throws {
        let clock = ContinuousClock()
        let deadline = clock.now + timeout
        while true {
            let isOpen = child.outputEnd >= 0 || child.errorEnd >= 0
            // The program has no more to say: it must end now.
            if !isOpen, child.hasEnded() { return }
            let left = clock.now.duration(to: deadline)
            guard left > .zero else {
                throw failure("did not end within \(timeout.components.seconds) s", isRetryable: true)
            }
            var ends = [child.outputEnd, child.errorEnd, wake].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
            let milliseconds = Int32(clamping: left.components.seconds * 1000 + left.components.attoseconds / 1_000_000_000_000_000 + 1)
            guard poll(&ends, nfds_t(ends.count), isOpen ? milliseconds : 5) >= 0 || errno == EINTR else {
                throw failure("cannot be waited for: \(String(cString: strerror(errno)))")
            }
            if ends[2].revents != 0 { throw CancellationError() }
            if ends[0].revents != 0 { child.readOutput() }
            if ends[1].revents != 0 { child.readErrors() }
            guard child.output.count <= outputLimit else { throw failure("printed more than \(outputLimit >> 10) KiB") }
        }
    }

    /// The program's path, looked for as `execvp` does.
    private func program() throws -> String {
        let name = command[0]
        if name.contains("/") { return name }
        for directory in (environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin").split(separator: ":") {
            let path = "\(directory)/\(name)"
            if access(path, X_OK) == 0 { return path }
        }
        throw failure("is not in PATH: write its whole path")
    }
}

extension CredentialFetcher {
    /// Runs the profile's program (AWS SDKs and Tools Reference Guide, "Process credential provider").
    func ask(_ settings: CredentialSource.ProcessSettings) async throws -> AWSCredentials {
        let output = try await CredentialProcess(
            settings.command, environment: configuration.environment, timeout: processTimeout
        ).run()
        let document = try CredentialDocument(output, source: "the credential_process '\(settings.command[0])'")
        guard document["Version"]?.integer == 1 else {
            throw MillraceError(
                .awsCredentials, "the credential_process '\(settings.command[0])' printed an object whose Version is not 1")
        }
        return try document.credentials(tokenName: "SessionToken", origin: CredentialSource.process(settings).description)
    }
}
