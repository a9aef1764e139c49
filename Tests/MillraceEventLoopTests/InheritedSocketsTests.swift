import Glibc
import MillraceCore
import MillraceEventLoop
import Testing

@Suite struct InheritedSocketsTests {
    struct Case: Sendable {
        var pid: String?
        var count: String?
        var names: String?
    }

    private static func sockets(_ variables: Case) throws(MillraceError) -> [InheritedSockets.Socket] {
        let table = ["LISTEN_PID": variables.pid, "LISTEN_FDS": variables.count, "LISTEN_FDNAMES": variables.names]
        return try InheritedSockets(process: 4711) { table[$0] ?? nil }.sockets
    }

    @Test func noVariables_orAnothersOnes_giveNone() throws {
        #expect(try Self.sockets(Case()).isEmpty)
        #expect(try Self.sockets(Case(pid: "", count: "1")).isEmpty)
        #expect(try Self.sockets(Case(count: "2")).isEmpty, "without a process nobody was meant")
        #expect(try Self.sockets(Case(pid: "4712", count: "2")).isEmpty)
        #expect(try Self.sockets(Case(pid: "4712", count: "nonsense")).isEmpty, "the values of another are not ours to judge")
    }

    @Test func oneOrMore_areNumberedFromThree_withTheirNames() throws {
        let one = try Self.sockets(Case(pid: "4711", count: "1"))
        #expect(one.map(\.descriptor) == [3] && one.map(\.name) == ["unknown"])
        let two = try Self.sockets(Case(pid: "4711", count: "2", names: "millrace.socket:"))
        #expect(two.map(\.descriptor) == [3, 4] && two.map(\.name) == ["millrace.socket", ""])
    }

    @Test func variablesThatWeGive_areReadBack() throws {
        let names = [InheritedSockets.ownName, "", "web"]
        let given = InheritedSockets.variables(names: names, process: 4711)
        let read = try InheritedSockets(process: 4711) { given[$0] }.sockets
        #expect(read.map(\.descriptor) == [3, 4, 5])
        #expect(read.map(\.name) == names, "whose they are is known after the restart, too")
    }

    @Test(arguments: [
        (Case(pid: "x", count: "1"), "LISTEN_PID"), (Case(pid: "-1", count: "1"), "LISTEN_PID"), (Case(pid: "4711"), "LISTEN_FDS"),
        (Case(pid: "4711", count: ""), "LISTEN_FDS"), (Case(pid: "4711", count: "0"), "LISTEN_FDS"),
        (Case(pid: "4711", count: "-1"), "LISTEN_FDS"), (Case(pid: "4711", count: "1x"), "LISTEN_FDS"),
        (Case(pid: "4711", count: "99999999999999999999"), "LISTEN_FDS"), (Case(pid: "4711", count: "1025"), "LISTEN_FDS"),
        (Case(pid: "4711", count: "2", names: "one"), "LISTEN_FDNAMES"), (Case(pid: "4711", count: "1", names: "a:b"), "LISTEN_FDNAMES"),
    ])
    func wrongValue_isRefused_namingTheVariable(variables: Case, name: String) throws {
        do throws(MillraceError) {
            _ = try Self.sockets(variables)
            Issue.record("it was taken")
        } catch {
            #expect(error.code == .configuration)
            #expect(error.message.hasPrefix(name + " must be "))
            #expect(error.message.contains("unset it"))
        }
    }

    // MARK: What is handed over

    private static func refusal(_ descriptor: Int32) -> String {
        do throws(MillraceError) {
            _ = try Socket.adopt(descriptor, name: "web")
            return "taken"
        } catch {
            return error.message
        }
    }

    @Test func whatCannotAcceptTCP_isRefused_sayingWhy() throws {
        var ends: [Int32] = [0, 0]
        #expect(pipe(&ends) == 0)
        let unix = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        let datagram = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
        let deaf = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { for descriptor in ends + [unix, datagram, deaf] { close(descriptor) } }
        #expect(Self.refusal(ends[0]).contains("descriptor \(ends[0]) ('web'): it is no socket"))
        #expect(Self.refusal(unix).contains("no TCP socket"))
        #expect(Self.refusal(datagram).contains("no stream socket"))
        #expect(Self.refusal(deaf).contains("does not listen"))
        #expect(Self.refusal(1_000_000).contains("it is not open"))
    }

    @Test(arguments: ["127.0.0.1", "::1"])
    func listeningSocket_isTaken_nonBlockingAndClosedInChildren(address: String) throws {
        let socket = try Socket.listen(address: address, port: 0)
        defer { close(socket) }
        // As another program would hand it over.
        _ = fcntl(socket, F_SETFL, 0)
        _ = fcntl(socket, F_SETFD, 0)
        #expect(try Socket.adopt(socket, name: "web") == address)
        #expect(fcntl(socket, F_GETFL) & O_NONBLOCK != 0)
        #expect(fcntl(socket, F_GETFD) & FD_CLOEXEC != 0)
        let copy = try Socket.duplicate(socket)
        defer { close(copy) }
        #expect(Socket.port(of: copy) == Socket.port(of: socket))
        #expect(fcntl(copy, F_GETFD) & FD_CLOEXEC != 0)
    }
}
