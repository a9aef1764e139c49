import Glibc
import MillraceCore

/// What `millrace-bench soak` was asked for.
struct SoakOptions: Equatable {
    var seconds = 120.0
    var clients = 8
    var seed: UInt64 = 0
    var config: String?
    var storeLimitMegabytes: Int?
    var workDirectory = "/var/tmp"

    init(_ arguments: some Sequence<String>) throws(MillraceError) {
        seed = UInt64(bitPattern: Int64(Glibc.time(nil)))
        var rest = CommandLineFlags(arguments)
        while let flag = rest.next() {
            switch flag {
            case "--seconds": seconds = try rest.seconds(of: flag, upTo: 7 * 86400)
            case "--clients": clients = try rest.count(of: flag, 1...500)
            case "--seed": seed = UInt64(try rest.count(of: flag, 0...Int.max))
            case "--config": config = try rest.value(of: flag)
            case "--store-limit-mb": storeLimitMegabytes = try rest.count(of: flag, 1...10_000_000)
            case "--work-dir": workDirectory = try rest.value(of: flag)
            default: throw MillraceError(.invalidInput, "\(flag): no such flag")
            }
        }
    }

    /// Pools, caches and the allocator reach their size within it.
    var warmSeconds: Double { Swift.max(4, Swift.min(seconds / 5, 300)) }
}
