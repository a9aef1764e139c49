import Testing

@testable import MillraceBench

@Suite struct DisturbanceTests {
    private typealias Processes = [Int32: ProcessTime]

    /// 1,000 ticks pass, of which the machine was busy for `busy`. Process 1 is the measurement's own.
    private static func disturbance(busy: Int, stolen: Int = 0, _ before: Processes, _ after: Processes, own: Set<Int32> = [1])
        -> Disturbance
    {
        Disturbance(
            from: MachineSnapshot(machine: MachineTime(busy: 100, stolen: 0, total: 5000), processes: before),
            to: MachineSnapshot(machine: MachineTime(busy: 100 + busy, stolen: stolen, total: 6000), processes: after), own: own)
    }

    private static func process(_ name: String, _ ticks: Int, children: Int = 0, parent: Int32 = 1, startedAt: Int = 0) -> ProcessTime {
        ProcessTime(name: name, parent: parent, ticks: ticks, childTicks: children, startedAt: startedAt)
    }

    @Test func ownWork_isNoDisturbance() {
        let disturbance = Self.disturbance(busy: 900, [1: Self.process("own", 50)], [1: Self.process("own", 950)])
        #expect(disturbance == Disturbance(share: 0) && !disturbance.isTooMuch)
    }

    @Test(arguments: [(50, false), (51, true)])
    func others_areTooMuchAboveATwentieth(ticks: Int, isTooMuch: Bool) {
        let disturbance = Self.disturbance(
            busy: 500 + ticks, [1: Self.process("own", 0), 2: Self.process("other", 7)],
            [1: Self.process("own", 500), 2: Self.process("other", 7 + ticks)])
        #expect(disturbance.share == Double(ticks) / 1000 && disturbance.isTooMuch == isTooMuch)
        #expect(disturbance.text == "other 5 %")
    }

    @Test func stolenTime_isTheHosts() {
        let disturbance = Self.disturbance(busy: 300, stolen: 100, [1: Self.process("own", 0)], [1: Self.process("own", 200)])
        #expect(disturbance.share == 0.1 && disturbance.text == "the host of this machine (steal) 10 %")
    }

    @Test func processThatCameAndWent_isSeenAsBusyTime() {
        let disturbance = Self.disturbance(busy: 500, [1: Self.process("own", 0)], [1: Self.process("own", 200)])
        #expect(disturbance.share == 0.3 && disturbance.text == "processes that came and went 30 %")
    }

    @Test func ownChildrenThatCameAndWent_areOwnWork() {
        // As twenty servers that are started, measured and ended within one attempt.
        let disturbance = Self.disturbance(
            busy: 900, [1: Self.process("own", 50, children: 400)], [1: Self.process("own", 150, children: 1180)])
        #expect(disturbance == Disturbance(share: 0.02, culprits: [.init(name: "processes that came and went", share: 0.02)]))
    }

    @Test func ownChildThatEnded_explainsNothingOfWhatItUsedBefore() {
        // 600 of the server's 700 ticks were before: of the 300 that the machine was busy, 100 were its.
        let disturbance = Self.disturbance(
            busy: 300, [1: Self.process("own", 0), 3: Self.process("server", 600)], [1: Self.process("own", 0, children: 700)], own: [1, 3])
        #expect(disturbance.share == 0.2)
    }

    @Test func childThatEnded_isItsParentsWithoutWhatItUsedBefore() {
        let disturbance = Self.disturbance(
            busy: 120, [2: Self.process("make", 1, children: 10), 3: Self.process("cc", 400, parent: 2)],
            [2: Self.process("make", 1, children: 530)])
        #expect(disturbance == Disturbance(share: 0.12, culprits: [.init(name: "make", share: 0.12)]))
    }

    @Test func lookThatMissedAnEndingChild_countsNoMoreThanTheMachineDid() {
        // The child's 5,000 ticks were never seen before they came to the parent.
        let disturbance = Self.disturbance(
            busy: 100, [1: Self.process("own", 0), 2: Self.process("make", 1)],
            [1: Self.process("own", 90), 2: Self.process("make", 1, children: 5000)])
        #expect(disturbance.share == 0.01)
    }

    @Test func nobodyIsNamedWithMoreThanAllTookTogether() {
        // One child's end was seen, another's only half: the sums are right where the names are not.
        let disturbance = Self.disturbance(
            busy: 600, [2: Self.process("make", 0), 3: Self.process("cc", 900)],
            [2: Self.process("make", 0, children: 1000), 3: Self.process("cc", 400)])
        #expect(
            disturbance
                == Disturbance(
                    share: 0.6, culprits: [.init(name: "make", share: 0.6), .init(name: "processes that came and went", share: 0.1)]))
    }

    @Test func numberThatWasGivenAnew_isAnotherProcess() {
        let disturbance = Self.disturbance(
            busy: 60, [1: Self.process("own", 0), 2: Self.process("old", 10)],
            [1: Self.process("own", 0), 2: Self.process("new", 60, startedAt: 9)])
        #expect(disturbance.culprits.map(\.name).contains("new"))
        #expect(disturbance.share >= 0.05)
    }

    @Test func kernelThreads_areNobodysDisturbance() {
        let kernel = { ticks in ProcessTime(name: "kworker", parent: 2, ticks: ticks, isKernelThread: true) }
        #expect(Self.disturbance(busy: 300, [5: kernel(0)], [5: kernel(300)]).share == 0)
    }

    @Test func momentWithoutTime_isQuiet() {
        let snapshot = MachineSnapshot(machine: MachineTime(busy: 1, total: 2), processes: [:])
        #expect(Disturbance(from: snapshot, to: snapshot, own: []) == Disturbance(share: 0))
    }
}
