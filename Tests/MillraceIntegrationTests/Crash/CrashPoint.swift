/// Where a server's life is cut off.
enum CrashPoint: Sendable, CustomStringConvertible {
    /// At the Nth of a kind of call: before it, when it has written half, or after it. While it starts and works (step 0), or stops (step 1).
    case call(String, target: String, Failure, number: Int, step: Int)
    /// So long after its start, in microseconds.
    case time(Int)

    var description: String {
        switch self {
        case .call(let call, let target, let failure, let number, let step):
            "\(failure.name) \(call) \(target) \(number)\(step == 1 ? " of its stop" : "")"
        case .time(let microseconds): "after \(microseconds) µs"
        }
    }

    /// Calls at which the store's files or a client's view change, and about how many of them a life makes.
    private static let places: [(call: String, target: String, most: Int)] = [
        ("pwrite", "wal", 400), ("pwrite", "wal", 40), ("fdatasync", "wal", 60), ("fdatasync", "wal", 6), ("sqlite3_step", "COMMIT", 60),
        ("sqlite3_step", "COMMIT", 6), ("sqlite3_step", "BEGIN", 40), ("sqlite3_step", "change", 200), ("sqlite3_step", "SELECT", 30),
        ("pwrite", "shm", 16), ("pwrite", "database", 8), ("fcntl", "shm", 400), ("mmap", "shm", 2), ("ftruncate", "shm", 2),
        ("send", "connection", 200), ("recv", "connection", 60), ("accept4", "listener", 40), ("write", "object", 12),
        ("fsync", "object", 20), ("rename", "object", 6), ("unlink", "object", 4), ("open", "object", 30), ("close", "object", 30),
    ]
    /// The same of a stop, which folds the log into the database and removes it.
    private static let placesOfStop: [(call: String, target: String, most: Int)] = [
        ("pwrite", "database", 40), ("fdatasync", "database", 2), ("fdatasync", "wal", 2), ("ftruncate", "database", 2),
        ("unlink", "wal", 2), ("unlink", "shm", 2), ("close", "database", 6), ("pread", "wal", 40), ("fcntl", "database", 12),
    ]

    static func random(using generator: inout SeededGenerator) -> CrashPoint {
        let kind = Int.random(in: 0..<10, using: &generator)
        if kind < 3 { return .time(Int.random(in: 500...120_000, using: &generator)) }
        let step = kind == 9 ? 1 : 0
        let all = step == 1 ? placesOfStop : places
        let place = all[Int.random(in: 0..<all.count, using: &generator)]
        let failure = Failure.kills[Int.random(in: 0..<Failure.kills.count, using: &generator)]
        return .call(
            place.call, target: place.target, failure, number: Int.random(in: 1...place.most, using: &generator), step: step)
    }
}
