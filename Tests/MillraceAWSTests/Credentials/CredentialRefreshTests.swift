import MillraceCore
import MillraceCounterparts
import Testing

@testable import MillraceAWS

@Suite(.ownThreads) struct CredentialRefreshTests {
    private static let start = Timestamp(microseconds: 1_800_000_000_000_000)

    private static func at(_ minutes: Int64, _ seconds: Int64 = 0) -> Timestamp { start.adding(seconds: minutes * 60 + seconds) }

    /// Credentials that expire so many minutes after the start; `nil`: never.
    private static func found(_ name: String, until minutes: Int64?, stable: Bool = false) -> CredentialRefresh.Found {
        CredentialRefresh.Found(
            credentials: AWSCredentials(
                accessKeyID: name, secretAccessKey: "s", sessionToken: "t", expiration: minutes.map { at($0) }, origin: "the test"),
            isStaticallyStable: stable)
    }

    /// A machine that was given credentials at the start.
    private static func machine(_ found: CredentialRefresh.Found) -> CredentialRefresh {
        var machine = CredentialRefresh()
        #expect(machine.asked(at: start) == .wait(1, startsIt: true))
        #expect(machine.arrived(found, flight: 1, at: start) == .use(found.credentials))
        return machine
    }

    @Test func nothingYet_oneFliesAndOthersWait() {
        var machine = CredentialRefresh()
        #expect(machine.asked(at: Self.at(0)) == .wait(1, startsIt: true))
        #expect(machine.asked(at: Self.at(0)) == .wait(1, startsIt: false))
        #expect(machine.failed(flight: 1, at: Self.at(0)) == .fail(hasExpired: false))
        #expect(machine.asked(at: Self.at(0)) == .wait(2, startsIt: true))
        #expect(machine.arrived(Self.found("late", until: 60), flight: 1, at: Self.at(0)) == .ignore)
    }

    @Test func credentialsWithoutAnEnd_areKept() {
        let found = Self.found("a", until: nil)
        var machine = Self.machine(found)
        #expect(machine.asked(at: Self.at(1_000_000)) == .use(found.credentials))
    }

    @Test(arguments: [(Int64(44), Int64(59), false), (45, 0, true), (49, 59, true)])
    func anHour_isAdvisoryFromFifteenMinutesBeforeItsEnd(minute: Int64, second: Int64, isAdvisory: Bool) {
        let old = Self.found("old", until: 60)
        var machine = Self.machine(old)
        let now = Self.at(minute, second)
        guard isAdvisory else {
            #expect(machine.asked(at: now) == .use(old.credentials))
            return
        }
        #expect(machine.asked(at: now) == .wait(2, startsIt: true))
        // The others are not kept waiting.
        #expect(machine.asked(at: now) == .use(old.credentials))
        #expect(machine.failed(flight: 2, at: now) == .use(old.credentials))
        // For a minute nobody asks again.
        #expect(machine.asked(at: now) == .use(old.credentials))
        if minute == 45 { #expect(machine.asked(at: Self.at(46)) == .wait(3, startsIt: true)) }
    }

    @Test func inTheLastTenMinutes_allWaitAndFail() {
        let old = Self.found("old", until: 60)
        var machine = Self.machine(old)
        #expect(machine.asked(at: Self.at(50)) == .wait(2, startsIt: true))
        #expect(machine.asked(at: Self.at(50)) == .wait(2, startsIt: false))
        #expect(machine.failed(flight: 2, at: Self.at(50)) == .fail(hasExpired: false))
        #expect(machine.asked(at: Self.at(50)) == .wait(3, startsIt: true))
        let new = Self.found("new", until: 120)
        #expect(machine.arrived(new, flight: 3, at: Self.at(50)) == .use(new.credentials))
        #expect(machine.asked(at: Self.at(60)) == .use(new.credentials))
    }

    @Test func aShortLife_shortensTheWindows() {
        // 16 minutes: advisory in the last 4.
        let short = Self.found("short", until: 16)
        var machine = Self.machine(short)
        #expect(machine.asked(at: Self.at(11, 59)) == .use(short.credentials))
        #expect(machine.asked(at: Self.at(12)) == .wait(2, startsIt: true))
        #expect(machine.failed(flight: 2, at: Self.at(12)) == .use(short.credentials))
        // And mandatory in the last 2 minutes and 40 seconds.
        #expect(machine.asked(at: Self.at(13, 20)) == .wait(3, startsIt: true))
        #expect(machine.failed(flight: 3, at: Self.at(13, 20)) == .fail(hasExpired: false))
    }

    @Test func expiredCredentials_areRefused_exceptOfAStableSource() {
        var machine = CredentialRefresh()
        _ = machine.asked(at: Self.at(0))
        #expect(machine.arrived(Self.found("old", until: -1), flight: 1, at: Self.at(0)) == .fail(hasExpired: true))
        _ = machine.asked(at: Self.at(0))
        let stable = Self.found("instance", until: -60, stable: true)
        #expect(machine.arrived(stable, flight: 2, at: Self.at(0)) == .use(stable.credentials))
        // The source is asked once, not for each of the next calls.
        for second in [0, 60, 299] as [Int64] { #expect(machine.asked(at: Self.at(0, second)) == .use(stable.credentials)) }
        #expect(machine.asked(at: Self.at(5)) == .wait(3, startsIt: true))
    }

    @Test func aStableSourceThatIsDown_letsTheOldGoOn() {
        let old = Self.found("old", until: 60, stable: true)
        var machine = Self.machine(old)
        #expect(machine.asked(at: Self.at(70)) == .wait(2, startsIt: true))
        #expect(machine.failed(flight: 2, at: Self.at(70)) == .use(old.credentials))
        #expect(machine.asked(at: Self.at(74)) == .use(old.credentials))
        #expect(machine.asked(at: Self.at(75)) == .wait(3, startsIt: true))
        let new = Self.found("new", until: 400, stable: true)
        #expect(machine.arrived(new, flight: 3, at: Self.at(75)) == .use(new.credentials))
    }

    @Test func aRefusal_ofThePresentOnes_makesARefreshDue() {
        let old = Self.found("old", until: 60, stable: true)
        var machine = Self.machine(old)
        machine.refused(Self.found("older", until: 60).credentials)
        #expect(machine.asked(at: Self.at(1)) == .use(old.credentials))
        machine.refused(old.credentials)
        #expect(machine.asked(at: Self.at(1)) == .wait(2, startsIt: true))
        // Not even a stable source's are used again when a service has refused them and there are no others.
        #expect(machine.failed(flight: 2, at: Self.at(1)) == .fail(hasExpired: false))
        #expect(machine.asked(at: Self.at(1)) == .wait(3, startsIt: true))
        let new = Self.found("new", until: 61)
        #expect(machine.arrived(new, flight: 3, at: Self.at(1)) == .use(new.credentials))
        machine.refused(old.credentials)
        #expect(machine.asked(at: Self.at(2)) == .use(new.credentials))
    }

    @Test func aFlightThatWasLeft_makesRoomForAnother() {
        var machine = CredentialRefresh()
        _ = machine.asked(at: Self.at(0))
        machine.abandoned(flight: 1)
        #expect(machine.asked(at: Self.at(0)) == .wait(2, startsIt: true))
        #expect(machine.failed(flight: 1, at: Self.at(0)) == .ignore)
        machine.abandoned(flight: 1)
        #expect(machine.asked(at: Self.at(0)) == .wait(2, startsIt: false))
    }
}
