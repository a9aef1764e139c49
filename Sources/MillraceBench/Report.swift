import MillraceCore

/// The results of a run, as a table and as JSON.
struct Report {
    struct Section {
        var workload: Workload
        var summaries: [Summary]
    }

    /// Contenders that others are compared with.
    static let references = ["floor", "nginx"]
    /// The contender that does nothing in between: what others add to its values is theirs.
    static let baseline = "direct"

    var sections: [Section]

    var isDisturbed: Bool { sections.contains { $0.summaries.contains(where: \.isDisturbed) } }
    var hasFailed: Bool { sections.contains { $0.summaries.contains { !$0.isAbsent && (!$0.notes.isEmpty || $0.values.isEmpty) } } }
    var hasAbsent: Bool { sections.contains { $0.summaries.contains(where: \.isAbsent) } }

    /// One table a workload: medians, the spread of the first column, and its ratio to the references.
    var table: String {
        var text = ""
        for section in sections {
            let workload = section.workload
            text += "\(workload.name): \(workload.summary) (unit: \(workload.unit.rawValue))\n"
            var rows = [
                ["contender"] + workload.metrics.map(\.title) + workload.added.map(\.addedTitle) + ["spread"]
                    + Self.references.map { "× \($0)" } + ["runs"]
            ]
            for summary in section.summaries {
                var row = [summary.contender + (summary.isDisturbed ? " !" : "")]
                row += workload.metrics.map { metric in summary.values[metric].map { Self.decimal($0, metric.digits) } ?? "–" }
                row += workload.added.map { metric in
                    added(by: summary, to: metric, in: section).map { Self.decimal($0, metric.digits) } ?? "–"
                }
                row.append(summary.spread.map { "\(Self.decimal($0 * 100, 0)) %" } ?? "–")
                row += Self.references.map { ratio(of: summary, to: $0, in: section).map { Self.decimal($0, 2) } ?? "–" }
                row.append("\(summary.counted)")
                rows.append(row)
            }
            text += Self.aligned(rows)
            for summary in section.summaries {
                for note in summary.notes { text += "  \(summary.contender): \(note)\n" }
                if summary.isDisturbed {
                    text +=
                        "  ! \(summary.contender): other processes took up to \(Self.decimal(summary.otherShare * 100, 0)) % of the CPU\n"
                }
            }
            text += "\n"
        }
        return text
    }

    /// The same as JSON.
    var json: JSONValue {
        .object([
            "workloads": .array(
                sections.map { section in
                    .object([
                        "name": .string(section.workload.name), "unit": .string(section.workload.unit.rawValue),
                        "contenders": .array(section.summaries.map { summaryJSON($0, in: section) }),
                    ])
                })
        ])
    }

    private func summaryJSON(_ summary: Summary, in section: Section) -> JSONValue {
        var members: [String: JSONValue] = [
            "name": .string(summary.contender), "runs": .integer(summary.counted), "disturbed": .bool(summary.isDisturbed),
            "other_cpu_share": .double(summary.otherShare), "notes": .array(summary.notes.map { .string($0) }),
            "spread": summary.spread.map { .double($0) } ?? .null,
        ]
        for (metric, value) in summary.values { members[metric.rawValue] = .double(value) }
        for reference in Self.references {
            members["ratio_to_\(reference)"] = ratio(of: summary, to: reference, in: section).map { .double($0) } ?? .null
        }
        for metric in section.workload.added {
            members["added_\(metric.rawValue)"] = added(by: summary, to: metric, in: section).map { .double($0) } ?? .null
        }
        return .object(members)
    }

    /// How many times the reference's value this one's first metric is.
    func ratio(of summary: Summary, to reference: String, in section: Section) -> Double? {
        guard let primary = section.workload.metrics.first, let value = summary.values[primary],
            let other = section.summaries.first(where: { $0.contender == reference })?.values[primary], other > 0
        else { return nil }
        return value / other
    }

    /// How much more than the baseline's the value is.
    func added(by summary: Summary, to metric: Metric, in section: Section) -> Double? {
        guard let value = summary.values[metric],
            let base = section.summaries.first(where: { $0.contender == Self.baseline })?.values[metric]
        else { return nil }
        return value - base
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
