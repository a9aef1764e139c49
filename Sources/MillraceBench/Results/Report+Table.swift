extension Report {
    /// One table a workload: medians, the least and the greatest value of the first column, and its ratios to the references.
    var table: String { sections.map(table).joined() + footer }

    func table(of section: Section) -> String {
        let workload = section.workload
        var text = "\(workload.name): \(workload.summary) (unit: \(workload.unit.rawValue))\n"
        let primary = workload.metrics[0]
        var rows = [
            ["contender"] + workload.metrics.map(\.title) + workload.added.map(\.addedTitle) + ["min–max of \(primary.title)"]
                + Self.references.map { "× \($0)" } + ["runs"]
        ]
        for summary in section.summaries {
            var row = [summary.contender + (summary.isRefused ? " !" : "")]
            row += workload.metrics.map { metric in summary.samples[metric].map { Self.decimal($0.median, metric.digits) } ?? "–" }
            row += workload.added.map { metric in
                added(by: summary, to: metric, in: section).map { Self.decimal($0, metric.digits) } ?? "–"
            }
            row.append(
                summary.samples[primary].map { "\(Self.decimal($0.least, primary.digits))–\(Self.decimal($0.greatest, primary.digits))" }
                    ?? "–")
            row += Self.references.map { ratio(of: summary, to: $0, in: section).map { Self.decimal($0, 2) } ?? "–" }
            row.append("\(summary.counted)")
            rows.append(row)
        }
        text += Self.aligned(rows)
        for summary in section.summaries {
            for note in summary.notes { text += "  \(summary.contender): \(note)\n" }
            if summary.disturbed > 0 { text += "  \(disturbanceNote(summary))\n" }
        }
        var reasons: [String] = []
        for (_, reason) in section.leftOut where !reasons.contains(reason) { reasons.append(reason) }
        for reason in reasons {
            text += "  – \(reason): \(section.leftOut.filter { $0.reason == reason }.map(\.contender).joined(separator: ", "))\n"
        }
        return text + "\n"
    }

    private func disturbanceNote(_ summary: Summary) -> String {
        let worst = summary.worst.map { "up to \(Self.decimal($0.share * 100, 0)) % of the CPU went to others: \($0.text)" } ?? ""
        let outcome =
            summary.countsDisturbed
            ? "counted all the same" : summary.isRefused ? "refused, some repetition has no other" : "measured again"
        return "! \(summary.contender): \(summary.disturbed) disturbed (\(worst)), \(outcome)"
    }

    /// How many attempts were disturbed.
    var footer: String {
        let attempts = disturbedAttempts
        let limit = Self.decimal(Disturbance.allowedShare * 100, 0)
        return attempts == 0
            ? "No attempt was disturbed: other processes took at most \(limit) % of the machine's CPU in each.\n"
            : "\(attempts) \(attempts == 1 ? "attempt was" : "attempts were") disturbed: other processes took more than \(limit) % of the "
                + "machine's CPU.\n"
    }
}
