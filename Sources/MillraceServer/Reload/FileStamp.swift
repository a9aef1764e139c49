import Glibc

/// What tells one state of a file from another without reading it.
package struct FileStamp: Equatable, Sendable {
    private var device: UInt64
    private var inode: UInt64
    private var size: Int64
    private var modified: [Int64]
    private var changed: [Int64]

    /// The file's state now; `nil` where there is none.
    package init?(_ path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
        size = Int64(status.st_size)
        modified = [Int64(status.st_mtim.tv_sec), Int64(status.st_mtim.tv_nsec)]
        changed = [Int64(status.st_ctim.tv_sec), Int64(status.st_ctim.tv_nsec)]
    }
}

/// Says when files have changed: at the second look that finds the same new state, so that one who writes in pieces has finished.
struct FileWatch {
    private var known: [String: FileStamp?]
    private var seen: [String: FileStamp?]?

    /// - Parameter known: the files' states when they were read; `nil` for one that was not there.
    init(_ known: [String: FileStamp?]) { self.known = known }

    /// Forgets what was known for what is known now, as after a reload.
    mutating func know(_ stamps: [String: FileStamp?]) {
        known = stamps
        seen = nil
    }

    /// Whether the files are others than those known, and have stayed so since the last look. It says so once for each change.
    mutating func look(_ stamp: (String) -> FileStamp?) -> Bool {
        let now = Dictionary(uniqueKeysWithValues: known.keys.map { ($0, stamp($0)) })
        defer { seen = now }
        guard now != known, now == seen else { return false }
        known = now
        return true
    }
}
