import Millrace
import MillraceCore

extension RetentionSettings {
    /// Whether anything is to go by itself.
    var removesAnything: Bool { self != RetentionSettings() }

    /// What a store no longer keeps at that time.
    func cutoffs(now: Timestamp) -> RetentionCutoffs {
        func before(_ hours: Int) -> Timestamp? {
            hours > 0 ? Timestamp(microseconds: now.microseconds - Int64(hours) * 3_600_000_000) : nil
        }
        var cutoffs = RetentionCutoffs(now: now)
        cutoffs.runsEnded = before(runHours)
        cutoffs.maximumRuns = maximumRuns > 0 ? maximumRuns : nil
        cutoffs.maximumRunsPerOwner = maximumRunsPerOwner > 0 ? maximumRunsPerOwner : nil
        cutoffs.maximumBytes = maximumStoreBytes > 0 ? maximumStoreBytes : nil
        cutoffs.chatsChanged = before(chatHours)
        cutoffs.contentsCreated = before(contentHours)
        return cutoffs
    }
}
