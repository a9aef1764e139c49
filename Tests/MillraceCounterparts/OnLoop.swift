import MillraceEventLoop

/// Runs `body` on an event loop that lives for one test, as a handler would.
package func onLoop<R: Sendable>(_ body: @escaping @Sendable () async throws -> R) async throws -> R {
    let group = try EventLoopGroup(count: 1)
    try group.start()
    let result = await Task(executorPreference: group.loops[0].executor) { () async -> Result<R, any Error> in
        do { return .success(try await body()) } catch { return .failure(error) }
    }.value
    group.stop()
    return try result.get()
}
