import Glibc
import MillraceCore
import Testing

@Suite struct NamedThreadTests {
    @Test(arguments: [(SIGTERM, true), (SIGINT, true), (SIGSEGV, false), (SIGABRT, false)])
    func started_processSignalsAreBlocked_ownFaultsAreNot(signal: Int32, isBlocked: Bool) throws {
        // The test may run on a thread that blocks everything, which a new thread would inherit.
        var mask = sigset_t()
        var before = sigset_t()
        sigemptyset(&mask)
        pthread_sigmask(SIG_SETMASK, &mask, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }

        let inThread = Locked<Bool?>(nil)
        let thread = try NamedThread(name: "test") { inThread.withLock { $0 = Self.isBlocked(signal) } }
        let inCreator = Self.isBlocked(signal)
        thread.join()

        #expect(inThread.withLock { $0 } == isBlocked)
        #expect(!inCreator)
    }

    private static func isBlocked(_ signal: Int32) -> Bool {
        var mask = sigset_t()
        pthread_sigmask(SIG_BLOCK, nil, &mask)
        return sigismember(&mask, signal) == 1
    }
}
