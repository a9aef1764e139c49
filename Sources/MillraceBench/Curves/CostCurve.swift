import Glibc
import MillraceCore

/// A cost as a function of a size, and how it may grow.
struct CostCurve: Equatable {
    /// What grows.
    enum Axis: String, CaseIterable {
        case streams
        case eventsPerRun = "events-per-run"
        case readersPerRun = "readers-per-run"
        case history
        case storedRuns = "stored-runs"

        var summary: String {
            switch self {
            case .streams: "open streams, an event a second each"
            case .eventsPerRun: "events of a run, ready together, in memory and on disk"
            case .readersPerRun: "readers of one run of 100 events a second"
            case .history: "messages stored in the chat before a request"
            case .storedRuns: "runs in the store before a new one, a page of them, one that is read again"
            }
        }
    }

    /// How a cost may grow from the smallest size to the largest.
    enum Bound: Equatable {
        /// At no size more than so many times the cost at the smallest.
        case constant(factor: Double)
        /// Between the last two sizes at most so many times as steep as on average up to there.
        case linear(factor: Double)

        var text: String {
            switch self {
            case .constant(let factor): "constant, at most × \(Report.decimal(factor, 1))"
            case .linear(let factor): "linear, at most × \(Report.decimal(factor, 1)) as steep at the end"
            }
        }
    }

    /// One measurement of a cost.
    struct Reading: Equatable {
        var cost: Double
        var isDisturbed = false

        init(_ cost: Double, _ disturbance: Disturbance?) {
            self.init(cost: cost, isDisturbed: disturbance?.isTooMuch ?? false)
        }

        init(cost: Double, isDisturbed: Bool = false) {
            self.cost = cost
            self.isDisturbed = isDisturbed
        }
    }

    struct Point: Equatable {
        var size: Double
        var cost: Double
        var isDisturbed = false

        init(size: Double, cost: Double, isDisturbed: Bool = false) {
            self.size = size
            self.cost = cost
            self.isDisturbed = isDisturbed
        }

        /// The median of those readings that nobody disturbed, or of all where there is none.
        init(size: Double, readings: [Reading]) {
            let quiet = readings.filter { !$0.isDisturbed }
            self.init(size: size, cost: Statistics.median((quiet.isEmpty ? readings : quiet).map(\.cost)) ?? 0, isDisturbed: quiet.isEmpty)
        }
    }

    var axis: Axis
    /// What is counted, with its unit, such as `CPU µs an event`.
    var name: String
    var bound: Bound
    var points: [Point]

    /// How the cost grows: the exponent `e` of `size^e` that fits best, by least squares of the logarithms; `nil` of fewer than two
    /// points, or where a cost is not above 0.
    var exponent: Double? {
        guard points.count > 1, points.allSatisfy({ $0.cost > 0 && $0.size > 0 }) else { return nil }
        let x = points.map { log($0.size) }
        let y = points.map { log($0.cost) }
        let count = Double(points.count)
        let meanX = x.reduce(0, +) / count
        let meanY = y.reduce(0, +) / count
        let above = zip(x, y).reduce(0) { $0 + ($1.0 - meanX) * ($1.1 - meanY) }
        let below = x.reduce(0) { $0 + ($1 - meanX) * ($1 - meanX) }
        return below > 0 ? above / below : nil
    }

    /// In a word: the growth that the exponent stands for.
    var growth: String {
        guard let exponent else { return "unknown" }
        switch exponent {
        case ..<(-0.15): return "falls"
        case ...0.15: return "constant"
        case ..<0.85: return "less than linear"
        case ...1.15: return "linear"
        default: return "more than linear"
        }
    }

    /// How many times the smallest size's cost (of a constant), or the slope up to there (of a line), the cost has become; `nil` where
    /// there are too few points.
    var excess: Double? {
        guard let first = points.first, points.count > 1 else { return nil }
        switch bound {
        case .constant:
            let most = points.map(\.cost).max() ?? 0
            return first.cost > 0 ? most / first.cost : nil
        case .linear:
            guard points.count > 2 else { return nil }
            let last = points[points.count - 1]
            let before = points[points.count - 2]
            let early = (before.cost - first.cost) / (before.size - first.size)
            let late = (last.cost - before.cost) / (last.size - before.size)
            return early > 0 ? late / early : nil
        }
    }

    var isBroken: Bool {
        let factor: Double
        switch bound {
        case .constant(let value): factor = value
        case .linear(let value): factor = value
        }
        return excess.map { $0 > factor } ?? false
    }

    /// Whether other processes used the machine at one of the points.
    var isDisturbed: Bool { points.contains(where: \.isDisturbed) }

    var json: JSONValue {
        .object([
            "axis": .string(axis.rawValue), "name": .string(name), "bound": .string(bound.text), "growth": .string(growth),
            "exponent": exponent.map { .double($0) } ?? .null, "excess": excess.map { .double($0) } ?? .null, "broken": .bool(isBroken),
            "points": .array(
                points.map { .object(["size": .double($0.size), "cost": .double($0.cost), "disturbed": .bool($0.isDisturbed)]) }),
        ])
    }

    /// Curves over the same sizes as a table: a row each.
    static func table(_ curves: [CostCurve]) -> String {
        guard let first = curves.first else { return "" }
        let sizes = first.points.map { Report.decimal($0.size, 0) }
        var rows = [[first.axis.rawValue] + sizes + ["growth", "bound", "reached", ""]]
        for curve in curves {
            rows.append(
                [curve.name] + curve.points.map { Report.decimal($0.cost, 2) + ($0.isDisturbed ? "!" : "") }
                    + [
                        curve.growth, curve.bound.text, curve.excess.map { "× \(Report.decimal($0, 2))" } ?? "–",
                        curve.isBroken ? "BROKEN" : "",
                    ])
        }
        return "\(first.axis.rawValue): \(first.axis.summary)\n" + Report.aligned(rows) + "\n"
    }
}
