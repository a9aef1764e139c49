import Glibc

/// A handler of the test server's that holds its event loop until it is released.
final class HeldLoop {
    private let file: String
    private var connections: [TCPClient] = []

    /// Starts runs until one of them holds a loop.
    /// - Parameter loop: the name of its thread, such as `loop-1`, or `any`.
    init(_ server: ServerProcess, loop: String = "any", in directory: TemporaryDirectory) throws {
        file = directory.path + "/hold"
        while access(file + ".held", F_OK) != 0 {
            // The kernel chooses a connection's loop by its port.
            guard connections.count < 200 else { throw ClientFailure("no connection came to \(loop): \(server.log.suffix(2000))") }
            let client = try TCPClient(port: server.port)
            connections.append(client)
            try client.send(
                TCPClient.request(
                    "POST", "/api/v1/generate/stream", body: EventStreamClient.generateBody(task: "hold", text: "\(file) \(loop)")))
            // The run ends, or holds; what says that it holds comes without a byte on the connection.
            try TestFiles.waitUntil {
                if access(file + ".held", F_OK) == 0 || client.isEnded { return true }
                _ = try? client.poll(milliseconds: 5)
                return TCPClient.find(Array("response_end".utf8), in: client.received) != nil
            }
        }
    }

    /// Lets the loop go on.
    func release() { close(open(file, O_CREAT | O_WRONLY, 0o600)) }

    deinit { release() }
}
