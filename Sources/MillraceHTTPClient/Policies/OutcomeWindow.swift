/// The newest outcomes of calls, and how many of them are failures.
struct OutcomeWindow: Equatable, Sendable {
    /// Which outcome since the window began.
    struct Position: Equatable, Sendable {
        fileprivate let number: Int
    }

    private let size: Int
    /// A ring: outcome n is at n % size.
    private var isFailure: [Bool] = []
    private var recorded = 0
    private(set) var failures = 0

    init(size: Int) { self.size = size }

    /// How many outcomes it holds.
    var count: Int { isFailure.count }

    mutating func record(failure: Bool) -> Position {
        if isFailure.count < size {
            isFailure.append(failure)
        } else {
            if isFailure[recorded % size] { failures -= 1 }
            isFailure[recorded % size] = failure
        }
        if failure { failures += 1 }
        recorded += 1
        return Position(number: recorded - 1)
    }

    /// What looked like a success was a failure.
    /// - Returns: `false` when the window does not hold it any more.
    mutating func correctToFailure(_ position: Position) -> Bool {
        guard recorded - position.number <= size else { return false }
        if !isFailure[position.number % size] {
            isFailure[position.number % size] = true
            failures += 1
        }
        return true
    }
}
