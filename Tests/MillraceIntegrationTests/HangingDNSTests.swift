import MillraceCore
import Testing

extension IntegrationTests {
    /// The launcher for which names hang does what it says, and to its command only.
    @Suite struct HangingDNSTests {
        @Test func lookupInside_waitsAndIsReported_outsideNothingChanges() throws {
            guard try Counterpart.canHangDNS() else { return }
            let before = TestFiles.read("/etc/resolv.conf")
            // KILL, since this process's threads block other signals, and children inherit that.
            let script =
                "cat /etc/resolv.conf; timeout -s KILL 1 getent ahosts mill.example; echo status=$?; getent ahosts localhost; exit 7"
            let command = try Command(Counterpart.hangingDNS + ["sh", "-c", script])
            #expect(command.status == 7)
            #expect(command.output.contains("nameserver 127."))
            #expect(command.output.contains("status=137"), "\(command.output)")
            #expect(command.output.contains("DNS QUESTION: mill.example"))
            #expect(command.output.contains("127.0.0.1"), "localhost is known")
            #expect(TestFiles.read("/etc/resolv.conf") == before)
        }

        @Test func nameThatDoesNotHang_nothingIsRun() throws {
            guard try Counterpart.canHangDNS() else { return }
            var words = Counterpart.hangingDNS
            words.insert(contentsOf: ["--lookup", "localhost"], at: words.count - 1)
            let command = try Command(words + ["echo", "ran"])
            #expect(command.status == 70)
            #expect(command.output.contains("DOES NOT HANG") && !command.output.contains("ran"))
        }

        @Test func serverStartedInside_isTheProcessItself() throws {
            guard try Counterpart.canHangDNS() else { return }
            let data = TestFiles.temporaryPath("dns")
            defer { TestFiles.remove(data) }
            let server = try ServerProcess(launcher: Counterpart.hangingDNS, ["port=0", "data-dir=\(data)"])
            #expect(TestFiles.read("/proc/\(server.processID)/comm").hasPrefix("MillraceTest"))
            #expect(server.end(9) == -9)
        }
    }
}
