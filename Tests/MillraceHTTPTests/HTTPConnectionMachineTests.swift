import MillraceHTTP
import Testing

@Suite struct HTTPConnectionMachineTests {
    static let second: Int64 = 1_000_000_000

    static func limits(_ change: (inout HTTPServerSettings) -> Void = { _ in }) -> HTTPTimeouts {
        var settings = HTTPServerSettings()
        settings.idleTimeoutSeconds = 75
        settings.headerTimeoutSeconds = 10
        settings.lingerSeconds = 2
        settings.writeStallTimeoutSeconds = 30
        settings.bodyGraceSeconds = 5
        settings.bodyStallTimeoutSeconds = 20
        settings.minBodyBytesPerSecond = 100
        change(&settings)
        return HTTPTimeouts(settings)
    }

    @Test func deadline_isThatOfWhatIsWaitedFor() {
        let limits = Self.limits()
        var machine = HTTPConnectionMachine(now: 0)
        #expect(machine.deadline(limits)?.at == 75 * Self.second)
        #expect(machine.deadline(limits)?.timeout == .idle)
        machine.headBegan(now: Self.second)
        #expect(machine.deadline(limits)?.at == 11 * Self.second)
        #expect(machine.deadline(limits)?.timeout == .head)
        machine.headEnded(keepsAlive: true, hasBody: true, now: 2 * Self.second)
        #expect(machine.deadline(limits)?.at == 7 * Self.second)
        #expect(machine.deadline(limits)?.timeout == .body)
        machine.bodyReceived(250, now: 4 * Self.second)
        #expect(machine.deadline(limits)?.at == 9 * Self.second + Self.second / 2)
        let stalls = Self.limits { $0.bodyStallTimeoutSeconds = 3 }
        #expect(machine.deadline(stalls)?.at == 7 * Self.second)
        machine.bodyPaused(now: 3 * Self.second)
        #expect(machine.deadline(limits) == nil)
        machine.bodyResumed(now: 5 * Self.second)
        #expect(machine.deadline(limits)?.at == 11 * Self.second + Self.second / 2)
        machine.bodyEnded()
        #expect(machine.deadline(limits) == nil)
        let keepsAlive = machine.responseStarted(keepsAlive: true)
        #expect(keepsAlive)
        machine.outputWaits(true, progressed: false, now: 6 * Self.second)
        #expect(machine.deadline(limits)?.at == 36 * Self.second)
        #expect(machine.deadline(limits)?.timeout == .write)
        machine.outputWaits(false, progressed: true, now: 7 * Self.second)
        let next = machine.responseEnded(now: 8 * Self.second)
        #expect(next == .request)
        #expect(machine.deadline(limits)?.at == 83 * Self.second)
    }

    @Test func refusedRequest_lingersAndTakesNoOther() {
        var machine = HTTPConnectionMachine(now: 0)
        machine.headBegan(now: 0)
        machine.refused()
        #expect(!machine.acceptsHead)
        let keepsAlive = machine.responseStarted(keepsAlive: true)
        #expect(!keepsAlive)
        let next = machine.responseEnded(now: 5 * Self.second)
        #expect(next == .linger)
        #expect(machine.dropsInput)
        #expect(machine.deadline(Self.limits())?.at == 7 * Self.second)
    }

    @Test(arguments: [Double.infinity, 1e300, -1]) func timeoutOutOfRange_neverTraps(seconds: Double) {
        let limits = Self.limits {
            $0.idleTimeoutSeconds = seconds
            $0.minBodyBytesPerSecond = 1
        }
        var machine = HTTPConnectionMachine(now: 1 << 60)
        #expect(machine.deadline(limits) != nil)
        machine.headEnded(keepsAlive: true, hasBody: true, now: 1 << 60)
        machine.bodyReceived(1 << 50, now: 1 << 60)
        #expect(machine.deadline(limits) != nil)
    }

    @Test func bodyWithoutLeastRate_mustNotStall() {
        var machine = HTTPConnectionMachine(now: 0)
        machine.headEnded(keepsAlive: true, hasBody: true, now: 0)
        #expect(machine.deadline(Self.limits { $0.minBodyBytesPerSecond = 0 })?.at == 20 * Self.second)
    }
}
