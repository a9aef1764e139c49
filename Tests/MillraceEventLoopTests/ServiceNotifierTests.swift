import Glibc
import MillraceCore
import MillraceEventLoop
import Testing

@Suite struct ServiceNotifierTests {
    /// A datagram socket as a service manager has it; a name that begins with '@' is abstract.
    private static func manager(_ name: String) throws -> Int32 {
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var bytes = Array(name.utf8)
        if bytes[0] == UInt8(ascii: "@") { bytes[0] = 0 }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let length = socklen_t(2 + bytes.count + (bytes[0] == 0 ? 0 : 1))
        let status = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) }
        }
        try #require(status == 0, "\(String(cString: strerror(errno)))")
        return descriptor
    }

    private static func received(_ descriptor: Int32) -> String {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
        return String(decoding: buffer[..<max(count, 0)], as: UTF8.self)
    }

    @Test(arguments: ["/tmp/millrace-notify-", "@millrace-notify-"])
    func states_arriveAsAssignments(prefix: String) throws {
        let name = prefix + Identifier.make(prefix: "t")
        let manager = try Self.manager(name)
        defer {
            close(manager)
            unlink(name)
        }
        let notifier = ServiceNotifier(path: name)
        try notifier.send(.ready(status: "listening on port 8000"))
        #expect(Self.received(manager) == "READY=1\nSTATUS=listening on port 8000")
        try notifier.send(.stopping(status: "draining", seconds: 42.5))
        #expect(Self.received(manager) == "STOPPING=1\nSTATUS=draining\nEXTEND_TIMEOUT_USEC=42500000")
        try notifier.send(.reloading(status: "draining", seconds: 1, monotonicNanoseconds: 5_000_999))
        #expect(Self.received(manager) == "RELOADING=1\nMONOTONIC_USEC=5000\nSTATUS=draining\nEXTEND_TIMEOUT_USEC=1000000")
    }

    @Test func nobodyWantsToKnow_nothingIsSent() throws {
        try ServiceNotifier(path: nil).send(.ready(status: ""))
        try ServiceNotifier(path: "").send(.ready(status: ""))
    }

    @Test(arguments: ["/nowhere/notify", "relative", "@", "/" + String(repeating: "x", count: 200)])
    func pathThatNobodyHears_isTold(path: String) {
        #expect(throws: MillraceError.self) { try ServiceNotifier(path: path).send(.ready(status: "")) }
    }
}
