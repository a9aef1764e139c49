import Glibc
import Millrace
import MillraceBackends
package import MillraceCore

/// Says what is kept how long, what the store holds, and what retention would remove of it now: for `millrace doctor`. It removes nothing.
package struct RetentionProbe {
    let settings: ServerSettings
    let now: Timestamp

    /// - Parameter now: what time it is (default: the clock's).
    package init(_ settings: ServerSettings, now: Timestamp = .now()) {
        self.settings = settings
        self.now = now
    }

    /// Reads the database, if there is one.
    package func run() -> [ModelProbe.Finding] {
        var findings = [Self.ok("retention: \(settings.retention.summary)")]
        let path = "\(settings.dataDirectory)/millrace.db"
        guard settings.dataDirectory != ":memory:", access(path, F_OK) == 0 else { return findings }
        do throws(MillraceError) {
            switch try SQLiteStoreInventory.read(path: path, cutoffs: settings.retention.cutoffs(now: now)) {
            case .current(let inventory):
                findings.append(Self.ok("store \(path): \(Self.summary(inventory))"))
                if settings.retention.removesAnything {
                    findings.append(Self.ok("retention would remove now: \(summary(inventory.expiring))"))
                }
            case .older:
                findings.append(
                    .init(
                        verdict: .doubtful, text: "store \(path): its tables are an older Millrace's; the next start brings them up to date"
                    ))
            case .newer:
                findings.append(
                    .init(
                        verdict: .unusable,
                        text: "store \(path): a newer Millrace wrote it: start that version, or choose another directory with --data-dir",
                        isDefault: true))
            }
        } catch {
            findings.append(.init(verdict: .doubtful, text: "store \(path): cannot be read: \(error.message)"))
        }
        return findings
    }

    private static func ok(_ text: String) -> ModelProbe.Finding { .init(verdict: .ok, text: text) }

    private static func summary(_ inventory: SQLiteStoreInventory) -> String {
        let running = inventory.unfinishedRuns > 0 ? ", \(inventory.unfinishedRuns) of them unfinished" : ""
        let runs = counted(inventory.runs, "run") + (inventory.runs > 0 ? " of \(counted(inventory.owners, "owner"))" : "") + running
        return "\(runs); \(counted(inventory.chats, "chat")), \(counted(inventory.contents, "uploaded file")); "
            + "\(megabytes(inventory.usedBytes)) in use of \(megabytes(inventory.fileBytes))"
    }

    private func summary(_ expiring: SQLiteStoreInventory.Expiring) -> String {
        if expiring.isEmpty { return "nothing" }
        var parts: [String] = []
        if expiring.runs > 0 { parts.append("\(Self.counted(expiring.runs, "run")) with the log") }
        if expiring.chats > 0 { parts.append("\(Self.counted(expiring.chats, "chat")) with all that is left in it") }
        if expiring.contents > 0 { parts.append(Self.counted(expiring.contents, "uploaded file")) }
        if expiring.isTooLarge {
            parts.append("the oldest ended runs until \(Self.megabytes(settings.retention.maximumStoreBytes)) are in use")
        }
        return parts.joined(separator: ", ")
    }

    private static func counted(_ count: Int, _ noun: String) -> String { "\(count) \(noun)\(count == 1 ? "" : "s")" }

    /// In millions of bytes, with one decimal.
    private static func megabytes(_ bytes: Int) -> String {
        let tenths = (bytes + 50_000) / 100_000
        return "\(tenths / 10).\(tenths % 10) MB"
    }
}

extension RetentionSettings {
    /// What is kept how long, in words.
    var summary: String {
        var rules: [String] = []
        if runHours > 0 { rules.append("runs for \(runHours) h after their end") }
        if maximumRuns > 0 { rules.append("\(maximumRuns) runs at most") }
        if maximumRunsPerOwner > 0 { rules.append("\(maximumRunsPerOwner) runs of each owner at most") }
        if maximumStoreBytes > 0 { rules.append("ended runs as long as the store uses \(maximumStoreBytes) bytes at most") }
        if chatHours > 0 { rules.append("chats for \(chatHours) h after their last change") }
        if contentHours > 0 { rules.append("uploaded files that no chat names for \(contentHours) h") }
        return rules.isEmpty ? "everything is kept; see retention.runHours" : "kept are " + rules.joined(separator: ", ")
    }
}
