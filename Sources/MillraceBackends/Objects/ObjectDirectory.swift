import Glibc
import MillraceCore

/// The files of a ``DirectoryObjectStore``: `objects/` by ``ObjectPath``, `incoming/` for what is being written, `lock`. All calls block.
///
/// What changes `objects/` holds the lock for a few system calls: within the process a mutex, between processes a lock of the file.
final class ObjectDirectory: Sendable {
    let objects: ObjectFile
    private let incoming: ObjectFile
    private let lockFile: Locked<ObjectFile>
    private let isDurable: Bool

    /// Opens a directory, making it where it is missing, and removes what an earlier process left in `incoming/`.
    init(root: String, isDurable: Bool) throws(MillraceError) {
        self.isDurable = isDurable
        if mkdir(root, 0o700) != 0, errno != EEXIST { throw Self.failure(root) }
        let descriptor = Glibc.open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Self.failure(root) }
        let directory = ObjectFile(descriptor)
        objects = try Self.made("objects", in: directory, root)
        incoming = try Self.made("incoming", in: directory, root)
        let lock = openat(descriptor, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard lock >= 0 else { throw Self.failure(root) }
        lockFile = Locked(ObjectFile(lock))
        if isDurable { try directory.sync() }
        try sweep()
    }

    private static func made(_ name: String, in parent: ObjectFile, _ root: String) throws(MillraceError) -> ObjectFile {
        if mkdirat(parent.descriptor, name, 0o700) != 0, errno != EEXIST { throw failure(root) }
        guard let made = try ObjectFile.directory(name, in: parent) else {
            throw MillraceError(.configuration, "\(root)/\(name) is no directory: name another one for the objects")
        }
        return made
    }

    private static func failure(_ root: String) -> MillraceError {
        MillraceError(.configuration, "the directory of objects \(root) cannot be opened: \(String(cString: strerror(errno)))")
    }

    /// A writer holds a lock of its file, which its process's end releases.
    private func sweep() throws(MillraceError) {
        var names: [String] = []
        try incoming.forEachName { names.append(String(decoding: $0, as: UTF8.self)) }
        for name in names where name != "." && name != ".." {
            guard let file = try ObjectFile.file(name, in: incoming), flock(file.descriptor, LOCK_EX | LOCK_NB) == 0 else { continue }
            unlinkat(incoming.descriptor, name, 0)
        }
    }

    // MARK: Writing

    /// A new file for content that nobody sees yet.
    func makeIncoming() throws(MillraceError) -> (file: ObjectFile, name: String) {
        let name = Identifier.make(prefix: "put_")
        let descriptor = openat(incoming.descriptor, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw ObjectFile.failure("open") }
        let file = ObjectFile(descriptor)
        _ = flock(descriptor, LOCK_EX | LOCK_NB)
        return (file, name)
    }

    func discardIncoming(_ name: String) { unlinkat(incoming.descriptor, name, 0) }

    /// Lets a written file take an object's place.
    /// - Parameter mayReplace: decides by what is there: whether there is something, and its description.
    /// - Throws: what `mayReplace` throws, and then nothing has changed.
    func commit(
        _ file: ObjectFile, _ name: String, to path: ObjectPath, mayReplace: (ObjectFile?) throws(MillraceError) -> Void
    ) throws(MillraceError) {
        if isDurable { try file.sync() }
        let leaf = try locked { () throws(MillraceError) -> ObjectFile in
            try replace(path, by: name, mayReplace)
        }
        if isDurable { try leaf.sync() }
    }

    private func replace(
        _ path: ObjectPath, by name: String, _ mayReplace: (ObjectFile?) throws(MillraceError) -> Void
    ) throws(MillraceError) -> ObjectFile {
        let present = try directory(path.directories)
        var replaced: ObjectFile?
        if let present { replaced = try ObjectFile.file(path.file, in: present) }
        try mayReplace(replaced)
        let leaf: ObjectFile
        if let present { leaf = present } else { leaf = try makeDirectories(path.directories) }
        guard renameat(incoming.descriptor, name, leaf.descriptor, path.file) == 0 else { throw ObjectFile.failure("rename") }
        return leaf
    }

    /// Removes an object, and the directories that it leaves empty.
    func remove(_ path: ObjectPath) throws(MillraceError) {
        let changed = try locked { () throws(MillraceError) -> ObjectFile? in
            guard let leaf = try directory(path.directories) else { return nil }
            guard unlinkat(leaf.descriptor, path.file, 0) == 0 else {
                if errno == ENOENT { return nil }
                throw ObjectFile.failure("unlink")
            }
            return try prune(leaf, path.directories)
        }
        if isDurable { try changed?.sync() }
    }

    /// - Returns: the directory in which the last removal happened.
    private func prune(_ leaf: ObjectFile, _ names: [String]) throws(MillraceError) -> ObjectFile {
        var changed = leaf
        for name in names.reversed() {
            guard let parent = try ObjectFile.directory("..", in: changed), unlinkat(parent.descriptor, name, AT_REMOVEDIR) == 0 else {
                break
            }
            changed = parent
        }
        return changed
    }

    private func makeDirectories(_ names: [String]) throws(MillraceError) -> ObjectFile {
        var directory = objects
        for name in names {
            if mkdirat(directory.descriptor, name, 0o700) == 0 {
                if isDurable { try directory.sync() }
            } else if errno != EEXIST {
                throw ObjectFile.failure("mkdir")
            }
            guard let next = try ObjectFile.directory(name, in: directory) else {
                throw MillraceError(
                    .storageUnavailable, "in the directory of objects '\(name)' is a link or a file where a directory is meant: remove it")
            }
            directory = next
        }
        return directory
    }

    private func locked<R>(_ body: () throws(MillraceError) -> R) throws(MillraceError) -> R {
        try lockFile.withLock { (lockFile) throws(MillraceError) -> R in
            while flock(lockFile.descriptor, LOCK_EX) != 0 {
                if errno != EINTR { throw ObjectFile.failure("flock") }
            }
            defer { flock(lockFile.descriptor, LOCK_UN) }
            return try body()
        }
    }

    // MARK: Reading

    /// `nil`: there is none.
    func directory(_ names: [String]) throws(MillraceError) -> ObjectFile? {
        var directory = objects
        for name in names {
            guard let next = try ObjectFile.directory(name, in: directory) else { return nil }
            directory = next
        }
        return directory
    }

    /// An object's file and its description; `nil`: there is none.
    func open(_ path: ObjectPath) throws(MillraceError) -> (file: ObjectFile, footer: ObjectFooter)? {
        guard let leaf = try directory(path.directories), let file = try ObjectFile.file(path.file, in: leaf) else { return nil }
        guard let footer = try file.footer() else {
            throw MillraceError(
                .storageUnavailable, "an object's file is damaged: objects/\((path.directories + [path.file]).joined(separator: "/"))")
        }
        return (file, footer)
    }
}
