import MillraceCore

/// The results of a run.
struct Report {
    struct Section {
        var workload: Workload
        var summaries: [Summary]
        /// Contenders that were asked for and do not take part, each with the reason.
        var leftOut: [(contender: String, reason: String)] = []
    }

    /// The contender that the others' ratios are taken to.
    static let own = "millrace"
    /// Contenders that all are compared with.
    static let references = [own, "floor"]
    /// The contender that does nothing in between: what others add to its values is theirs.
    static let baseline = "direct"

    var sections: [Section]
    /// Where and of what it was made.
    var origin = ReportOrigin()

    /// How many attempts were disturbed, and of how many repetitions there is none that was not.
    var disturbedAttempts: Int { sections.flatMap(\.summaries).reduce(0) { $0 + $1.disturbed } }
    var isRefused: Bool { sections.contains { $0.summaries.contains { $0.isRefused && !$0.countsDisturbed } } }
    var hasFailed: Bool {
        sections.contains { $0.summaries.contains { !$0.isAbsent && !$0.isRefused && (!$0.notes.isEmpty || $0.samples.isEmpty) } }
    }
    var hasAbsent: Bool { sections.contains { $0.summaries.contains(where: \.isAbsent) } }

    /// How many times the reference's value this one's is, in the workload's first metric.
    func ratio(of summary: Summary, to reference: String, in section: Section) -> Double? {
        guard let primary = section.workload.metrics.first, let value = summary.samples[primary],
            let other = section.summaries.first(where: { $0.contender == reference })?.samples[primary]
        else { return nil }
        return value.ratio(to: other)
    }

    /// How much more than the baseline's the median is.
    func added(by summary: Summary, to metric: Metric, in section: Section) -> Double? {
        guard let value = summary.samples[metric],
            let base = section.summaries.first(where: { $0.contender == Self.baseline })?.samples[metric]
        else { return nil }
        return value.median - base.median
    }

    /// Rows in columns: the first to the left, the others to the right.
    static func aligned(_ rows: [[String]]) -> String {
        let columns = rows.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0 }
        return rows.map { row in
            let cells = row.enumerated().map { column, cell in
                column == 0 ? pad(cell, to: widths[0]) : String(repeating: " ", count: widths[column] - cell.count) + cell
            }
            return "  " + cells.joined(separator: "  ") + "\n"
        }.joined()
    }

    static func pad(_ text: String, to width: Int) -> String { text + String(repeating: " ", count: max(0, width - text.count)) }

    /// A number with so many digits after the point, rounded half away from zero.
    static func decimal(_ value: Double, _ digits: Int) -> String {
        guard value.isFinite, abs(value) < 1e12 else { return "–" }
        var scale = 1
        for _ in 0..<digits { scale *= 10 }
        let scaled = Int((abs(value) * Double(scale)).rounded())
        let sign = value < 0 && scaled > 0 ? "-" : ""
        guard digits > 0 else { return "\(sign)\(scaled)" }
        let fraction = String(scaled % scale)
        return "\(sign)\(scaled / scale).\(String(repeating: "0", count: digits - fraction.count))\(fraction)"
    }
}
