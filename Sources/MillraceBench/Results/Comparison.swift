import MillraceCore

/// Two kept reports side by side.
struct Comparison {
    /// What the difference of two samples says.
    enum Verdict: Equatable {
        case better, worse
        /// The repetitions of one report scatter as much as the reports differ.
        case withinSpread
        /// One has fewer repetitions than ``leastRepetitions``: nothing is known of its spread.
        case unknown
    }

    struct Row: Equatable {
        var workload: String
        var contender: String
        var metric: Metric
        var before: Sample
        var after: Sample
        var verdict: Verdict

        /// The change of the median as a share of the median before.
        var change: Double { before.median == 0 ? 0 : after.median / before.median - 1 }
    }

    static let leastRepetitions = 3
    /// A difference below this share is never called one.
    static let leastChange = 0.02

    var rows: [Row]
    /// Workloads and contenders that only one report has.
    var unmatched: [String]
    var before: ReportOrigin
    var after: ReportOrigin

    /// - Parameters:
    ///   - reference: a contender by whose value in the same repetition all values are divided first, since a machine is faster on one
    ///     day than on another; `nil`: values are taken as they are.
    /// - Throws: ``MillraceError`` for JSON that is no report of this program.
    init(_ before: JSONValue, _ after: JSONValue, relativeTo reference: String? = nil) throws(MillraceError) {
        let earlier = try Self.samples(before, reference)
        let later = try Self.samples(after, reference)
        self.before = ReportOrigin(json: before["origin"])
        self.after = ReportOrigin(json: after["origin"])
        rows = []
        unmatched = []
        for key in Set(earlier.keys).union(later.keys).sorted() {
            guard let old = earlier[key], let new = later[key] else {
                unmatched.append("\(key.text) is only in the \(earlier[key] == nil ? "second" : "first")")
                continue
            }
            for metric in Metric.allCases {
                guard let one = old[metric], let other = new[metric] else { continue }
                rows.append(
                    Row(
                        workload: key.workload, contender: key.contender, metric: metric, before: one, after: other,
                        verdict: Self.verdict(one, other, isCost: metric.isCost)))
            }
        }
    }

    /// A difference counts if the medians are further apart than both ranges together are wide, and by two hundredths at least.
    static func verdict(_ before: Sample, _ after: Sample, isCost: Bool) -> Verdict {
        guard min(before.values.count, after.values.count) >= leastRepetitions else { return .unknown }
        let difference = after.median - before.median
        let ranges = (before.greatest - before.least) + (after.greatest - after.least)
        guard abs(difference) > ranges, abs(difference) >= leastChange * abs(before.median), difference != 0 else { return .withinSpread }
        return (difference < 0) == isCost ? .better : .worse
    }

    private struct Key: Hashable, Comparable {
        var workload: String
        var contender: String
        var text: String { "\(workload) of \(contender)" }
        static func < (left: Key, right: Key) -> Bool { (left.workload, left.contender) < (right.workload, right.contender) }
    }

    private static func samples(_ json: JSONValue, _ reference: String?) throws(MillraceError) -> [Key: [Metric: Sample]] {
        guard json["format"]?.integer == Report.format, let workloads = json["workloads"]?.array else {
            throw MillraceError(.invalidInput, "this is no report that this version of `millrace-bench run --json` wrote")
        }
        var found: [Key: [Metric: Sample]] = [:]
        for workload in workloads {
            let name = workload["name"]?.string ?? ""
            let contenders = (workload["contenders"]?.array ?? []).filter { $0["absent"]?.bool != true }
            let base = contenders.first { $0["name"]?.string == reference }
            for contender in contenders {
                var samples: [Metric: Sample] = [:]
                for metric in Metric.allCases {
                    guard var sample = Sample(json: contender["metrics"]?[metric.rawValue]) else { continue }
                    if reference != nil {
                        guard let other = Sample(json: base?["metrics"]?[metric.rawValue]) else { continue }
                        sample = sample.divided(by: other)
                        guard !sample.values.isEmpty else { continue }
                    }
                    samples[metric] = sample
                }
                found[Key(workload: name, contender: contender["name"]?.string ?? "")] = samples
            }
        }
        return found
    }

    /// A line for each difference that exceeds the spread, and counts of the others.
    var table: String {
        var text = "first:  \(before.text)\nsecond: \(after.text)\n"
        if before.machine != after.machine { text += "The machines differ: read ratios (--relative), not values.\n" }
        var table = [["workload", "contender", "metric", "first", "second", "change", "spread of both", ""]]
        for row in rows where row.verdict == .better || row.verdict == .worse {
            table.append([
                row.workload, row.contender, row.metric.title, Report.decimal(row.before.median, 3), Report.decimal(row.after.median, 3),
                "\(Report.decimal(row.change * 100, 1)) %",
                "\(Report.decimal((row.before.spread ?? 0) * 100, 1)) %, \(Report.decimal((row.after.spread ?? 0) * 100, 1)) %",
                row.verdict == .better ? "better" : "WORSE",
            ])
        }
        text += table.count > 1 ? Report.aligned(table) : "  No difference exceeds the spread.\n"
        let counts: [(Verdict, String)] = [
            (.better, "better"), (.worse, "worse"), (.withinSpread, "within the spread"),
            (.unknown, "unknown: fewer than \(Self.leastRepetitions) repetitions"),
        ]
        text += counts.map { verdict, words in "\(rows.count { $0.verdict == verdict }) \(words)" }.joined(separator: ", ") + "\n"
        return text + unmatched.map { "\($0)\n" }.joined()
    }
}

extension Sample {
    /// The ratios within each repetition that both have.
    func divided(by other: Sample) -> Sample {
        Sample(
            Dictionary(
                values.compactMap { repetition, value in other.values[repetition].flatMap { $0 != 0 ? (repetition, value / $0) : nil } },
                uniquingKeysWith: { first, _ in first }))
    }
}
