/// How much of the machine went to others while something was measured, and to whom.
struct Disturbance: Equatable {
    /// The share of the machine's CPU time (all cores) that others may take within the measured time before an attempt is refused: on two
    /// cores a tenth of one. The kernel's own threads and interrupts are not counted: their work is mostly the measured processes' own.
    static let allowedShare = 0.05

    struct Culprit: Equatable {
        var name: String
        var share: Double
    }

    /// From 0 to 1.
    var share: Double
    /// The greatest first, three at most.
    var culprits: [Culprit]

    var isTooMuch: Bool { share > Self.allowedShare }

    /// - Parameters:
    ///   - own: the processes of the measurement itself. Children of theirs that came and went are theirs, too.
    ///
    /// Two counts are made, and the greater one holds: what each other process says of itself, and what the machine was busy with less
    /// what the own processes took. The first names who it was; only the second sees processes that came and went, or that are hidden.
    init(from before: MachineSnapshot, to after: MachineSnapshot, own: Set<Int32>) {
        let total = Double(after.machine.total - before.machine.total)
        guard total > 0 else {
            share = 0
            culprits = []
            return
        }
        var taken: [String: Int] = [:]
        var others = 0
        var explained = 0
        for (identifier, process) in after.processes {
            let earlier = before.processes[identifier]
            // The number may have gone to another process meanwhile.
            let isSame = earlier?.startedAt == process.startedAt
            let children = process.childTicks - (isSame ? earlier?.childTicks ?? 0 : 0)
            let itself = process.ticks - (isSame ? earlier?.ticks ?? 0 : 0)
            if own.contains(identifier) {
                explained += itself + children
            } else if process.isKernelThread {
                explained += itself
            } else {
                taken[process.name, default: 0] += itself + children
                others += itself + children
            }
        }
        // A child that ended takes what it had used before from the sum, and adds all of it to its parent.
        for (identifier, process) in before.processes where after.processes[identifier]?.startedAt != process.startedAt {
            let used = process.ticks + process.childTicks
            if own.contains(identifier) {
                explained -= used
            } else if !process.isKernelThread {
                let heir = after.processes[process.parent]?.name ?? process.name
                taken[heir, default: 0] -= used
                others -= used
            }
        }
        let stolen = after.machine.stolen - before.machine.stolen
        let busy = after.machine.busy - before.machine.busy
        let unexplained = busy - explained
        // Processes are looked at one after the other: one that ends in between can be missed before and found in its parent's sum after,
        // with all of its life. More than the machine was busy with is such a case.
        if others > busy {
            others = 0
            taken = [:]
        }
        share = Swift.max(0, Double(Swift.max(others + stolen, unexplained)) / total)
        var named = taken.map { Culprit(name: $0.key, share: Double($0.value) / total) }
        named.append(Culprit(name: "the host of this machine (steal)", share: Double(stolen) / total))
        named.append(
            Culprit(name: "processes that came and went", share: Double(unexplained - Swift.max(others, 0) - stolen) / total))
        // The same race can name more than there was.
        let most = share
        culprits = Array(
            named.filter { $0.share >= 0.005 }.map { Culprit(name: $0.name, share: Swift.min($0.share, most)) }
                .sorted { ($0.share, $1.name) > ($1.share, $0.name) }.prefix(3))
    }

    init(share: Double, culprits: [Culprit] = []) {
        self.share = share
        self.culprits = culprits
    }

    /// Such as `swift-build 31 %, python3 4 %`.
    var text: String { culprits.map { "\($0.name) \(Report.decimal($0.share * 100, 0)) %" }.joined(separator: ", ") }
}

/// CPU time of the machine and of each process at one moment.
struct MachineSnapshot: Equatable {
    var machine: MachineTime
    var processes: [Int32: ProcessTime]
}
