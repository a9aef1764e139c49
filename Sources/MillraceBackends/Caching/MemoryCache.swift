public import Millrace
package import MillraceCore

/// A cache in the server's memory: the fastest, gone with the process. When it is full, what was used longest ago goes.
public final class MemoryCache: Cache {
    private let table: Locked<MemoryCacheTable>
    private let time: TimeSource

    /// Creates a cache.
    /// - Parameters:
    ///   - byteLimit: the most bytes of keys, values and what each entry takes beside them, which counts 256 (default: 64 MiB).
    ///   - entryLimit: the most entries (default: 10,000).
    ///   - valueByteLimit: the longest value that is kept (default: 1 MiB).
    public convenience init(byteLimit: Int = 64 << 20, entryLimit: Int = 10_000, valueByteLimit: Int = 1 << 20) {
        self.init(byteLimit: byteLimit, entryLimit: entryLimit, valueByteLimit: valueByteLimit, time: .system)
    }

    package init(byteLimit: Int = 64 << 20, entryLimit: Int = 10_000, valueByteLimit: Int = 1 << 20, time: TimeSource) {
        table = Locked(MemoryCacheTable(byteLimit: byteLimit, entryLimit: entryLimit, valueByteLimit: valueByteLimit))
        self.time = time
    }

    /// As ``Cache/value(for:)``.
    public func value(for key: String) async throws -> [UInt8]? {
        try CacheRules.check(key: key)
        try Task.checkCancellation()
        return table.withLock { $0.value(for: Array(key.utf8), at: time.monotonic()) }
    }

    /// As ``Cache/set(_:for:expiresIn:)``.
    public func set(_ value: [UInt8], for key: String, expiresIn: Duration?) async throws {
        try CacheRules.check(key: key)
        try Task.checkCancellation()
        table.withLock { $0.set(value, for: Array(key.utf8), expiresIn: expiresIn, at: time.monotonic()) }
    }

    /// As ``Cache/remove(_:)``.
    public func remove(_ key: String) async throws {
        try CacheRules.check(key: key)
        table.withLock { $0.remove(Array(key.utf8)) }
    }

    /// As ``Cache/removeAll()``.
    public func removeAll() async throws { table.withLock { $0.removeAll() } }
}

/// The contents of a ``MemoryCache``: bounded by bytes and entries, in the order of their use. A value without lock or clock.
struct MemoryCacheTable {
    private struct Entry: Sendable {
        let value: [UInt8]
        let expiresAt: Int64
    }

    /// What an entry takes beside its key's and its value's bytes: two heap objects, a node and a place in a table, which grow by doubling.
    static let overhead = 256

    private let byteLimit: Int
    private let entryLimit: Int
    private let valueByteLimit: Int
    // Keys are bytes: strings that only look alike are equal to Swift, and are two keys everywhere else.
    private var index = LRUIndex<[UInt8], Entry>()

    init(byteLimit: Int, entryLimit: Int, valueByteLimit: Int) {
        self.byteLimit = byteLimit
        self.entryLimit = entryLimit
        self.valueByteLimit = valueByteLimit
    }

    var count: Int { index.count }
    var byteCount: Int { index.cost }

    mutating func value(for key: [UInt8], at now: Int64) -> [UInt8]? {
        guard let entry = index.use(key) else { return nil }
        guard now < entry.expiresAt else {
            index.remove(key)
            return nil
        }
        return entry.value
    }

    mutating func set(_ value: [UInt8], for key: [UInt8], expiresIn: Duration?, at now: Int64) {
        // Whatever becomes of the new value, the old one is outdated.
        index.remove(key)
        let cost = key.count + value.count + Self.overhead
        guard value.count <= valueByteLimit, cost <= byteLimit, entryLimit > 0 else { return }
        var expiresAt = Int64.max
        if let expiresIn {
            guard expiresIn > .zero else { return }
            let (sum, overflow) = now.addingReportingOverflow(expiresIn.wholeNanoseconds)
            expiresAt = overflow ? .max : sum
        }
        index.insert(key, Entry(value: value, expiresAt: expiresAt), cost: cost)
        while index.cost > byteLimit || index.count > entryLimit { _ = index.removeOldest() }
    }

    mutating func remove(_ key: [UInt8]) { index.remove(key) }
    mutating func removeAll() { index.removeAll() }
}
