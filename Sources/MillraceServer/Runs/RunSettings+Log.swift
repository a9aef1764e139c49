import Millrace

extension RunSettings {
    /// The bounds of one run's log.
    var log: RunLogLimits {
        var limits = RunLogLimits()
        limits.reservedSequences = reservedSequences
        limits.uncommittedBytes = uncommittedBytes
        limits.eventBytes = eventBytes
        limits.runBytes = runBytes
        return limits
    }
}
