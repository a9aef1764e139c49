import MillraceCore
import MillraceEventLoop

@testable import MillraceHTTPClient

/// Runs `body` on a loop that lives for one test.
func onLoop<R: Sendable>(_ body: @escaping @Sendable () async throws -> R) async throws -> R {
    let group = try EventLoopGroup(count: 1)
    try group.start()
    let result = await Task(executorPreference: group.loops[0].executor) { () async -> Result<R, any Error> in
        do { return .success(try await body()) } catch { return .failure(error) }
    }.value
    group.stop()
    return try result.get()
}

/// Plays `script` to every connection while `body` runs.
func withPeer<R>(
    receiveBuffer: Int32 = 0, _ script: @escaping ScriptedPeer.Script, _ body: (ScriptedPeer) async throws -> R
) async throws -> R {
    let peer = try ScriptedPeer(receiveBuffer: receiveBuffer, script: script)
    defer { peer.stop() }
    return try await body(peer)
}

/// What a finished exchange gave.
struct Answer: Equatable {
    var status: Int
    var headers: HTTPClientHeaders
    var body: String
}

extension HTTPClient {
    /// Sends a request and takes the whole answer.
    func fetch(_ request: HTTPClientRequest) async throws -> Answer {
        try await exchange(request) { response in
            Answer(status: response.status, headers: response.headers, body: String(decoding: try await response.collect(), as: UTF8.self))
        }
    }
}

extension EventLoop {
    /// Whether libcurl still has transfers on this loop.
    var clientIsBusy: Bool { (try? attachment { () throws -> CurlMulti in throw CancellationError() })?.transferCount ?? 0 > 0 }
}

/// The error's code, for expectations.
func code(_ body: () async throws -> Void) async -> ErrorCode? {
    do {
        try await body()
        return nil
    } catch is CancellationError { return .cancelled } catch let error as MillraceError { return error.code } catch { return nil }
}
