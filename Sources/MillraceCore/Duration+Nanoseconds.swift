extension Duration {
    /// Whole nanoseconds, as many as an `Int64` holds (292 years).
    package var wholeNanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, more) = whole.addingReportingOverflow(attoseconds / 1_000_000_000)
        return overflow || more ? (seconds < 0 ? .min : .max) : sum
    }
}
