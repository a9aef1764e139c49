import MillraceCore
import MillraceServer

/// The server of `millrace chat --local`: in this process, on a free loopback port, keeping nothing.
enum LocalServer {
    /// Runs `body` with the server's address, then stops it.
    static func with<R>(_ settings: ServerSettings, _ body: (_ url: String) throws -> R) throws -> R {
        var settings = settings
        settings.host = "127.0.0.1"
        settings.port = 0
        settings.dataDirectory = ":memory:"
        settings.logLevel = max(settings.logLevel, .warning)
        let server = try Server(settings: settings)
        try server.start()
        defer { server.stop() }
        return try body("http://127.0.0.1:\(server.port)")
    }
}
