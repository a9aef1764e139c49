import Glibc
import MillraceCore

/// The files of a ``DirectoryCache``, with what is known of them. It blocks; one thread uses it.
struct DirectoryCacheFiles {
    /// What a file takes at least, and a multiple of which it takes: the blocks of common file systems.
    static let blockByteCount = 4096
    /// The most files that one call removes to make room.
    static let evictionLimit = 64
    /// Subdirectories, by the first two digits of a place.
    static let shardCount = 256

    private let directory: String
    private let byteLimit: Int
    private let entryLimit: Int
    private let valueByteLimit: Int
    /// What each known file takes, by its place.
    private var index = LRUIndex<String, Int>()
    /// The next subdirectory whose files of before are looked at.
    private var nextShard = 0

    init(directory: String, byteLimit: Int, entryLimit: Int, valueByteLimit: Int) {
        self.directory = directory
        self.byteLimit = byteLimit
        self.entryLimit = entryLimit
        self.valueByteLimit = valueByteLimit
    }

    var byteCount: Int { index.cost }
    var count: Int { index.count }

    /// - Throws: ``MillraceError`` for a file that is there and cannot be read.
    mutating func value(for key: [UInt8], at now: Timestamp) throws(MillraceError) -> [UInt8]? {
        learnMore()
        let place = DirectoryCacheEntry.place(of: key)
        let bytes: [UInt8]
        do throws(MillraceError) {
            bytes = try BoundedFile.read(path(place), limit: DirectoryCacheEntry.headByteCount + key.count + valueByteLimit)
        } catch {
            guard error.code != .notFound else {
                index.remove(place)
                return nil
            }
            guard error.code != .limitExceeded else {
                try remove(place)
                return nil
            }
            throw error
        }
        guard let entry = DirectoryCacheEntry(parsing: bytes), entry.key == key, entry.isValid(at: now) else {
            try remove(place)
            return nil
        }
        if index.use(place) == nil { index.insert(place, Self.cost(bytes.count), cost: Self.cost(bytes.count)) }
        return entry.value
    }

    /// - Returns: whether the value is kept.
    /// - Throws: ``MillraceError`` when it cannot be written; then the key has no value.
    mutating func set(_ value: [UInt8], for key: [UInt8], expiresAt: Timestamp?, at now: Timestamp) throws(MillraceError) -> Bool {
        learnMore()
        let place = DirectoryCacheEntry.place(of: key)
        let entry = DirectoryCacheEntry(
            madeAt: now, expiresAt: expiresAt ?? Timestamp(microseconds: .max), key: key, value: value)
        let byteCount = DirectoryCacheEntry.headByteCount + key.count + value.count
        let cost = Self.cost(byteCount)
        guard value.count <= valueByteLimit, entry.isValid(at: now), try makeRoom(for: cost, insteadOf: place) else {
            try remove(place)
            return false
        }
        do throws(MillraceError) {
            try Directories.make(directory + "/" + place.prefix(2))
            try AtomicFile.write(entry.encoded, to: path(place), isDurable: false)
        } catch {
            // Better none than the old one.
            try remove(place)
            throw error
        }
        index.insert(place, cost, cost: cost)
        return true
    }

    mutating func remove(_ key: [UInt8]) throws(MillraceError) {
        learnMore()
        try remove(DirectoryCacheEntry.place(of: key))
    }

    mutating func removeAll() throws(MillraceError) {
        for shard in 0..<Self.shardCount {
            for (name, _) in Self.files(in: shardPath(shard)) { try unlink(shardPath(shard) + "/" + name) }
        }
        index.removeAll()
        nextShard = Self.shardCount
    }

    /// Looks at one more subdirectory with files of an earlier process. They count as used before everything of this one, by their time.
    private mutating func learnMore() {
        guard nextShard < Self.shardCount else { return }
        let shard = shardPath(nextShard)
        let digits = Base16.text([UInt8(nextShard)])
        nextShard += 1
        var found: [(place: String, byteCount: Int, time: Int)] = []
        for (name, status) in Self.files(in: shard) {
            guard name.utf8.count == 62, Base16.bytes(name) != nil else {
                // What a crash left half written.
                Glibc.unlink(shard + "/" + name)
                continue
            }
            found.append((digits + "/" + name, Int(status.st_size), status.st_mtim.tv_sec))
        }
        for file in found.sorted(by: { $0.time > $1.time }) {
            index.insertOldest(file.place, Self.cost(file.byteCount), cost: Self.cost(file.byteCount))
        }
    }

    /// Removes what was used longest ago until a file has room, but no more than ``evictionLimit`` files.
    private mutating func makeRoom(for cost: Int, insteadOf place: String) throws(MillraceError) -> Bool {
        guard cost <= byteLimit, entryLimit > 0 else { return false }
        // Of those that go, the key's own old one comes first.
        let own = index.peek(place)
        for _ in 0..<Self.evictionLimit {
            let isKnown = own != nil && index.peek(place) != nil
            if index.cost - (isKnown ? own ?? 0 : 0) + cost <= byteLimit, index.count - (isKnown ? 1 : 0) < entryLimit { return true }
            guard let oldest = index.removeOldest() else { break }
            try unlink(path(oldest.key))
        }
        let isKnown = own != nil && index.peek(place) != nil
        return index.cost - (isKnown ? own ?? 0 : 0) + cost <= byteLimit && index.count - (isKnown ? 1 : 0) < entryLimit
    }

    private mutating func remove(_ place: String) throws(MillraceError) {
        try unlink(path(place))
        index.remove(place)
    }

    private func unlink(_ path: String) throws(MillraceError) {
        guard Glibc.unlink(path) != 0, errno != ENOENT else { return }
        throw MillraceError(.system, "cannot remove \(path): \(String(cString: strerror(errno)))")
    }

    private func path(_ place: String) -> String { directory + "/" + place }
    private func shardPath(_ shard: Int) -> String { directory + "/" + Base16.text([UInt8(shard)]) }

    private static func cost(_ byteCount: Int) -> Int {
        max(byteCount + blockByteCount - 1, blockByteCount) / blockByteCount * blockByteCount
    }

    private static func files(in directory: String) -> [(name: String, status: stat)] {
        guard let handle = opendir(directory) else { return [] }
        defer { closedir(handle) }
        var files: [(String, stat)] = []
        while let entry = readdir(handle) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            var status = stat()
            guard lstat(directory + "/" + name, &status) == 0, status.st_mode & S_IFMT != S_IFDIR else { continue }
            files.append((name, status))
        }
        return files
    }
}
