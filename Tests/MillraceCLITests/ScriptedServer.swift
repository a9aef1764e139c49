import Glibc
import MillraceCore
import MillraceCounterparts

/// A server on loopback that answers each connection with the next script and closes it.
final class ScriptedServer: Sendable {
    /// What to do with a connection after its request was read.
    enum Step: Sendable {
        case send(String)
        /// Keeps silent until the client closes.
        case awaitClose
        case run(@Sendable () -> Void)
    }

    let port: Int
    private let listener: Int32
    private let received = Monitor<[String]>([])
    private let closes = Monitor(0)
    private let thread: NamedThread

    var url: String { "http://127.0.0.1:\(port)" }
    var requests: [String] { received.wait { $0 } }

    init(_ scripts: [[Step]]) throws {
        let (listener, port) = try Loopback.listen(backlog: 16)
        self.port = port
        self.listener = listener
        let (received, closes) = (received, closes)
        thread = try NamedThread(name: "scripted") {
            for script in scripts {
                let client = accept(listener, nil, nil)
                guard client >= 0 else { return }
                let request = Self.readRequest(client)
                received.updateAndWakeAll { $0.append(request) }
                for step in script {
                    switch step {
                    case .send(let text): _ = text.withCString { send(client, $0, strlen($0), Int32(MSG_NOSIGNAL)) }
                    case .run(let body): body()
                    case .awaitClose:
                        var byte: UInt8 = 0
                        while recv(client, &byte, 1, 0) > 0 {}
                        closes.updateAndWakeAll { $0 += 1 }
                    }
                }
                close(client)
            }
        }
    }

    deinit {
        shutdown(listener, Int32(SHUT_RDWR))
        thread.join()
        close(listener)
    }

    /// Waits until the client has closed that many connections; false after five seconds.
    func awaitCloses(_ count: Int) -> Bool { closes.wait(nanoseconds: 5_000_000_000) { $0 >= count ? true : nil } ?? false }

    private static func readRequest(_ client: Int32) -> String {
        var bytes: [UInt8] = []
        var byte: UInt8 = 0
        var missing = Int.max
        while missing > 0, recv(client, &byte, 1, 0) == 1 {
            bytes.append(byte)
            if missing != Int.max {
                missing -= 1
            } else if bytes.suffix(4) == [13, 10, 13, 10] {
                let head = String(decoding: bytes, as: UTF8.self)
                let line = head.split(whereSeparator: \.isNewline).first { $0.lowercased().hasPrefix("content-length:") }
                missing = line.flatMap { Int($0.drop { $0 != ":" }.dropFirst().drop { $0 == " " }) } ?? 0
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
