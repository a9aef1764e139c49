import MillraceCore
import Testing

@testable import MillraceHTTPClient

@Suite struct HostResolverTests {
    /// The addresses, or the error's message.
    private func ask(_ resolver: HostResolver, _ host: String) async -> String {
        await withCheckedContinuation { continuation in
            let (known, _) = resolver.resolve(host) { result in
                continuation.resume(returning: (try? result.get().joined(separator: ",")) ?? "failed")
            }
            if let known { continuation.resume(returning: "known " + known.joined(separator: ",")) }
        }
    }

    @Test func anAnswer_isKept_aFailureIsNot() async {
        let lookups = Locked(0)
        let resolver = HostResolver { host in
            lookups.withLock { $0 += 1 }
            return host == "good" ? .success(["192.0.2.1"]) : .failure(MillraceError(.unreachable, "unknown"))
        }
        #expect(await ask(resolver, "good") == "192.0.2.1")
        #expect(await ask(resolver, "good") == "known 192.0.2.1")
        #expect(await ask(resolver, "bad") == "failed")
        #expect(await ask(resolver, "bad") == "failed")
        #expect(lookups.withLock { $0 } == 3)
    }

    @Test func aNameThatHangs_leavesOthersTheirThreads_andQueuesBeyondThem() async {
        let (hanging, release) = (Signal(), Signal())
        let resolver = HostResolver(mostThreads: 2) { host in
            if host == "hangs" {
                hanging.raise()
                release.wait()
            }
            return .success([host])
        }
        async let hung = ask(resolver, "hangs")
        await hanging.raised()
        #expect(await ask(resolver, "a") == "a")
        #expect(await ask(resolver, "b") == "b")
        release.raise()
        #expect(await hung == "hangs")
    }

    @Test func aForgottenQuestion_isNotAnswered() async {
        let (asked, release) = (Signal(), Signal())
        let resolver = HostResolver { _ in
            asked.raise()
            release.wait()
            return .success(["192.0.2.1"])
        }
        let answers = Locked(0)
        let (_, waiter) = resolver.resolve("name") { _ in answers.withLock { $0 += 1 } }
        await asked.raised()
        async let other = ask(resolver, "name")
        if let waiter { resolver.forget(waiter, "name") }
        release.raise()
        _ = await other
        #expect(answers.withLock { $0 } == 0)
    }

    @Test func theSystem_knowsThisMachine() throws {
        let addresses = try HostResolver.system("localhost").get()
        #expect(addresses.contains("127.0.0.1") || addresses.contains("::1"))
        guard case .failure(let error) = HostResolver.system("name.invalid") else {
            Issue.record("a name under .invalid was found")
            return
        }
        #expect(error.code == .unreachable)
    }
}
