import MillraceCore
import MillraceEventLoop
import MillraceHTTPClient

/// What `millrace doctor` asks with: one client without retries, and what the settings make of it.
struct ProbeContext: Sendable {
    let client: HTTPClient
    let blocking: BlockingExecutor
    let backends: Backends

    /// Makes the clients of settings, lends them on a loop of their own, and waits for `body`. Not on a loop: the caller's thread waits, and may
    /// be one that tasks without a loop would need.
    static func with<R: Sendable>(
        _ settings: ServerSettings, _ body: @escaping @Sendable (ProbeContext) async -> R
    ) throws -> R {
        let client = try ModelAssembly.client(settings.http)
        let blocking = try BlockingExecutor(name: "probe", threads: 4)
        defer { blocking.stop() }
        let assembly = BackendAssembly(settings: settings, transport: client, plain: client, blocking: blocking, isLooking: true)
        let context = ProbeContext(client: client, blocking: blocking, backends: assembly.make())
        let group = try EventLoopGroup(count: 1)
        try group.start(blockWarningNanoseconds: 0) { _, _, _, _ in }
        defer { group.stop() }
        let done = Monitor<R?>(nil)
        Task(executorPreference: group.loops[0].executor) {
            let result = await body(context)
            done.update {
                $0 = result
                return true
            }
        }
        return done.wait { $0 }
    }
}
