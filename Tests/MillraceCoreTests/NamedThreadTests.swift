import Glibc
import MillraceCore
import Testing

@Suite struct NamedThreadTests {
    @Test(arguments: [(SIGTERM, true), (SIGINT, true), (SIGSEGV, false), (SIGABRT, false)])
    func started_processSignalsAreBlocked_ownFaultsAreNot(signal: Int32, isBlocked: Bool) throws {
        let blocked = Locked<Bool?>(nil)
        let before = Self.isBlocked(signal)
        let thread = try NamedThread(name: "test") { blocked.withLock { $0 = Self.isBlocked(signal) } }
        thread.join()
        #expect(blocked.withLock { $0 } == (isBlocked || before))
        #expect(Self.isBlocked(signal) == before, "the creator's mask is as it was")
    }

    private static func isBlocked(_ signal: Int32) -> Bool {
        var mask = sigset_t()
        pthread_sigmask(SIG_BLOCK, nil, &mask)
        return sigismember(&mask, signal) == 1
    }
}
