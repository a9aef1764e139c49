import Glibc
import MillraceCore

/// All faults of a server's life: the calls that one without faults makes, each with each failure that fits.
struct FaultWalk {
    /// A kind of call in a step, and how often it is made there.
    struct Cell: Sendable {
        var step: FaultStep
        var call: String
        var target: String
        var count: Int
    }
    let cells: [Cell]

    /// Counts the calls of a life without faults.
    init() throws {
        let data = FaultDirectory.make()
        defer { TestFiles.remove(data) }
        let control = try FaultControl()
        let server = try FaultedServer(control, data: data)
        guard server.waitUntilItAnswers() else {
            throw ClientFailure("the server does not start with the library of faults: \(server.log)")
        }
        let scenario = FaultScenario(server)
        scenario.run()
        guard scenario.answers.isEmpty else { throw ClientFailure("without faults the answers were: \(scenario.answers)") }
        scenario.begin(.stop)
        guard server.end(SIGTERM) == 0 else { throw ClientFailure("the server does not stop: \(server.log)") }
        var cells: [Cell] = []
        for step in FaultStep.allCases {
            for (call, callName) in control.library.calls.enumerated() {
                for (target, targetName) in control.library.targets.enumerated() {
                    let count = control.count(step: step.rawValue, call: call, target: target)
                    if count > 0 { cells.append(Cell(step: step, call: callName, target: targetName, count: count)) }
                }
            }
        }
        self.cells = cells
    }

    /// How much is walked.
    enum Extent: Equatable {
        /// The first, the middle and the last call of each kind, with one failure each, and the first with every failure.
        case bounded
        /// Every call with every failure; of SQLite's allocations every `allocations`th.
        case all(allocations: Int)
    }

    func cases(_ extent: Extent) -> [FaultCase] {
        cells.flatMap { cell -> [FaultCase] in
            Failure.fitting(call: cell.call, target: cell.target).enumerated().flatMap { index, failure in
                Self.places(cell, isMain: index == 0, extent).map {
                    FaultCase(step: cell.step, call: cell.call, target: cell.target, failure: failure, first: $0)
                }
            }
        }
    }

    private static func places(_ cell: Cell, isMain: Bool, _ extent: Extent) -> [Int] {
        switch extent {
        case .all(let allocations):
            return Array(stride(from: 1, through: cell.count, by: cell.call == "malloc" ? allocations : 1))
        case .bounded:
            if cell.call == "malloc" { return Array(stride(from: 1, through: cell.count, by: max(cell.count / 12, 1))) }
            return isMain ? Set([1, (cell.count + 1) / 2, cell.count]).sorted() : [1]
        }
    }

    /// Writes a line at once, so that it is there also when the walk does not end.
    static func say(_ line: String) { _ = "\(line)\n".withCString { write(2, $0, strlen($0)) } }

    /// Runs cases, some at once, and returns their outcomes in the same order.
    static func run(_ cases: [FaultCase], atOnce: Int = 4) async throws -> [FaultCase.Outcome] {
        let next = Locked(0)
        let results = Locked<[Int: FaultCase.Outcome]>([:])
        _ = try await concurrently(atOnce) { _ in
            while true {
                let index = next.withLock { index in
                    defer { index += 1 }
                    return index
                }
                guard index < cases.count else { return }
                let began = ContinuousClock.now
                let outcome: FaultCase.Outcome
                do { outcome = try cases[index].run() } catch {
                    outcome = FaultCase.Outcome(wasHit: true, notes: [], defects: ["the test itself failed: \(error)"])
                }
                if ContinuousClock.now - began > .seconds(2) { say("SLOW \(cases[index]) \(ContinuousClock.now - began)") }
                if !outcome.defects.isEmpty { say("FAULT \(cases[index]): \(outcome.defects)") }
                results.withLock { $0[index] = outcome }
            }
        }
        return results.withLock { results in cases.indices.compactMap { results[$0] } }
    }
}
