import Glibc
import MillraceBackends
import MillraceCore
import Testing

@Suite struct DataDirectoryTests {
    @Test func secondLock_isRefused_namingTheProcess_untilTheFirstEnds() async throws {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/deep/data"
        do {
            let first = try DataDirectory(path: path)
            #expect(first.databasePath == "\(path)/millrace.db")
            let error = await expectError(.conflict) { _ = try DataDirectory(path: path) }
            #expect(error?.message.contains("'\(path)'") == true)
            #expect(error?.message.contains("process \(getpid())") == true)
            #expect(error?.message.contains("--data-dir") == true)
            var status = stat()
            #expect(stat(path, &status) == 0 && status.st_mode & 0o777 == 0o700)
            #expect(first.path == path)
        }
        _ = try DataDirectory(path: path)
    }

    /// A clock that only a wait moves, and what happens while it waits.
    private final class Waiting: Sendable {
        private let state = Locked((now: Int64(0), holders: [String](), pauses: 0))
        private let paused: @Sendable (Int) -> Void
        init(_ paused: @escaping @Sendable (Int) -> Void = { _ in }) { self.paused = paused }

        func wait(seconds: Int64) -> DataDirectory.LockWait {
            DataDirectory.LockWait(
                patience: seconds * 1_000_000_000, began: { holder in self.state.withLock { $0.holders.append(holder) } },
                clock: { self.state.withLock { $0.now } },
                pause: { time in
                    let pauses = self.state.withLock { state in
                        state.now += time
                        state.pauses += 1
                        return state.pauses
                    }
                    self.paused(pauses)
                })
        }
        var holders: [String] { state.withLock { $0.holders } }
        var now: Int64 { state.withLock { $0.now } }
    }

    @Test func lockThatIsLetGoWhileWaiting_isTaken_andTheWaitIsToldOnce() throws {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/data"
        _ = try DataDirectory(path: path)
        let held = open("\(path)/millrace.lock", O_RDWR | O_CLOEXEC)
        #expect(flock(held, LOCK_EX | LOCK_NB) == 0)
        let waiting = Waiting { if $0 == 7 { close(held) } }
        let taken = try DataDirectory(path: path, wait: waiting.wait(seconds: 60))
        #expect(taken.path == path)
        #expect(waiting.holders == ["process \(getpid())"])
        #expect(waiting.now < 1_000_000_000)
    }

    @Test func lockThatIsNotLetGo_isRefusedAfterThePatience_sayingWhatToDo() async throws {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/data"
        let first = try DataDirectory(path: path)
        let waiting = Waiting()
        let error = await expectError(.conflict) { _ = try DataDirectory(path: path, wait: waiting.wait(seconds: 3)) }
        #expect(waiting.now == 3_000_000_000, "not longer and not shorter")
        let message = error?.message ?? ""
        #expect(message.contains("process \(getpid()) after 3.0 seconds"))
        #expect(message.contains("server.lockWaitSeconds") && message.contains("--data-dir"))
        #expect(first.path == path)
    }

    @Test(arguments: ["/dev/null", "/dev/null/data", "/proc/millrace"])
    func pathThatCannotBeADirectory_isRefused(path: String) async {
        let error = await expectError(.configuration) { _ = try DataDirectory(path: path) }
        #expect(error?.message.contains("'\(path)'") == true)
    }
}
