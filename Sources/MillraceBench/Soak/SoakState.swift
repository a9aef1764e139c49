/// What a server holds while it has nothing to do.
struct SoakState: Equatable {
    var descriptors: Int
    var threads: Int
    /// Resident, in bytes.
    var memory: Int
    /// The pages of the database that hold something, whether they are in its file yet or in its write-ahead log.
    var storeBytes: Int
    var writeAheadBytes: Int
    /// Files that people uploaded.
    var objectBytes: Int
    /// Runs that were started so far.
    var runs: Int
}

/// What of it must return to its base line, and by how much it may be above.
struct SoakBounds: Equatable {
    /// Pools that grow on demand, such as those of readers of the store, fill up late.
    var descriptors = 8
    var threads = 4
    /// Bytes above the base line, and the share of the base line where that is more. SQLite's page caches (16 MiB of the writer, 4 of each
    /// reader) fill up after the warm-up.
    var memoryBytes = 32 << 20
    var memoryShare = 0.25
    /// How much more a run may add to the store than one of the warm-up did. Pages are half full at times.
    var storeShare = 0.5
    /// The log of the largest run of the mix, about one in a hundred: a short warm-up can have had none.
    var largestRunBytes = 1_500_000.0
    /// SQLite's log is begun anew when all of it has been copied, which a reader or a burst can put off.
    var writeAheadBytes = 64 << 20
    /// The largest store, where runs expire; `nil`: they do not, and growth for each run is looked at.
    var storeBytes: Int?

    /// What is above its bound: nothing if all returned.
    /// - Parameters:
    ///   - start: before the warm-up.
    ///   - base: after it.
    ///   - end: after the load.
    func broken(start: SoakState, base: SoakState, end: SoakState) -> [String] {
        var broken: [String] = []
        func check(_ name: String, _ value: Int, above base: Int, by allowed: Int, _ unit: String = "") {
            if value > base + allowed {
                broken.append("\(name): \(value)\(unit), the base line is \(base)\(unit) and \(allowed)\(unit) more are allowed")
            }
        }
        check("descriptors", end.descriptors, above: base.descriptors, by: descriptors)
        check("threads", end.threads, above: base.threads, by: threads)
        check(
            "memory", end.memory >> 10, above: base.memory >> 10,
            by: Swift.max(memoryBytes, Int(Double(base.memory) * memoryShare)) >> 10, " KB")
        check("write-ahead log", end.writeAheadBytes >> 10, above: 0, by: writeAheadBytes >> 10, " KB")
        check("uploaded files", end.objectBytes, above: base.objectBytes, by: 0, " bytes")
        if let storeBytes {
            check("store", end.storeBytes >> 10, above: 0, by: storeBytes >> 10, " KB")
        } else if let before = Self.perRun(from: start, to: base), let after = Self.perRun(from: base, to: end) {
            let few = Double(Swift.max(1, base.runs - start.runs))
            let allowed = before * (1 + storeShare) + 3 * largestRunBytes * Swift.max(1, few / 100).squareRoot() / few
            if after > allowed {
                broken.append(
                    "store: \(Report.decimal(after, 0)) bytes a run, the warm-up's were \(Report.decimal(before, 0)) and at most "
                        + "\(Report.decimal(allowed, 0)) are allowed")
            }
        }
        return broken
    }

    /// Bytes of the store for each run that was started between two states.
    static func perRun(from earlier: SoakState, to later: SoakState) -> Double? {
        let runs = later.runs - earlier.runs
        return runs > 0 ? Double(later.storeBytes - earlier.storeBytes) / Double(runs) : nil
    }
}
