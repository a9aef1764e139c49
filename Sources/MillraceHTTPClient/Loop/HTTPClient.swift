import MillraceCore
import MillraceEventLoop

/// What all exchanges of a client have in common.
package struct HTTPClientSettings: Sendable, Equatable {
    /// A file of CA certificates in PEM form that is trusted instead of the system's store (default: the system's store).
    package var caFile: String?
    /// The bytes of a response that wait for their reader before the connection is no longer read from (default: 64 KiB).
    package var bufferBytes = 64 << 10
    /// The bytes of a response's head (default: 256 KiB).
    package var headBytes = 256 << 10
    /// Open connections that each loop keeps for reuse (default: 256).
    package var idleConnections = 256
    /// How long an idle connection is kept (default: 90 s).
    package var idleConnectionSeconds = 90

    package init() {}
}

/// An HTTP client on the event loops: libcurl's transfers are driven by the epoll of whichever loop the caller runs on.
///
/// HTTP/1.1, and HTTP/2 where TLS negotiates it; certificates are verified; proxies come from the environment (`http_proxy`, `https_proxy`,
/// `all_proxy`, `no_proxy`), but never for this machine; redirects, cookies and `.netrc` are not followed, kept or read. A caller that runs
/// on no loop is served by a loop kept for that.
package struct HTTPClient: HTTPTransport {
    package let settings: HTTPClientSettings
    let resolver: HostResolver

    /// - Parameter resolver: looks names up; one for the whole process by default, so that all loops share what it knows.
    package init(settings: HTTPClientSettings = HTTPClientSettings(), resolver: HostResolver = .shared) {
        self.settings = settings
        self.resolver = resolver
    }

    package func exchange<R>(
        _ request: HTTPClientRequest, _ body: (any HTTPResponseStream) async throws -> R
    ) async throws -> R {
        let target = try RequestTarget(url: request.url)
        guard !target.hasCredentials else {
            throw MillraceError(.invalidInput, "the URL of \(target.authority) holds credentials: give them apart from it")
        }
        let loop = try EventLoop.current ?? SpareLoop.loop()
        let transfer = CurlTransfer(request, target, settings, loop)
        defer { loop.perform { transfer.close() } }
        return try await withTaskCancellationHandler {
            try await start(transfer)
            try await transfer.waitForHead()
            return try await body(transfer)
        } onCancel: {
            loop.perform { transfer.fail(CancellationError()) }
        }
    }

    private func start(_ transfer: CurlTransfer) async throws {
        guard transfer.loop.isCurrent else {
            let client = self
            try await transfer.onLoop { try await client.start(transfer) }
            return
        }
        try Task.checkCancellation()
        let multi = try transfer.loop.attachment { try CurlMulti(settings: settings) }
        transfer.beginDeadlines()
        let usesProxy = transfer.request.usesProxy && ProxyEnvironment.applies(to: transfer.target)
        let needsLookup = transfer.target.needsLookup && !usesProxy
        let addresses = needsLookup ? try await transfer.lookup(with: resolver) : nil
        try multi.start(transfer, addresses: addresses)
    }
}

/// The loop for callers that run on none: command-line tools, tests, tasks that have left theirs. It lives as long as the process.
private enum SpareLoop {
    private static let made = Result {
        let loop = try EventLoop()
        try NamedThread(name: "http-client") { loop.run() }.detach()
        return loop
    }

    static func loop() throws -> EventLoop { try made.get() }
}
