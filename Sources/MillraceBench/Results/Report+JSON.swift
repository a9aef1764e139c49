import MillraceCore

extension Report {
    /// The same as JSON, for keeping and for `compare`.
    var json: JSONValue {
        .object([
            "format": .integer(Self.format), "origin": origin.json,
            "workloads": .array(
                sections.map { section in
                    .object([
                        "name": .string(section.workload.name), "summary": .string(section.workload.summary),
                        "unit": .string(section.workload.unit.rawValue),
                        "contenders": .array(section.summaries.map { json(of: $0, in: section) }),
                        "left_out": .object(
                            Dictionary(section.leftOut.map { ($0.contender, .string($0.reason)) }, uniquingKeysWith: { first, _ in first })),
                    ])
                }),
        ])
    }

    /// The number of this form of the JSON.
    static let format = 2

    private func json(of summary: Summary, in section: Section) -> JSONValue {
        var members: [String: JSONValue] = [
            "name": .string(summary.contender), "runs": .integer(summary.counted), "disturbed": .integer(summary.disturbed),
            "refused": .bool(summary.isRefused), "greatest_other_cpu_share": .double(summary.worst?.share ?? 0),
            "notes": .array(summary.notes.map { .string($0) }), "absent": .bool(summary.isAbsent),
            "metrics": .object(
                Dictionary(summary.samples.map { ($0.key.rawValue, $0.value.json) }, uniquingKeysWith: { first, _ in first })),
        ]
        for reference in Self.references {
            members["ratio_to_\(reference)"] = ratio(of: summary, to: reference, in: section).map { .double($0) } ?? .null
        }
        for metric in section.workload.added {
            members["added_\(metric.rawValue)"] = added(by: summary, to: metric, in: section).map { .double($0) } ?? .null
        }
        return .object(members)
    }
}

/// Where, when and of what a report was made.
struct ReportOrigin: Equatable {
    var time = ""
    var commit = ""
    /// Such as the processor, the cores, the kernel.
    var machine: [String: String] = [:]
    /// The versions of the peers, and of the compiler.
    var versions: [String: String] = [:]
    /// The command line.
    var arguments: [String] = []

    var json: JSONValue {
        .object([
            "time": .string(time), "commit": .string(commit), "machine": .object(machine.mapValues { .string($0) }),
            "versions": .object(versions.mapValues { .string($0) }), "arguments": .array(arguments.map { .string($0) }),
        ])
    }

    init() {}

    init(json: JSONValue?) {
        time = json?["time"]?.string ?? ""
        commit = json?["commit"]?.string ?? ""
        machine = json?["machine"]?.object?.compactMapValues(\.string) ?? [:]
        versions = json?["versions"]?.object?.compactMapValues(\.string) ?? [:]
        arguments = json?["arguments"]?.array?.compactMap(\.string) ?? []
    }

    /// Such as `2026-11-21 13:00 UTC, 5d6760b, AMD EPYC, 2 cores`.
    var text: String {
        [time, commit.isEmpty ? "" : "commit \(commit)", machine["processor"] ?? "", machine["cores"].map { "\($0) cores" } ?? ""]
            .filter { !$0.isEmpty }.joined(separator: ", ")
    }

    var versionsText: String { versions.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: "; ") }
}
